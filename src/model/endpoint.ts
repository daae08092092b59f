import type { Hostname } from './names.ts';

/**
 * `unhealthy`: not called. `draining`: called as such, for sessions that are bound to it. `departed`: nobody tells of it any
 * more; the registry keeps it for a while, so that listeners for it do not close over a gap of seconds (docs/adr/0011).
 */
export type Health = 'healthy' | 'unhealthy' | 'draining' | 'departed';

/** Whether an endpoint may be called. */
export const isCallable = ({ health }: Pick<Endpoint, 'health'>): boolean =>
  health === 'healthy' || health === 'draining';

/** One address behind a service. Immutable; an unchanged endpoint keeps its identity from one set to the next. */
export interface Endpoint {
  /** An IPv4 or IPv6 address; for services with DNS resolution a hostname. */
  readonly address: string;
  /** Port number by the name of the service's port. A port that is missing is not served by this endpoint. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Relative, 1 or more. */
  readonly weight: number;
  /** `region/zone/subzone`, any tail may be missing; empty when unknown. */
  readonly locality: string;
  readonly network: string;
  readonly cluster: string;
  readonly health: Health;
  /** Namespace and name of the Pod, WorkloadEntry or instance behind it. */
  readonly workload: { readonly namespace: string; readonly name: string } | null;
}

/** The endpoints of one service, of one shard or merged. An empty set is an ordinary state. */
export interface EndpointSet {
  readonly namespace: string;
  readonly hostname: Hostname;
  readonly endpoints: readonly Endpoint[];
}

/** A thing that runs: a Pod, a virtual machine. ServiceEntry selectors choose among these. */
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
