import { contentHash } from '../../lib/hash.ts';
import { ipVersion } from '../../lib/ip.ts';
import { type Endpoint, isCallable, isSocketAddress } from '../../model/endpoint.ts';
import type { AssignmentPlan } from '../../plan/destination.ts';
import { assembleResource } from '../../proto/assemble.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import { bytesField, fieldHead, stringField, varintField } from '../../proto/wire.ts';

/*
 * ClusterLoadAssignments are written directly from records of their endpoints. Records of large services are cached by
 * endpoint: a change of one endpoint writes only its own record. The bytes are those of the general encoder (a test
 * compares).
 */

/** Field numbers of Envoy's endpoint.proto. */
const assignmentField = { clusterName: 1, endpoints: 2 };
const localityEndpointsField = { locality: 1, lbEndpoints: 2, loadBalancingWeight: 3 };
const lbEndpointField = { endpoint: 1, loadBalancingWeight: 4 };
const localityField = { region: 1, zone: 2, subZone: 3 };

/**
 * Assembles the assignment of a destination. Endpoints that are not callable are omitted. Localities and endpoints are
 * in a stable order, so that equal endpoints give equal bytes in whatever order they came.
 */
export function assembleAssignment(plan: AssignmentPlan, endpoints: readonly Endpoint[]): EncodedResource {
  const serving = preferNotDraining(endpoints.filter((endpoint) => serves(endpoint, plan)));
  const chosen = plan.form === 'full' ? serving : distinctAddresses(serving, plan.portName);
  const record = chosen.length < cacheFrom ? lbEndpoint : cachedRecord;
  const parts: Uint8Array[] = [stringField(assignmentField.clusterName, plan.name)];
  for (const [locality, members] of plan.form === 'one-locality' ? inOneLocality(chosen) : byLocality(chosen)) {
    const records = members.map((endpoint) => record(endpoint, endpoint.ports[plan.portName] ?? 0));
    records.sort((a, b) => Buffer.compare(a, b));
    const weight = members.reduce((sum, endpoint) => sum + weightOf(endpoint), 0);
    const head = bytesField(localityEndpointsField.locality, localityMessage(locality));
    const tail = bytesField(localityEndpointsField.loadBalancingWeight, varintField(1, Math.min(weight, maxWeight)));
    const length = records.reduce((sum, record) => sum + record.length, head.length + tail.length);
    parts.push(fieldHead(assignmentField.endpoints, length), head, ...records, tail);
  }
  const body = Buffer.concat(parts);
  return assembleResource('endpoint', plan.name, { parts: [body], version: contentHash(body) });
}

/**
 * Drops draining endpoints if there are others. Without others they are sent, but without Envoy's health status DRAINING: Envoy calls no
 * endpoint of that status if its panic threshold is 0, which outlier detection sets.
 */
function preferNotDraining(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const staying = endpoints.filter(({ health }) => health !== 'draining');
  return staying.length > 0 ? staying : endpoints;
}

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

function serves(endpoint: Endpoint, { portName, labels, form }: AssignmentPlan): boolean {
  const { address, ports } = endpoint;
  const isReachable = isSocketAddress(address)
    ? form === 'full' && ports[portName] !== undefined
    : isReachableAt(address, ports[portName]);
  if (!isCallable(endpoint) || !isReachable) return false;
  return Object.entries(labels).every(([name, value]) => endpoint.labels[name] === value);
}

/**
 * Returns true for an IP address with a valid port. Envoy does not look up names in an assignment, and rejects the
 * assignment for one.
 */
const isReachableAt = (address: string, port = 0): boolean =>
  ipVersion(address) !== 0 && Number.isInteger(port) && port >= 1 && port <= 65_535;

const inOneLocality = (endpoints: readonly Endpoint[]): ReturnType<typeof byLocality> =>
  endpoints.length === 0 ? [] : [['', endpoints]];

function byLocality(endpoints: readonly Endpoint[]): readonly (readonly [string, readonly Endpoint[]])[] {
  const groups = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const group = groups.get(endpoint.locality);
    if (group === undefined) groups.set(endpoint.locality, [endpoint]);
    else group.push(endpoint);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

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
    bytesField(lbEndpointField.loadBalancingWeight, varintField(1, weightOf(endpoint))), // UInt32Value.value
  ]);
  return bytesField(localityEndpointsField.lbEndpoints, message);
}

/** Writes an `Address`: a socket address, or a pipe for a Unix domain socket. Abstract sockets begin with `@`. */
function addressMessage(address: string, port: number): Buffer {
  if (isSocketAddress(address)) return bytesField(2, stringField(1, address.slice('unix://'.length))); // pipe.path
  return bytesField(1, Buffer.concat([stringField(2, address), varintField(3, port)])); // address, port_value
}

/** Returns the weight for Envoy, which has 32 bits, rejects 0 and needs whole numbers. */
const weightOf = ({ weight }: Endpoint): number => Math.min(Math.max(1, Math.round(weight)), maxWeight);

const maxWeight = 0xffff_ffff;
