import type { Protocol } from '../../src/model/service.ts';

/** Key of one instance of one service. */
export interface InstanceKey {
  readonly namespace: string;
  /** Hostname of the service, in lower case. */
  readonly host: string;
  readonly id: string;
}

export const instanceName = ({ namespace, host, id }: InstanceKey): string => `${namespace}\n${host}\n${id}`;

/** Port that an instance serves. */
export interface InstancePort {
  readonly name: string;
  /** Port on which the instance listens. */
  readonly port: number;
  readonly protocol: Protocol;
  /** Port that clients call; null if it is equal. */
  readonly servicePort: number | null;
  /** Port of the sidecar to register in place of `port`. Absent: that of the protocol, if the adapter has one. */
  readonly sidecarPort?: number;
}

/** Data that an instance registers. */
export interface Registration extends InstanceKey {
  readonly address: string;
  readonly ports: readonly InstancePort[];
  readonly labels: Readonly<Record<string, string>>;
  /** Weight, 1 or more. */
  readonly weight: number;
  /** Locality `region/zone/subzone`; empty if unknown. */
  readonly locality: string;
  /** Lifetime without a heartbeat; null for the adapter's default. */
  readonly ttlSeconds: number | null;
  /** Virtual addresses of the service; those of all its instances are united. Absent for none. */
  readonly vips?: readonly string[];
  /**
   * Name of the adapter into whose registry the instance goes. Its shard then has the instance, and that of the
   * registration API has not. Absent: the other way round.
   */
  readonly registry?: string;
}

/** Current registration. Times are milliseconds since the Unix epoch. */
export interface Instance extends Registration {
  readonly ttlSeconds: number;
  /** Time of the first registration of this id; later writes do not change it. */
  readonly registeredAtMs: number;
  /** Expiry time unless the lease is renewed. */
  readonly expiresAtMs: number;
}

/** Service with registered instances. It outlives its last instance for a while, without endpoints. */
export interface RegisteredService {
  readonly namespace: string;
  readonly host: string;
  readonly createdAtMs: number;
  readonly ports: readonly InstancePort[];
  /** Virtual addresses; absent for none. */
  readonly vips?: readonly string[];
  readonly instances: number;
}

/** State of an instance in the registry that it goes into. */
export type RegistrationState =
  /** It is not known to be there. `reason`: the last attempt failed; null before the first one. */
  | { readonly type: 'pending'; readonly reason: string | null }
  | { readonly type: 'registered' }
  /** The registry refuses it: no attempt follows until somebody asks, or the registry has restarted. */
  | { readonly type: 'failed'; readonly reason: string };

/** Event for watchers of the book. */
export type RegistrationEvent =
  | { readonly type: 'put'; readonly instance: Instance }
  | { readonly type: 'delete'; readonly key: InstanceKey; readonly reason: 'deleted' | 'expired' };

/** Result of a batch by instance, in the order of the request. */
export interface BatchOutcome {
  readonly put: readonly Instance[];
  /** False for an unchanged registration, which counts as a heartbeat. */
  readonly changed: readonly boolean[];
  readonly deleted: readonly boolean[];
}

/**
 * Self-registered instances. Writes resolve when they would survive a crash. They reject with STORE_UNAVAILABLE, and
 * change nothing, if they cannot be persisted. All methods wait until the book is loaded.
 */
export interface RegistrationBook {
  /** Applies all changes or none. Writing an unchanged registration is a heartbeat. */
  write(put: readonly Registration[], remove: readonly InstanceKey[]): Promise<BatchOutcome>;
  /** Renews a lease. Returns null if the instance is not registered and must register again. */
  heartbeat(key: InstanceKey): Promise<Instance | null>;
  get(key: InstanceKey): Promise<Instance | null>;
  /** Returns the instances of one service by id, or of a namespace by service and id. */
  instances(namespace: string, host?: string): Promise<readonly Instance[]>;
  services(namespace: string): Promise<readonly RegisteredService[]>;
  /** Removes a service with its instances. Returns false if it does not exist. */
  removeService(namespace: string, host: string): Promise<boolean>;
  /** Calls `listener` with every later change, except heartbeats. Returns a function that ends the subscription. */
  watch(listener: (event: RegistrationEvent) => void): () => void;
}
