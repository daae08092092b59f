import { ipVersion } from '../../../lib/ip.ts';
import { type Endpoint, isSocketAddress } from '../../../model/endpoint.ts';
import { type Hostname, hostname, isWildcard } from '../../../model/names.ts';
import type { Resolution, Service, ServicePort } from '../../../model/service.ts';
import { protocolOfPort } from '../../protocols.ts';
import type { Rule } from '../../rule.ts';
import type { WorkloadEntrySpec } from '../workload-entry/schema.ts';
import { translateInlineEndpoint, uncallableReason } from '../workload-entry/translate.ts';
import type { ServiceEntrySpec } from './schema.ts';

/** Value of `Service.registry` for services that rules define. */
export const serviceEntryRegistry = 'service-entry';

/** One host of a ServiceEntry, with the endpoints in the entry itself. A selector's endpoints are added later. */
export interface TranslatedHost {
  readonly service: Service;
  readonly endpoints: readonly Endpoint[];
}

/** The contents of an entry as model values. */
export interface TranslatedServiceEntry {
  /** Hosts in order, without duplicates. */
  readonly hosts: readonly TranslatedHost[];
  /** Messages for the rule's author about valid parts that have no effect yet. */
  readonly notes: readonly string[];
}

const resolutions: Readonly<Record<Exclude<ServiceEntrySpec['resolution'], undefined>, Resolution>> = {
  NONE: 'passthrough',
  STATIC: 'static',
  DNS: 'dns',
  DNS_ROUND_ROBIN: 'dns-round-robin',
  DYNAMIC_DNS: 'dynamic-dns',
};

/** Returns one service for each host of the entry. */
export function translateServiceEntry(rule: Rule<string, ServiceEntrySpec>): TranslatedServiceEntry {
  const resolution = resolutions[rule.spec.resolution ?? 'NONE'];
  const inline = inlineEndpoints(rule.spec);
  const names = [...new Set(rule.spec.hosts.map((host) => hostname(host.replace(/\.$/, ''))))];
  return {
    hosts: names.map((name) => ({
      service: translateService(rule, name, resolution),
      endpoints: isResolvedByName(rule.spec, resolution, name) ? [namedEndpoint(rule.spec, name)] : inline,
    })),
    notes: notesOf(rule.spec),
  };
}

function translateService(rule: Rule<string, ServiceEntrySpec>, name: Hostname, resolution: Resolution): Service {
  const { spec, metadata } = rule;
  return {
    hostname: name,
    namespace: metadata.namespace,
    name,
    registry: serviceEntryRegistry,
    createdAtMs: Date.parse(metadata.creationTimestamp),
    ports: (spec.ports ?? []).map((port) => translatePort(port, resolution)),
    vips: (spec.addresses ?? []).map((address) => singleAddress(address) ?? address),
    aliases: [],
    aliasOf: null,
    resolution,
    headless: false,
    exportTo: spec.exportTo ?? [],
    external: spec.location !== 'MESH_INTERNAL', // MESH_EXTERNAL is the API's default
    ...(spec.subjectAltNames?.length ? { subjectAltNames: spec.subjectAltNames } : {}),
    labels: metadata.labels,
  };
}

type EntryPort = NonNullable<ServiceEntrySpec['ports']>[number];

const translatePort = (port: EntryPort, resolution: Resolution): ServicePort => ({
  name: port.name,
  number: port.number,
  protocol: protocolOfPort(port),
  ...(resolution === 'passthrough' && port.targetPort !== undefined ? { passthroughPort: port.targetPort } : {}),
});

/** Returns `10.1.2.3` for `10.1.2.3` and `10.1.2.3/32`; null for a wider range. */
function singleAddress(text: string): string | null {
  const [address = '', bits] = text.split('/');
  return bits === undefined || Number(bits) === (ipVersion(address) === 4 ? 32 : 128) ? address : null;
}

/** Port of a service, as far as it decides the ports of endpoints. A text names a port of the workload. */
export interface TargetPort {
  readonly name: string;
  readonly number: number;
  readonly targetPort?: number | string | undefined;
}

/**
 * Returns an endpoint's port for each port of a service: `endpoint.ports[name]`, else targetPort, else the service's
 * port. A named targetPort is only the endpoint's port of that name. A socket has no ports.
 */
export function endpointPorts(
  ports: readonly TargetPort[],
  { address = '', ports: given = {} }: Pick<WorkloadEntrySpec, 'address' | 'ports'>,
): Readonly<Record<string, number>> {
  const own = (name: string): number | undefined => (Object.hasOwn(given, name) ? given[name] : undefined);
  const portOf = ({ name, number, targetPort }: TargetPort): number | undefined => {
    if (isSocketAddress(address)) return 0;
    return typeof targetPort === 'string' ? own(targetPort) : (own(name) ?? targetPort ?? number);
  };
  return Object.fromEntries(
    ports.flatMap((port) => {
      const number = portOf(port);
      return number === undefined ? [] : [[port.name, number]];
    }),
  );
}

const inlineEndpoints = (spec: ServiceEntrySpec): readonly Endpoint[] =>
  (spec.endpoints ?? []).flatMap(
    (endpoint) => translateInlineEndpoint(endpoint, endpointPorts(spec.ports ?? [], endpoint)) ?? [],
  );

/** With DNS resolution and no endpoints, the host is the address to resolve. */
const isResolvedByName = (spec: ServiceEntrySpec, resolution: Resolution, name: Hostname): boolean =>
  (resolution === 'dns' || resolution === 'dns-round-robin') &&
  !spec.endpoints?.length &&
  spec.workloadSelector === undefined &&
  !isWildcard(name);

const namedEndpoint = (spec: ServiceEntrySpec, name: Hostname): Endpoint => ({
  address: name,
  ports: endpointPorts(spec.ports ?? [], {}),
  labels: {},
  weight: 1,
  locality: '',
  network: '',
  cluster: '',
  health: 'healthy',
  workload: null,
});

function notesOf(spec: ServiceEntrySpec): readonly string[] {
  const notes = (spec.endpoints ?? []).flatMap((endpoint, index) => {
    const reason = uncallableReason(endpoint);
    return reason === null ? [] : [`spec.endpoints[${index}].address: ${reason}`];
  });
  return notes;
}
