import type { Protocol } from '../model/service.ts';

/** Names one instance of one service. */
export interface InstanceKey {
  readonly namespace: string;
  /** The service's hostname, in lower case. */
  readonly host: string;
  readonly id: string;
}

/** One port that an instance serves. */
export interface InstancePort {
  readonly name: string;
  /** Where the instance listens. */
  readonly port: number;
  readonly protocol: Protocol;
  /** The port that clients call; null: the same. */
  readonly servicePort: number | null;
}

/** What an instance says of itself. */
export interface Registration extends InstanceKey {
  readonly address: string;
  readonly ports: readonly InstancePort[];
  readonly labels: Readonly<Record<string, string>>;
  /** 1 or more. */
  readonly weight: number;
  /** `region/zone/subzone`; empty when unknown. */
  readonly locality: string;
  /** How long it lives without a heartbeat; null: the adapter's default. */
  readonly ttlSeconds: number | null;
  /** Virtual addresses by which clients call the service; those of all its instances count. Absent: none. */
  readonly vips?: readonly string[];
}

/** A registration that stands. Times are milliseconds since the Unix epoch. */
export interface Instance extends Registration {
  readonly ttlSeconds: number;
  /** When this id was first registered; writing it again does not change it. */
  readonly registeredAtMs: number;
  /** When it goes unless it is heard of again. */
  readonly expiresAtMs: number;
}

/** A service that instances were registered for. It outlives its last instance for a while, with no endpoints. */
export interface RegisteredService {
  readonly namespace: string;
  readonly host: string;
  readonly createdAtMs: number;
  readonly ports: readonly InstancePort[];
  /** Absent: none. */
  readonly vips?: readonly string[];
  readonly instances: number;
}

/** What a watcher of the book is told. */
export type RegistrationEvent =
  | { readonly type: 'put'; readonly instance: Instance }
  | { readonly type: 'delete'; readonly key: InstanceKey; readonly reason: 'deleted' | 'expired' };

/** What a batch did, instance by instance, in the order of the request. */
export interface BatchOutcome {
  readonly put: readonly Instance[];
  /** False for what stood already, as it was: a heartbeat. */
  readonly changed: readonly boolean[];
  readonly deleted: readonly boolean[];
}

/**
 * The instances that registered themselves. Writes resolve when they will survive a crash, and reject with
 * STORE_UNAVAILABLE when they cannot be kept; then nothing has changed. Everything waits until the book is loaded.
 */
export interface RegistrationBook {
  /** Applies all or nothing. Writing what stands already is a heartbeat. */
  write(put: readonly Registration[], remove: readonly InstanceKey[]): Promise<BatchOutcome>;
  /** Renews the lease; null for an instance that is not (or no longer) registered: it has to register again. */
  heartbeat(key: InstanceKey): Promise<Instance | null>;
  get(key: InstanceKey): Promise<Instance | null>;
  /** Instances of one service by id, or all of a namespace by service and id. */
  instances(namespace: string, host?: string): Promise<readonly Instance[]>;
  services(namespace: string): Promise<readonly RegisteredService[]>;
  /** Forgets a service with its instances; false when there is none. */
  removeService(namespace: string, host: string): Promise<boolean>;
  /** Calls `listener` with every change from now on, heartbeats excepted. Returns a function that ends it. */
  watch(listener: (event: RegistrationEvent) => void): () => void;
}
