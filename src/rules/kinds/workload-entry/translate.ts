import { type Endpoint, type Health, isSocketAddress, type Workload } from '../../../model/endpoint.ts';
import type { Rule } from '../../rule.ts';
import type { WorkloadEntrySpec } from './schema.ts';

/** A workload that a ServiceEntry's selector may choose: a WorkloadEntry, a Pod, a registered instance. Immutable. */
export interface SelectableWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  /** Port number by the name of the service's port, where it differs from the service's port. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly locality: string;
  readonly network: string;
  readonly cluster: string;
  readonly health: Health;
}

/** Translates a WorkloadEntry for selectors; null without an address that a proxy can call. */
export function translateWorkloadEntry(rule: Rule<string, WorkloadEntrySpec>): SelectableWorkload | null {
  const { spec, metadata } = rule;
  const address = callableAddress(spec);
  if (address === null) return null;
  // labels of the object win over those of the spec, as in Istio
  const labels = withNetwork({ ...spec.labels, ...metadata.labels }, spec.network);
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

/** Translates a platform's workload for selectors; null for one without an address yet. */
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

/** Returns the endpoint of an inline entry of a ServiceEntry; null without an address that a proxy can call. */
export function translateInlineEndpoint(spec: WorkloadEntrySpec, ports: Endpoint['ports']): Endpoint | null {
  const address = callableAddress(spec);
  if (address === null) return null;
  const labels = withNetwork(spec.labels ?? {}, spec.network);
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

/** Says why a valid entry has no endpoint, or returns null. */
export function uncallableReason(spec: WorkloadEntrySpec): string | null {
  if (callableAddress(spec) !== null) return null;
  return 'an entry with a network and no address needs a gateway of that network, which is not in effect yet';
}

const callableAddress = ({ address }: WorkloadEntrySpec): string | null =>
  address === undefined || address === '' ? null : isSocketAddress(address) ? address : address.replace(/\.$/, '');

const weightOf = ({ weight }: WorkloadEntrySpec): number => Math.max(1, weight ?? 1);

/**
 * Returns the locality, or that of Istio's label for objects without such a field. Label values cannot contain a slash,
 * so the label uses dots.
 */
const localityOf = (locality: string | undefined, labels: Readonly<Record<string, string>>): string =>
  locality || (labels['istio-locality'] ?? '').replaceAll('.', '/');

const networkLabel = 'topology.istio.io/network';

/** Adds the label by which subsets and priorities of localities find the network, as in Istio. */
const withNetwork = (labels: Endpoint['labels'], network: string | undefined): Endpoint['labels'] =>
  network ? { ...labels, [networkLabel]: network } : labels;

const networkOf = (network: string | undefined, labels: Readonly<Record<string, string>>): string =>
  network || (labels[networkLabel] ?? '');
