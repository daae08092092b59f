import type { Endpoint, EndpointSet, Health } from '../../src/model/endpoint.ts';
import { distinctPortNames } from '../../src/model/service.ts';
import type { ServiceBody, SliceBody, SliceEndpoint } from './schema.ts';
import { type ClusterFacts, type Read, serviceHostname, supportedPorts, type TranslatedPod } from './translate.ts';

/** Objects from which a Service's endpoints are computed. */
export interface ServiceParts extends EndpointLookup {
  readonly service: Read<ServiceBody>;
  /** EndpointSlices in any order. */
  readonly slices: readonly Read<SliceBody>[];
}

export interface EndpointLookup {
  /** Returns the Pod of an endpoint, if it is known. */
  readonly podOf: (endpoint: SliceEndpoint, namespace: string) => TranslatedPod | undefined;
  /** Returns `region/zone` of a node; empty if unknown. */
  readonly localityOf: (nodeName: string) => string;
}

/**
 * Builds the endpoints of a Service: the union of its slices, each address and list of ports once. An ExternalName has
 * none, because it is an alias.
 */
export function translateEndpoints(parts: ServiceParts, cluster: ClusterFacts): EndpointSet {
  const { service, slices } = parts;
  const { metadata } = service;
  const { spec } = service.body;
  const inOrder = slices.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const claims = spec.type === 'ExternalName' ? [] : inOrder.flatMap((slice) => claimsOf(slice, parts, cluster));
  return {
    namespace: metadata.namespace,
    hostname: serviceHostname(metadata, cluster),
    endpoints: bestOf(claims).map(({ endpoint }) => endpoint),
  };
}

/** Endpoint as one slice has it. */
interface EndpointClaim {
  readonly endpoint: Endpoint;
  /** True if its Pod is known by name and uid and has the address now. */
  readonly isCurrent: boolean;
}

const healthRank: Readonly<Record<Health, number>> = { healthy: 0, draining: 1, unhealthy: 2, departed: 3 };

/**
 * Chooses one of several claims for an address with equal ports: while endpoints move between slices, both may have it,
 * and an address may already be that of another Pod. The current Pod's comes first, then the healthiest, then that of
 * the first slice by name.
 */
function bestOf(claims: readonly EndpointClaim[]): readonly EndpointClaim[] {
  if (new Set(claims.map(({ endpoint }) => endpoint.address)).size === claims.length) return claims;
  const best = new Map<string, EndpointClaim>();
  for (const claim of claims) {
    const { address, ports } = claim.endpoint;
    const key = JSON.stringify([address, Object.entries(ports).sort()]);
    const other = best.get(key);
    if (other === undefined || isBetter(claim, other)) best.set(key, claim);
  }
  return [...best.values()];
}

const isBetter = (a: EndpointClaim, b: EndpointClaim): boolean =>
  a.isCurrent === b.isCurrent ? healthRank[a.endpoint.health] < healthRank[b.endpoint.health] : a.isCurrent;

function claimsOf(slice: Read<SliceBody>, parts: ServiceParts, facts: ClusterFacts): readonly EndpointClaim[] {
  const { body, metadata } = slice;
  if (body.addressType === 'FQDN') return []; // deprecated; Kubernetes never writes it
  const ports = Object.fromEntries([
    ...portsByNumber(parts.service.body),
    ...(body.ports ?? []).flatMap(({ name, port }) => (port ? [[name ?? '', port] as const] : [])).reverse(), // the first applies
  ]);
  return (body.endpoints ?? []).flatMap((endpoint) => {
    const [address] = endpoint.addresses; // the other addresses are interchangeable
    if (address === undefined) return [];
    const pod = parts.podOf(endpoint, metadata.namespace);
    const name = endpoint.targetRef?.name ?? pod?.name;
    const translated: Endpoint = {
      address,
      ports,
      labels: pod?.labels ?? {},
      weight: 1,
      locality: pod?.locality || endpointLocality(endpoint, parts),
      network: pod?.network || facts.network,
      cluster: facts.cluster,
      health: healthOf(endpoint),
      workload: name ? { namespace: endpoint.targetRef?.namespace ?? metadata.namespace, name } : null,
    };
    return [{ endpoint: translated, isCurrent: pod?.addresses.includes(address) ?? false }];
  });
}

/**
 * Returns the ports of a file's Service whose name repeats an earlier one. Slices cannot refer to them by name, so
 * endpoints use the port numbers of the Service.
 */
function portsByNumber(body: ServiceBody): readonly (readonly [name: string, port: number])[] {
  const ports = supportedPorts(body);
  const names = distinctPortNames(ports.map(({ name, port }) => ({ name: name ?? '', number: port })));
  return ports.flatMap(({ name, port, targetPort }, index) => {
    const distinct = names[index] ?? '';
    return distinct === (name ?? '') ? [] : [[distinct, typeof targetPort === 'number' ? targetPort : port] as const];
  });
}

/** Returns the locality of an endpoint. A slice has only the zone; the node has the region, too. */
function endpointLocality({ nodeName, zone }: SliceEndpoint, { localityOf }: EndpointLookup): string {
  return (nodeName ? localityOf(nodeName) : '') || (zone ? `/${zone}` : '');
}

/**
 * Returns the health of an endpoint. Without conditions it is ready, as the API defines. A ready endpoint that is
 * terminating belongs to a Service with `publishNotReadyAddresses` and is called.
 */
export function healthOf({ conditions }: SliceEndpoint): Health {
  if (conditions?.ready ?? true) return 'healthy';
  return conditions?.terminating === true && conditions.serving === true ? 'draining' : 'unhealthy';
}

/** Returns what is wrong with a slice that is used nevertheless, or null: an address that it has twice counts once. */
export function sliceFault({ endpoints }: SliceBody): string | null {
  const first = (endpoints ?? []).map(({ addresses: [address = ''] }) => address);
  const repeated = new Set(first.filter((address, index) => first.indexOf(address) !== index));
  return repeated.size === 0 ? null : `endpoints: ${[...repeated].join(', ')} is listed twice; it counts once`;
}
