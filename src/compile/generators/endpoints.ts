import { contentHash } from '../../lib/hash.ts';
import { ipVersion } from '../../lib/ip.ts';
import { type Endpoint, isCallable, isSocketAddress } from '../../model/endpoint.ts';
import { type AssignmentPlan, type ClientPlace, nowhere } from '../../plan/destination.ts';
import { assembleResource } from '../../proto/assemble.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import { bytesField, fieldHead, stringField, varintField } from '../../proto/wire.ts';
import { arrange, byLocality, type EndpointGroup, localityGroup, maxWeight, weightOf } from './localities.ts';

/*
 * ClusterLoadAssignments are written directly from records of their endpoints. Records of large services are cached by
 * endpoint: a change of one endpoint writes only its own record. The bytes are those of the general encoder (a test
 * compares).
 */

/** Field numbers of Envoy's endpoint.proto. */
const assignmentField = { clusterName: 1, endpoints: 2 };
const localityEndpointsField = { locality: 1, lbEndpoints: 2, loadBalancingWeight: 3, priority: 5 };
const lbEndpointField = { endpoint: 1, healthStatus: 2, loadBalancingWeight: 4 };
const localityField = { region: 1, zone: 2, subZone: 3 };

/** Value of Envoy's HealthStatus. */
const unhealthy = 2;

/**
 * Assembles the assignment of a destination. Localities and endpoints are
 * in a stable order, so that equal endpoints give equal bytes in whatever order they came.
 */
export function assembleAssignment(
  plan: AssignmentPlan,
  endpoints: readonly Endpoint[],
  place: ClientPlace = nowhere,
): EncodedResource {
  const serving = preferHealthy(endpoints.filter((endpoint) => serves(endpoint, plan)));
  const chosen = plan.form === 'full' ? serving : distinctAddresses(serving, plan.portName);
  const record = chosen.length < cacheFrom ? lbEndpoint : cachedRecord;
  const parts: Uint8Array[] = [stringField(assignmentField.clusterName, plan.name)];
  const groups = plan.form === 'one-locality' ? inOneLocality(chosen) : byLocality(chosen);
  for (const { locality, endpoints: members, weight, priority } of arrange(groups, plan.locality, place)) {
    const records = members.map((endpoint) => record(endpoint, endpoint.ports[plan.portName] ?? 0));
    records.sort((a, b) => Buffer.compare(a, b));
    const head = bytesField(localityEndpointsField.locality, localityMessage(locality));
    const tail = Buffer.concat([
      bytesField(localityEndpointsField.loadBalancingWeight, varintField(1, Math.min(weight, maxWeight))),
      ...(priority === 0 ? [] : [varintField(localityEndpointsField.priority, priority)]),
    ]);
    const length = records.reduce((sum, record) => sum + record.length, head.length + tail.length);
    parts.push(fieldHead(assignmentField.endpoints, length), head, ...records, tail);
  }
  const body = Buffer.concat(parts);
  return assembleResource('endpoint', plan.name, { parts: [body], version: contentHash(body) });
}

/**
 * Drops draining endpoints if there are healthy ones. Without these they are sent, but without Envoy's health status
 * DRAINING: Envoy calls no endpoint of that status, because the panic threshold is 0.
 */
const preferHealthy = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
  endpoints.some(({ health }) => health === 'healthy')
    ? endpoints.filter(({ health }) => health !== 'draining')
    : endpoints;

/** Returns one endpoint per address: that of the first locality, then the heaviest. */
function distinctAddresses(endpoints: readonly Endpoint[], portName: string): readonly Endpoint[] {
  const byAddress = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const address = `${endpoint.address} ${endpoint.ports[portName]}`;
    const other = byAddress.get(address);
    if (other === undefined || comesFirst(endpoint, other)) byAddress.set(address, endpoint);
  }
  return [...byAddress.values()];
}

const comesFirst = (a: Endpoint, b: Endpoint): boolean =>
  a.locality === b.locality ? weightOf(a) > weightOf(b) : a.locality < b.locality;

function serves(endpoint: Endpoint, { portName, labels, form, listsUnhealthy }: AssignmentPlan): boolean {
  const { address, ports } = endpoint;
  const isReachable = isSocketAddress(address)
    ? form === 'full' && ports[portName] !== undefined
    : isReachableAt(address, ports[portName]);
  if (!(isCallable(endpoint) || listsUnhealthy) || !isReachable) return false;
  return Object.entries(labels).every(([name, value]) => endpoint.labels[name] === value);
}

/**
 * Returns true for an IP address with a valid port. Envoy does not look up names in an assignment, and rejects the
 * assignment for one.
 */
const isReachableAt = (address: string, port = 0): boolean =>
  ipVersion(address) !== 0 && Number.isInteger(port) && port >= 1 && port <= 65_535;

const inOneLocality = (endpoints: readonly Endpoint[]): readonly EndpointGroup<Endpoint>[] =>
  endpoints.length === 0 ? [] : [localityGroup('', endpoints)];

function localityMessage(locality: string): Buffer {
  const [region = '', zone = '', subZone = ''] = locality.split('/');
  const parts = [
    [localityField.region, region],
    [localityField.zone, zone],
    [localityField.subZone, subZone],
  ] as const;
  return Buffer.concat(parts.filter(([, text]) => text !== '').map(([field, text]) => stringField(field, text)));
}

/**
 * Number of endpoints from which records are cached. Below it, the memory for cached records outweighs the time to
 * write them.
 */
const cacheFrom = 100;

/** Records by endpoint and port. Most endpoints serve few ports. */
const records = new WeakMap<Endpoint, readonly (readonly [port: number, record: Buffer])[]>();

function cachedRecord(endpoint: Endpoint, port: number): Buffer {
  const known = records.get(endpoint) ?? [];
  const found = known.find(([knownPort]) => knownPort === port);
  if (found !== undefined) return found[1];
  const record = lbEndpoint(endpoint, port);
  records.set(endpoint, [...known, [port, record]]);
  return record;
}

/** Writes one value of `LocalityLbEndpoints.lb_endpoints`. */
function lbEndpoint(endpoint: Endpoint, port: number): Buffer {
  const address = bytesField(1, addressMessage(endpoint.address, port)); // Endpoint.address
  const message = Buffer.concat([
    bytesField(lbEndpointField.endpoint, address),
    ...(isCallable(endpoint) ? [] : [varintField(lbEndpointField.healthStatus, unhealthy)]),
    bytesField(lbEndpointField.loadBalancingWeight, varintField(1, weightOf(endpoint))), // UInt32Value.value
  ]);
  return bytesField(localityEndpointsField.lbEndpoints, message);
}

/** Writes an `Address`: a socket address, or a pipe for a Unix domain socket. Abstract sockets begin with `@`. */
function addressMessage(address: string, port: number): Buffer {
  if (isSocketAddress(address)) return bytesField(2, stringField(1, address.slice('unix://'.length))); // pipe.path
  return bytesField(1, Buffer.concat([stringField(2, address), varintField(3, port)])); // address, port_value
}
