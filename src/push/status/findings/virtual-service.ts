import { isWildcard } from '../../../model/names.ts';
import { isDetected, isHttp, isTls, type Service, type ServicePort } from '../../../model/service.ts';
import { qualifiedHost } from '../../../rules/fields.ts';
import type { DestinationSpec } from '../../../rules/kinds/virtual-service/destination-schema.ts';
import type { VirtualService } from '../../../rules/kinds/virtual-service/index.ts';
import type { Finding } from './finding.ts';
import { type FindingsLookup, hasEndpoint } from './lookup.ts';

/** Port on which hosts without a service are served. */
const portOfUnknownHosts = 80;

/** Host of the rule with its services. */
interface RuledHost {
  readonly host: string;
  readonly services: readonly Service[];
}

/** Finds the parts of a VirtualService that refer to nothing. */
export function virtualServiceFindings(rule: VirtualService, lookup: FindingsLookup): readonly Finding[] {
  const { spec, metadata } = rule;
  const hosts = (spec.hosts ?? []).map((text): RuledHost => {
    const host = qualifiedHost(text, metadata.namespace, lookup.mesh.domainSuffix);
    return { host, services: isWildcard(host) ? [] : lookup.services(host) };
  });
  const isForMesh = spec.gateways === undefined || spec.gateways.length === 0 || spec.gateways.includes('mesh');
  return [
    ...(isForMesh ? [...hostFindings(hosts, lookup), ...portFindings(rule, hosts), ...layerFindings(rule, hosts)] : []),
    ...gatewayFindings(rule, lookup),
    ...(isForMesh ? [] : [gatewaysAlone]),
    ...destinationsOf(rule).flatMap((one) => destinationFindings(one, rule, lookup)),
  ];
}

const gatewaysAlone: Finding = {
  reason: 'NotInEffect',
  message: 'spec.gateways: gateways are not served in this release, and mesh is not among them',
};

function hostFindings(hosts: readonly RuledHost[], lookup: FindingsLookup): readonly Finding[] {
  const local = `.svc.${lookup.mesh.domainSuffix}`;
  return hosts.flatMap(({ host, services }, index): readonly Finding[] => {
    const path = `spec.hosts[${index}]`;
    if (isWildcard(host)) {
      if (lookup.coversService(host)) return [];
      return [{ reason: 'HostNotFound', message: `${path}: ${host} covers no service`, ifUnused: true }];
    }
    if (services.length > 0) return [];
    const message = `${path}: there is no service ${host}`;
    // Applications may call another name that only this rule defines, on port 80.
    return [{ reason: 'HostNotFound', message, ...(host.endsWith(local) ? {} : { ifUnused: true }) }];
  });
}

function gatewayFindings({ spec, metadata }: VirtualService, lookup: FindingsLookup): readonly Finding[] {
  return (spec.gateways ?? []).flatMap((name, index): readonly Finding[] => {
    if (name === 'mesh') return [];
    const id = name.includes('/') ? name : `${metadata.namespace}/${name}`;
    if (lookup.hasGateway(id)) return [];
    return [{ reason: 'GatewayNotFound', message: `spec.gateways[${index}]: there is no Gateway ${id}` }];
  });
}

/** Finds conditions on ports that none of the hosts has. */
function portFindings({ spec }: VirtualService, hosts: readonly RuledHost[]): readonly Finding[] {
  const known = new Set(hosts.flatMap(({ services }) => services.flatMap(({ ports }) => ports.map((it) => it.number))));
  if (hosts.some(({ services }) => services.length === 0)) known.add(portOfUnknownHosts);
  if (hosts.length === 0) return []; // a delegate: its roots have the hosts
  if (hosts.some(({ host }) => isWildcard(host))) return []; // it may cover any service
  return (['http', 'tls', 'tcp'] as const).flatMap((layer) =>
    (spec[layer] ?? []).flatMap(({ match = [] }, index) =>
      match.flatMap(({ port }, position): readonly Finding[] => {
        if (port === undefined || known.has(port)) return [];
        const path = `spec.${layer}[${index}].match[${position}].port`;
        return [{ reason: 'PortNotFound', message: `${path}: ${namesOf(hosts)} has no port ${port}` }];
      }),
    ),
  );
}

/** Finds routes of HTTP, TLS or TCP for hosts without such a port. */
function layerFindings({ spec }: VirtualService, hosts: readonly RuledHost[]): readonly Finding[] {
  const ports = hosts.flatMap(({ services }) => services.flatMap((service) => service.ports));
  if (hosts.some(({ services }) => services.length === 0) || ports.length === 0) return [];
  const list = [...new Set(ports.map(({ number, name, protocol }) => `${number} ${name} (${protocol})`))].join(', ');
  const findings: Finding[] = [];
  if ((spec.http ?? []).length > 0 && !ports.some(({ protocol }) => isHttp(protocol) || isDetected(protocol))) {
    const cure = 'name a port http-…, or set its appProtocol to http';
    const message = `spec.http: ${namesOf(hosts)} has no HTTP port, only ${list}: ${cure}`;
    findings.push({ reason: 'ProtocolMismatch', message });
  }
  const hasTls = ports.some(({ protocol }) => isTls(protocol));
  if ((spec.tls ?? []).length > 0 && !hasTls) {
    const cure = 'name a port tls-… or https-…, or set its appProtocol to tls';
    const message = `spec.tls: ${namesOf(hosts)} has no TLS port, only ${list}: ${cure}`;
    findings.push({ reason: 'ProtocolMismatch', message });
  }
  if ((spec.tcp ?? []).length > 0 && !ports.some(isPlainTcp)) {
    const cure = `write routes of ${hasTls ? 'TLS' : 'HTTP'}`;
    const message = `spec.tcp: ${namesOf(hosts)} has no TCP port, only ${list}: ${cure}`;
    findings.push({ reason: 'ProtocolMismatch', message });
  }
  return findings;
}

const isPlainTcp = ({ protocol }: ServicePort): boolean => !isHttp(protocol) && !isTls(protocol) && protocol !== 'udp';

const namesOf = (hosts: readonly RuledHost[]): string => hosts.map(({ host }) => host).join(', ');

interface RuledDestination {
  readonly destination: DestinationSpec;
  readonly path: string;
  /** True if it gets traffic. */
  readonly isUsed: boolean;
}

function* destinationsOf({ spec }: VirtualService): Generator<RuledDestination> {
  for (const layer of ['http', 'tls', 'tcp'] as const) {
    for (const [index, { route = [] }] of (spec[layer] ?? []).entries()) {
      for (const [position, { destination, weight }] of route.entries()) {
        const path = `spec.${layer}[${index}].route[${position}].destination`;
        yield { destination, path, isUsed: route.length === 1 || (weight ?? 0) > 0 };
      }
    }
  }
  for (const [index, { mirror, mirrors = [] }] of (spec.http ?? []).entries()) {
    if (mirror !== undefined) yield { destination: mirror, path: `spec.http[${index}].mirror`, isUsed: true };
    for (const [position, { destination }] of mirrors.entries()) {
      yield { destination, path: `spec.http[${index}].mirrors[${position}].destination`, isUsed: true };
    }
  }
}

/** Returns the services that calls to a host reach, which may be an alias. Aliases of each other are no service. */
function withoutAliases(named: string, lookup: FindingsLookup): { host: string; services: readonly Service[] } {
  const visited = new Set([named]);
  for (const host of visited) {
    const services = lookup.services(host);
    const next = services[0]?.aliasOf ?? null;
    if (next === null) return { host, services };
    visited.add(next);
  }
  return { host: named, services: [] };
}

function destinationFindings(
  { destination, path, isUsed }: RuledDestination,
  { metadata }: VirtualService,
  lookup: FindingsLookup,
): readonly Finding[] {
  const named = qualifiedHost(destination.host, metadata.namespace, lookup.mesh.domainSuffix);
  const { host, services } = withoutAliases(named, lookup);
  if (services.length === 0) {
    const alias = host === named ? '' : `, of which ${named} is an alias`;
    return [{ reason: 'HostNotFound', message: `${path}: there is no service ${host}${alias}` }];
  }
  const { port, subset } = destination;
  const findings: Finding[] = [];
  if (port !== undefined && !services.some(({ ports }) => ports.some(({ number }) => number === port.number))) {
    findings.push({ reason: 'PortNotFound', message: `${path}: ${host} has no port ${port.number}` });
  }
  const subsets = subset === undefined ? [] : lookup.subsets(host, subset);
  if (subset !== undefined && subsets.length === 0) {
    findings.push({ reason: 'SubsetNotFound', message: `${path}: ${host} has no subset ${subset}` });
  } else if (isUsed) {
    const wanted = subset === undefined ? [{}] : subsets.map(({ labels = {} }) => labels);
    if (!wanted.some((labels) => hasEndpoint(lookup, services, labels))) {
      const which = subset === undefined ? host : `subset ${subset} of ${host}`;
      findings.push({ reason: 'NoEndpoints', message: `${path}: ${which} has no endpoint that is well` });
    }
  }
  return findings;
}
