import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { EndpointSet, Workload } from '../model/endpoint.ts';
import type { ServiceKey } from '../model/names.ts';
import type { RawObject } from '../model/object.ts';
import type { Service } from '../model/service.ts';
import type { ShardSink } from '../platform/adapter.ts';
import type { GuestName } from './guests.ts';

/** One change of the merged view. Each is assignable to the compiler's `WorldChange`. */
export type RegistryChange =
  | { readonly type: 'service'; readonly service: Service }
  | { readonly type: 'service-removed'; readonly key: ServiceKey }
  /** The merged endpoints of one service, whole: unhealthy ones too, and for a while those that have departed. */
  | { readonly type: 'endpoints'; readonly set: EndpointSet };

/** What an adapter passed on unmerged: configuration objects for the rules room, workloads for selectors. */
export type RawChange =
  | { readonly type: 'object'; readonly adapter: string; readonly object: RawObject }
  | {
      readonly type: 'object-removed';
      readonly adapter: string;
      readonly kind: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly type: 'workload'; readonly adapter: string; readonly workload: Workload }
  | {
      readonly type: 'workload-removed';
      readonly adapter: string;
      readonly namespace: string;
      readonly name: string;
    };

/** `endpoints`: nothing but endpoint sets changed, which may go at once. `configuration`: services changed too. */
export type Urgency = 'endpoints' | 'configuration';

/**
 * `syncing`: nothing was heard yet · `synced`: up to date · `degraded`: the platform cannot be reached or read; the last
 * good contents are served, if there were any · `stale`: the contents come from the snapshot of an earlier run.
 */
export type ShardState = 'syncing' | 'synced' | 'degraded' | 'stale';

/** One shard as operators see it (debug views, metrics, readiness). Times are milliseconds since the Unix epoch. */
export interface ShardStatus {
  readonly name: string;
  readonly kind: string;
  readonly required: boolean;
  readonly state: ShardState;
  readonly sinceMs: number;
  /** Why it is degraded, stale, or not yet synced. */
  readonly reason: string | null;
  /** When the contents that are served were known to be true: the last listing, or the snapshot's time. */
  readonly contentsAtMs: number | null;
  readonly snapshot: { readonly savedAtMs: number | null; readonly problem: string | null };
  /** Those that can be called: a service that lists its endpoints is counted in `emptyServices` while it has none. */
  readonly services: number;
  readonly emptyServices: number;
  readonly endpoints: number;
  readonly objects: number;
  readonly workloads: number;
  /** Refused entries at this moment, whether or not they are kept in `problems`. */
  readonly refused: number;
}

/** A shard that is not up to date. */
export type ShardTrouble = Pick<ShardStatus, 'name' | 'state' | 'reason'>;

/** An entry that was refused and left out. */
export interface ShardProblem {
  readonly shard: string;
  readonly origin: string;
  readonly message: string;
}

export interface ShardOptions {
  /** Holds readiness back until it has synced or serves its snapshot. Default true. */
  readonly required?: boolean;
  /** How long an adapter may take before its snapshot is served, in milliseconds. Default 10,000. */
  readonly syncTimeoutMs?: number;
  /** False for shards that are computed from others or that their adapter has on disk itself. Default true. */
  readonly keepSnapshot?: boolean;
  /** True for shards of what registered itself: they give way to what others define. Default false. */
  readonly isGuest?: boolean;
}

export interface RegistryOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Where shard snapshots are kept (`<dataDir>/shards`); null keeps none. */
  readonly snapshotDir: string | null;
  /** How long an endpoint that nobody tells of any more is kept as `departed`, in milliseconds. Default 10,000; 0: not at all. */
  readonly departedMs?: number;
  /** Whether the configuration lets a guest's instances join what others define; none may, if left out. */
  readonly isGuestAllowed?: (guest: GuestName) => boolean;
}

/** Merges the shards of all adapters into one view of services and endpoints. */
export interface Registry {
  /** Opens the shard of one adapter. A name may be opened once. `kind` is the adapter's type. */
  shard(name: string, kind: string, options?: ShardOptions): ShardSink;
  /**
   * What changed in the merged view since it was last taken: services first, then endpoint sets. With `endpoints` only
   * sets, and of those none whose service has changed too: they come together with it.
   */
  takeChanges(urgency?: Urgency): readonly RegistryChange[];
  /** Objects and workloads that changed since the last call, in order; several changes of one are joined. */
  takeRawChanges(): readonly RawChange[];
  /** Called when `takeChanges` may have something. Returns a function that ends it. */
  onChange(listener: (urgency: Urgency) => void): () => void;
  /** Called when `takeRawChanges` has something. Returns a function that ends it. */
  onRawChange(listener: () => void): () => void;
  /** Names of the required adapters that have neither synced nor a snapshot to serve. Empty: ready. */
  awaited(): readonly string[];
  /** The shards that are not synced, and why. Cheap: it counts nothing. */
  troubles(): readonly ShardTrouble[];
  services(): IterableIterator<Service>;
  /** The merged set of one service, as last taken. */
  endpoints(key: ServiceKey): EndpointSet | undefined;
  /** Every shard's own sets, unhealthy endpoints included. */
  endpointShards(): IterableIterator<{ readonly shard: string; readonly set: EndpointSet }>;
  shards(): readonly ShardStatus[];
  /** Refused entries, and services of guests that are left out. */
  problems(): readonly ShardProblem[];
  /** Why instances may not register for a service; null: they may. */
  whyNoGuest(guest: GuestName): string | null;
  /** Services of guests that do not count, as another shard defines them. */
  leftOut(): ReadonlyMap<ServiceKey, string>;
  /** Writes the snapshots that are due and stops; resolves when nothing is left open. */
  close(): Promise<void>;
}
