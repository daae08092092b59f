import type { ShardSink } from '../adapter-contract/adapter.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { EndpointSet, Workload } from '../model/endpoint.ts';
import type { ServiceKey } from '../model/names.ts';
import type { RawObject } from '../model/object.ts';
import type { Service } from '../model/service.ts';
import type { RegistrationName } from './registration-policy.ts';

/** Change of the merged view. Every variant is assignable to the compiler's `WorldChange`. */
export type RegistryChange =
  | { readonly type: 'service'; readonly service: Service }
  | { readonly type: 'service-removed'; readonly key: ServiceKey }
  /** Complete merged endpoints of one service, including unhealthy and recently departed ones. */
  | { readonly type: 'endpoints'; readonly set: EndpointSet };

/** Data that an adapter passes on unmerged: configuration objects for rules, workloads for selectors. */
export type RawChange =
  | { readonly type: 'object'; readonly adapter: string; readonly object: RawObject }
  | {
      readonly type: 'object-removed';
      readonly adapter: string;
      readonly kind: string;
      readonly namespace: string;
      readonly name: string;
    }
  | {
      readonly type: 'workload';
      readonly adapter: string;
      readonly workload: Workload;
      /** It registered itself (`ShardOptions.isSelfRegistered`). */
      readonly isSelfRegistered: boolean;
    }
  | {
      readonly type: 'workload-removed';
      readonly adapter: string;
      readonly namespace: string;
      readonly name: string;
    };

/**
 * Urgency of a change. `endpoints`: only endpoint sets changed and may be sent at once. `configuration`: services
 * changed.
 */
export type Urgency = 'endpoints' | 'configuration';

/**
 * State of a shard. `syncing`: nothing received yet. `synced`: up to date. `degraded`: the platform is unreachable or
 * unreadable; the last good contents, if any, are served. `stale`: the contents are the snapshot of an earlier run.
 */
export type ShardState = 'syncing' | 'synced' | 'degraded' | 'stale';

/** Shard as operators see it in debug views, metrics and readiness. Times are milliseconds since the Unix epoch. */
export interface ShardStatus {
  readonly name: string;
  readonly kind: string;
  readonly required: boolean;
  readonly state: ShardState;
  readonly sinceMs: number;
  /** Reason for any state but `synced`. */
  readonly reason: string | null;
  /** Time for which the contents are known to be correct: that of the last listing or of the snapshot. */
  readonly contentsAtMs: number | null;
  readonly snapshot: { readonly savedAtMs: number | null; readonly problem: string | null };
  /** Number of callable services. A service that lists its endpoints but has none counts in `emptyServices`. */
  readonly services: number;
  readonly emptyServices: number;
  readonly endpoints: number;
  readonly objects: number;
  readonly workloads: number;
  /** Current number of rejected entries; `problems` may hold fewer. */
  readonly refused: number;
}

/** Shard that is not up to date. */
export type ShardTrouble = Pick<ShardStatus, 'name' | 'state' | 'reason'>;

/** Rejected entry. */
export interface ShardProblem {
  readonly shard: string;
  readonly origin: string;
  readonly message: string;
}

export interface ShardOptions {
  /** Makes readiness wait until the shard has synced or serves its snapshot. Default true. */
  readonly required?: boolean;
  /** Ends the waiting of readiness after `syncTimeoutMs`, also without a snapshot. Default false. */
  readonly isAwaitedBriefly?: boolean;
  /** Time in milliseconds until the snapshot is served to an adapter that has not synced. Default 10,000. */
  readonly syncTimeoutMs?: number;
  /** Saves snapshots. False for shards that are computed from others or that their adapter persists. Default true. */
  readonly savesSnapshot?: boolean;
  /** True for shards of self-registered instances, which yield to definitions of other shards. Default false. */
  readonly isSelfRegistered?: boolean;
  /** Position of its adapter in the configuration: shards of a lower one have precedence. Default 0; then by name. */
  readonly order?: number;
}

export interface RegistryOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Directory of shard snapshots (`<dataDir>/shards`); null saves none. */
  readonly snapshotDir: string | null;
  /** Time in milliseconds for which a removed endpoint stays as `departed`. Default 10,000; 0 disables it. */
  readonly departedMs?: number;
  /** Reports whether the configuration lets instances register for a service of another shard. By default none may. */
  readonly isRegistrationAllowed?: (requested: RegistrationName) => boolean;
  /**
   * Reports whether a service has the endpoints of one adapter only: the first one with a callable endpoint. By default
   * services have those of all adapters.
   */
  readonly isOfOneAdapter?: (service: Pick<Service, 'namespace' | 'hostname'>) => boolean;
}

/** Endpoints of a service in one shard. */
export interface ShardEndpoints {
  readonly shard: string;
  /** False if the service has other shards' endpoints in their place. */
  readonly isUsed: boolean;
  readonly set: EndpointSet;
}

/** Merges the shards of all adapters into one view of services and endpoints. */
export interface Registry {
  /** Opens the shard of one adapter. A name may be opened once. `kind` is the adapter's type. */
  shard(name: string, kind: string, options?: ShardOptions): ShardSink;
  /**
   * Removes a shard with its contents and its snapshot file. Its sink does nothing from then on. Resolves when the name
   * may be opened again. A name that is not open is no error.
   */
  removeShard(name: string): Promise<void>;
  /**
   * Returns the changes since the last call: services first, then endpoint sets. With `endpoints` it returns only sets,
   * except those whose service also changed: these follow together with the service.
   */
  takeChanges(urgency?: Urgency): readonly RegistryChange[];
  /** Returns the changed objects and workloads since the last call, in order. Several changes of one are merged. */
  takeRawChanges(): readonly RawChange[];
  /** Calls `listener` when `takeChanges` may return changes. Returns a function that ends the subscription. */
  onChange(listener: (urgency: Urgency) => void): () => void;
  /** Calls `listener` when `takeRawChanges` has changes. Returns a function that ends the subscription. */
  onRawChange(listener: () => void): () => void;
  /** Names of required adapters that have neither synced nor a snapshot to serve; empty when ready. */
  awaited(): readonly string[];
  /** Returns the shards that are not synced, with reasons. Runs in constant time per shard. */
  troubles(): readonly ShardTrouble[];
  services(): IterableIterator<Service>;
  /** Returns the merged set of one service, as of the last `takeChanges`. */
  endpoints(key: ServiceKey): EndpointSet | undefined;
  /** Yields the sets of each shard, including unhealthy endpoints. `isUsed` is that of the last `takeChanges`. */
  endpointShards(): IterableIterator<ShardEndpoints>;
  shards(): readonly ShardStatus[];
  /** Returns rejected entries, excluded self-registered services, and ports that are taken by other shards. */
  problems(): readonly ShardProblem[];
  /** Returns the reason why instances may not register for a service, or null. */
  registrationRefusal(requested: RegistrationName): string | null;
  /** Returns self-registered services that are excluded because another shard defines them, with the reason. */
  excludedRegistrations(): ReadonlyMap<ServiceKey, string>;
  /** Writes pending snapshots and stops. Resolves when all files are closed. */
  close(): Promise<void>;
}
