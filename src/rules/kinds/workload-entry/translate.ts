import type { Endpoint, Health, Workload } from '../../../model/endpoint.ts';
import { isUnixAddress } from '../../addresses.ts';
import type { Rule } from '../../rule.ts';
import type { WorkloadEntrySpec } from './schema.ts';

/** Anything that a ServiceEntry's selector may choose: a WorkloadEntry, a Pod, a registered instance. Immutable. */
export interface SelectableWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  /** Port number by the name of the service's port, where it differs from the service's own. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly locality: string;
  readonly network: string;
  readonly cluster: string;
  readonly health: Health;
}

/** What a WorkloadEntry offers to selectors; null where it has no address that a proxy could call. */
export function translateWorkloadEntry(rule: Rule<string, WorkloadEntrySpec>): SelectableWorkload | null {
  const { spec, metadata } = rule;
  const address = callableAddress(spec);
  if (address === null) return null;
  // labels of the object win over those of the spec, as in Istio
  const labels = { ...spec.labels, ...metadata.labels };
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    address,
    ports: spec.ports ?? {},
    labels,
    weight: weightOf(spec),
    locality: localityOf(spec.locality, labels),
    network: networkOf(spec.network, labels),
    cluster: '',
    health: 'healthy',
  };
}

/** What a platform's workload offers to selectors; null for one without an address yet. */
export function selectableOf(workload: Workload): SelectableWorkload | null {
  const [address] = workload.addresses;
  if (address === undefined) return null;
  const { namespace, name, labels, cluster, health } = workload;
  return {
    namespace,
    name,
    address,
    ports: {},
    labels,
    weight: 1,
    locality: localityOf(workload.locality, labels),
    network: networkOf(workload.network, labels),
    cluster,
    health,
  };
}

/** The endpoint of an inline entry of a ServiceEntry; null where it has no address that a proxy could call. */
export function translateInlineEndpoint(spec: WorkloadEntrySpec, ports: Endpoint['ports']): Endpoint | null {
  const address = callableAddress(spec);
  if (address === null) return null;
  const labels = spec.labels ?? {};
  return {
    address,
    ports,
    labels,
    weight: weightOf(spec),
    locality: localityOf(spec.locality, labels),
    network: networkOf(spec.network, labels),
    cluster: '',
    health: 'healthy',
    workload: null,
  };
}

/** Why an entry has no endpoint although it is valid, or null. */
export function uncallableReason(spec: WorkloadEntrySpec): string | null {
  if (callableAddress(spec) !== null) return null;
  return spec.address === undefined || spec.address === ''
    ? 'an entry with a network and no address needs a gateway of that network, which is not in effect yet'
    : 'unix domain sockets are not in effect yet';
}

const callableAddress = ({ address }: WorkloadEntrySpec): string | null =>
  address === undefined || address === '' || isUnixAddress(address) ? null : address.replace(/\.$/, '');

const weightOf = ({ weight }: WorkloadEntrySpec): number => Math.max(1, weight ?? 1);

/** Istio's label for what has no field of its own; labels cannot hold a slash, so it has dots. */
const localityOf = (locality: string | undefined, labels: Readonly<Record<string, string>>): string =>
  locality || (labels['istio-locality'] ?? '').replaceAll('.', '/');

const networkOf = (network: string | undefined, labels: Readonly<Record<string, string>>): string =>
  network || (labels['topology.istio.io/network'] ?? '');
