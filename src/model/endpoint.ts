import type { Hostname } from './names.ts';

/**
 * Health of an endpoint. `unhealthy`: known to clients, but not called. `draining`: called only while no other is healthy. `departed`:
 * removed; the registry keeps it for a while, so that its listeners stay open during a gap of seconds (docs/adr/0011).
 */
export type Health = 'healthy' | 'unhealthy' | 'draining' | 'departed';

/** Reports whether an address is a Unix domain socket on the client's machine. */
export const isSocketAddress = (address: string): boolean => address.startsWith('unix://');

/** Reports whether an endpoint may be called. */
export const isCallable = ({ health }: Pick<Endpoint, 'health'>): boolean =>
  health === 'healthy' || health === 'draining';

/** Entry of a registry from which an endpoint was made. */
export interface EndpointOrigin {
  /** Folder of the entry, such as a path of ZooKeeper, or namespace, group, service and cluster of Nacos. */
  readonly place: string;
  /** Entry in that folder: usually `address:port`, else an id. */
  readonly instance: string;
  /** Own port of the instance, if its sidecar's port is called in its place. */
  readonly ownPort?: number;
}

/** Address behind a service. Immutable; an unchanged endpoint keeps its identity from one set to the next. */
export interface Endpoint {
  /** IPv4 or IPv6 address, a hostname for services with DNS resolution, or a socket (`unix:///path`, `unix://@name`). */
  readonly address: string;
  /** Port numbers by the name of the service's port; of a socket, 0. The endpoint does not serve ports that are absent. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Relative weight, 1 or more. */
  readonly weight: number;
  /** Locality `region/zone/subzone`, of which trailing parts may be absent; empty if unknown. */
  readonly locality: string;
  readonly network: string;
  readonly cluster: string;
  readonly health: Health;
  /** Namespace and name of the Pod, WorkloadEntry or instance. */
  readonly workload: { readonly namespace: string; readonly name: string } | null;
  /** Absent if its adapter does not tell, because the workload says enough. */
  readonly origin?: EndpointOrigin;
}

/** Endpoints of one service, in one shard or merged. An empty set is a normal state. */
export interface EndpointSet {
  readonly namespace: string;
  readonly hostname: Hostname;
  readonly endpoints: readonly Endpoint[];
}

/** Running workload: a Pod or a virtual machine. Selectors of ServiceEntries match workloads. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: string;
  readonly network: string;
  readonly cluster: string;
  readonly health: Health;
}
