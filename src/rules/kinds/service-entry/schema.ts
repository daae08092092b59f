import { z } from 'zod';
import { ipVersion } from '../../../lib/ip.ts';
import type { Protocol } from '../../../model/service.ts';
import { portNumber } from '../../fields.ts';
import { isDnsName, isUnixAddress, workloadEntrySpec } from '../workload-entry/schema.ts';

/** Protocols as Istio writes them, in lower case. Databases are opaque to a proxy without a filter of their own. */
const protocols: Readonly<Record<string, Protocol>> = {
  http: 'http',
  http2: 'http2',
  grpc: 'grpc',
  'grpc-web': 'grpc-web',
  https: 'https',
  tls: 'tls',
  tcp: 'tcp',
  udp: 'udp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
};

/** The protocol that a port names in any case, or undefined. */
export const protocolOf = (text: string): Protocol | undefined => {
  const name = text.toLowerCase();
  return Object.hasOwn(protocols, name) ? protocols[name] : undefined;
};

const port = z.strictObject({
  number: portNumber,
  name: z.string().min(1, 'a port needs a name').max(256),
  protocol: z
    .string()
    .refine((text) => text === '' || protocolOf(text) !== undefined, {
      error: `must be one of ${Object.keys(protocols).join(', ')} (in any case)`,
    })
    .optional(),
  targetPort: portNumber.optional(),
});

const selectorValue = z
  .string()
  .max(63)
  .refine((text) => !text.includes('*'), { error: 'wildcards are not supported in a selector' });

const shape = z.strictObject({
  hosts: z.array(z.string()).min(1, 'at least one host').max(256),
  addresses: z.array(z.string().max(64)).max(256).optional(),
  ports: z.array(port).max(256).optional(),
  location: z.enum(['MESH_EXTERNAL', 'MESH_INTERNAL']).optional(),
  resolution: z.enum(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS']).optional(),
  endpoints: z.array(workloadEntrySpec).max(4_096).optional(),
  workloadSelector: z.strictObject({ labels: z.record(z.string(), selectorValue).optional() }).optional(),
  exportTo: z.array(z.string().min(1)).optional(),
  subjectAltNames: z.array(z.string()).optional(),
});

export type ServiceEntrySpec = z.infer<typeof shape>;

type Complain = (path: readonly (string | number)[], message: string) => void;

/** ServiceEntry of networking.istio.io: https://istio.io/latest/docs/reference/config/networking/service-entry/ */
export const serviceEntrySpec: z.ZodType<ServiceEntrySpec> = shape.superRefine((spec, context) => {
  const complain: Complain = (path, message) => context.addIssue({ code: 'custom', path: [...path], message });
  checkHosts(spec, complain);
  checkAddresses(spec, complain);
  checkPorts(spec, complain);
  checkEndpoints(spec, complain);
});

function checkHosts(spec: ServiceEntrySpec, complain: Complain): void {
  const isResolved = spec.resolution === 'DNS' || spec.resolution === 'DNS_ROUND_ROBIN';
  for (const [index, host] of spec.hosts.entries()) {
    const isWild = host.startsWith('*.');
    if (host === '*') complain(['hosts', index], "'*' would capture everything; name a domain such as *.example.com");
    else if (!isDnsName(isWild ? host.slice(2) : host))
      complain(['hosts', index], 'must be a hostname such as example.com');
    else if (isWild && isResolved && !spec.endpoints?.length) {
      complain(['hosts', index], `a wildcard cannot be resolved: with resolution ${spec.resolution} give endpoints`);
    }
  }
}

function checkAddresses(spec: ServiceEntrySpec, complain: Complain): void {
  const resolution = spec.resolution ?? 'NONE';
  for (const [index, address] of (spec.addresses ?? []).entries()) {
    if (!isAddress(address)) complain(['addresses', index], 'must be an IP address or a CIDR such as 10.0.0.0/8');
    else if (address.includes('/') && resolution !== 'NONE' && resolution !== 'STATIC') {
      complain(['addresses', index], 'a CIDR is allowed only with resolution NONE or STATIC');
    }
  }
}

/** An IP address or a CIDR. */
function isAddress(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = ipVersion(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function checkPorts(spec: ServiceEntrySpec, complain: Complain): void {
  const names = new Set<string>();
  const numbers = new Set<number>();
  for (const [index, { name, number }] of (spec.ports ?? []).entries()) {
    if (names.has(name)) complain(['ports', index, 'name'], `'${name}' is used twice`);
    if (numbers.has(number)) complain(['ports', index, 'number'], `${number} is used twice`);
    names.add(name);
    numbers.add(number);
  }
}

function checkEndpoints(spec: ServiceEntrySpec, complain: Complain): void {
  const endpoints = spec.endpoints ?? [];
  const resolution = spec.resolution ?? 'NONE';
  if (spec.endpoints !== undefined && spec.workloadSelector !== undefined) {
    complain(['workloadSelector'], 'only one of workloadSelector and endpoints may be set');
  }
  if (resolution === 'NONE' && endpoints.length > 0) {
    complain(['endpoints'], 'resolution NONE has no endpoints: choose STATIC or DNS, or leave them out');
  }
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) {
    complain(['endpoints'], 'resolution DNS_ROUND_ROBIN takes one endpoint at most');
  }
  const portNames = new Set((spec.ports ?? []).map(({ name }) => name));
  for (const [index, endpoint] of endpoints.entries()) {
    const address = endpoint.address ?? '';
    if (resolution === 'STATIC' && address !== '' && ipVersion(address) === 0 && !isUnixAddress(address)) {
      complain(['endpoints', index, 'address'], 'must be an IP address with resolution STATIC');
    }
    if (resolution.startsWith('DNS') && isUnixAddress(address)) {
      complain(['endpoints', index, 'address'], `a unix domain socket cannot be resolved with ${resolution}`);
    }
    for (const name of Object.keys(endpoint.ports ?? {})) {
      if (!portNames.has(name))
        complain(['endpoints', index, 'ports', name], 'is not the name of a port of this entry');
    }
  }
}
