// Pure: from the platform's words to the model. Kept apart from the polling, so that tests need no platform.
import { z } from 'zod';
import type { ShardContents } from '../../src/adapter-contract/adapter.ts';
import { fieldPath } from '../../src/lib/field-path.ts';
import { canonicalAddress } from '../../src/lib/ip.ts';
import type { EndpointSet } from '../../src/model/endpoint.ts';
import { hostname } from '../../src/model/names.ts';
import type { Service } from '../../src/model/service.ts';

/** Entry of the list that was left out. */
export interface SkippedEntry {
  /** Place in the list: `services[2]`. */
  readonly origin: string;
  readonly message: string;
}

// The document must be a list; a document that is not one says nothing about single services.
const document = z.array(z.unknown());

// One service. Unknown fields are ignored: a newer platform may have more.
const entry = z.object({
  // Name that clients call.
  host: z.hostname().transform(hostname),
  namespace: z.string().min(1).default('default'),
  port: z.int().min(1).max(65_535),
  protocol: z.enum(['http', 'http2', 'grpc', 'tcp']).default('http'),
  // Addresses have one spelling in the model, because they are compared with each other.
  addresses: z.array(z.union([z.ipv4(), z.ipv6()]).transform(canonicalAddress)).default([]),
});
type ListedService = z.infer<typeof entry>;

/**
 * Translates the platform's list. A wrong entry is left out and returned as a mistake; the others count. Throws if the
 * text is no JSON list.
 */
export function translate(text: string): {
  readonly contents: ShardContents;
  readonly mistakes: readonly SkippedEntry[];
} {
  const services: Service[] = [];
  const endpoints: EndpointSet[] = [];
  const mistakes: SkippedEntry[] = [];
  const seen = new Set<string>();
  for (const [index, item] of document.parse(JSON.parse(text)).entries()) {
    const origin = `services[${index}]`;
    const parsed = entry.safeParse(item);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      mistakes.push({ origin, message: `${fieldPath('', issue?.path ?? [])}: ${issue?.message}` });
      continue;
    }
    const { namespace, host } = parsed.data;
    if (seen.has(`${namespace}/${host}`)) {
      mistakes.push({ origin, message: `${host} is in the list already; the first entry applies` });
      continue;
    }
    seen.add(`${namespace}/${host}`);
    services.push(toService(parsed.data));
    endpoints.push(toEndpoints(parsed.data));
  }
  // Workloads are for selectors of ServiceEntries, objects for Istio's rules: this platform has neither.
  return { contents: { services, endpoints, workloads: [], objects: [] }, mistakes };
}

const toService = ({ host, namespace, port, protocol }: ListedService): Service => ({
  hostname: host,
  namespace,
  name: host, // no shorter name
  registry: 'example',
  createdAtMs: 0, // unknown, and the same after each restart: the oldest of several services of one host applies
  ports: [{ name: protocol, number: port, protocol }],
  vips: [], // clients use the name
  aliases: [],
  aliasOf: null,
  resolution: 'static', // the endpoints are in the list
  headless: false,
  exportTo: [], // the mesh's default: visible in all namespaces
  external: false,
  labels: {},
});

const toEndpoints = ({ host, namespace, port, protocol, addresses }: ListedService): EndpointSet => ({
  namespace,
  hostname: host,
  endpoints: addresses.map((address) => ({
    address,
    ports: { [protocol]: port }, // by the name of the service's port
    labels: {}, // subsets of DestinationRules select by labels
    weight: 1,
    locality: '',
    network: '',
    cluster: '',
    health: 'healthy',
    workload: null,
  })),
});
