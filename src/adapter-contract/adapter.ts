import type { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { EndpointSet, Workload } from '../model/endpoint.ts';
import type { Hostname } from '../model/names.ts';
import type { RawObject } from '../model/object.ts';
import type { Service } from '../model/service.ts';
import type { AdapterHttp } from './http.ts';
import type { RegistryWriter } from './registry-writer.ts';

/** Complete contents of one platform at one moment. */
export interface ShardContents {
  readonly services: readonly Service[];
  readonly endpoints: readonly EndpointSet[];
  readonly workloads: readonly Workload[];
  readonly objects: readonly RawObject[];
}

/** Change of a platform. An endpoint set is always complete; removing a service also removes its endpoints. */
export type ShardChange =
  | { readonly type: 'service'; readonly service: Service }
  | { readonly type: 'service-removed'; readonly namespace: string; readonly hostname: string }
  | { readonly type: 'endpoints'; readonly set: EndpointSet }
  | { readonly type: 'workload'; readonly workload: Workload }
  | { readonly type: 'workload-removed'; readonly namespace: string; readonly name: string }
  | { readonly type: 'object'; readonly object: RawObject }
  | { readonly type: 'object-removed'; readonly kind: string; readonly namespace: string; readonly name: string };

/** Receiver of an adapter's data. Each adapter has its own and cannot see others. */
export interface ShardSink {
  /** Applies a complete listing: anything that `contents` lacks is removed. Ends `syncing` and `degraded`. */
  replace(contents: ShardContents): void;
  /** Applies changes since the last `replace`, in order. */
  apply(changes: readonly ShardChange[]): void;
  /**
   * Reports that the platform is unreachable or unreadable. The last good contents stay in use. `reason` is for
   * operators.
   */
  degraded(reason: string): void;
  /** Reports that the platform is back and no change was missed; otherwise call `replace`. */
  recovered(): void;
  /**
   * Reports a rejected entry; the others stay in use. `origin` tells people where to find it. `replace` clears all
   * earlier problems, so report those of a listing after it.
   */
  problem(origin: string, message: string): void;
  /** Clears the problems of the entry at `origin`, which is valid now or removed. */
  resolved(origin: string): void;
}

/** Configured connection to a platform. */
export interface Adapter {
  /**
   * Runs until `signal` aborts, then resolves with everything closed. It never gives up: external failures are retried
   * with back-off and reported with `degraded`. A rejection is a bug.
   */
  run(sink: ShardSink, signal: AbortSignal): Promise<void>;
  /** Routes of its HTTP interface. Absent if it has none. */
  readonly http?: AdapterHttp;
  /** Writer of instances that are registered through other adapters. Absent if it takes none. */
  readonly registryWriter?: RegistryWriter;
}

/** Shard of a part of an adapter's platform that comes and goes by itself, such as one of several clusters. */
export interface PartShard {
  readonly sink: ShardSink;
  /** Removes the shard with its contents and its snapshot. Resolves when `part` may be opened again. */
  remove(): Promise<void>;
}

export interface PartShardOptions {
  /** Makes readiness wait for the part, at most until the adapter's `syncTimeoutSeconds` have passed. */
  readonly isAwaited: boolean;
}

/** Environment of an adapter. */
export interface AdapterContext {
  /** Name of the shard, unique among the configured adapters. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Private directory of this adapter that survives restarts. */
  readonly dataDir: string;
  /** Last part of Kubernetes hostnames, `cluster.local` by default. */
  readonly domainSuffix: string;
  /** Returns the reason why instances may not register for a service, because another adapter defines it, or null. */
  readonly registrationRefusal: (service: SelfRegisteredService) => string | null;
  /** Returns the registries that take instances, by the names of their adapters. To be asked once all adapters are created. */
  readonly registryWriters: () => ReadonlyMap<string, RegistryWriter>;
  /**
   * Opens the shard of a part, beside the adapter's own one. It has its own state and snapshot. `part` is unique within
   * the adapter; the shard's name is `<name>/<part>`.
   */
  readonly openShard: (part: string, options: PartShardOptions) => PartShard;
  /** Counts events of this adapter, for metrics. */
  readonly observer: AdapterObserver;
}

/** Service whose instances register themselves. */
export interface SelfRegisteredService {
  readonly namespace: string;
  readonly hostname: Hostname;
  /** Requested virtual addresses. */
  readonly vips?: readonly string[] | undefined;
  /** Adapter into whose registry the instances go. What it defines itself is no reason against them. */
  readonly registry?: string | undefined;
}

export interface AdapterObserver {
  /** Counts leases from now on, beginning at 0: instances that are taken out because their heartbeats stopped. */
  leases(): { expired(): void };
  /** Counts what happens to watched kinds of objects from now on, beginning at 0. The lists have every value of a label. */
  watches(kinds: readonly string[], relistReasons: readonly string[]): WatchCounters;
}

export interface WatchCounters {
  /** Counts an event that changes nothing that is used, such as the heartbeat of a node. */
  ignored(kind: string): void;
  /** Counts objects for which a comparison with the platform's list found a difference, which is repaired. */
  differed(kind: string, objects: number): void;
  /** Counts a kind that is listed again. */
  relisted(reason: string): void;
}

/** Definition of an adapter. To add one, export it from a folder and add a line to adapters/index.ts. */
export interface AdapterDefinition<Config> {
  /** Value of `type` in binnacle.yaml. */
  readonly kind: string;
  readonly config: z.ZodType<Config>;
  /** True if the adapter persists all its contents in `dataDir`, so that a snapshot of its shard would be redundant. */
  readonly isDurable?: boolean;
  /** True for self-registered instances, which yield to definitions of other adapters. */
  readonly isSelfRegistered?: boolean;
  create(config: Config, context: AdapterContext): Adapter;
}

/** Infers the configuration's type for a list of adapters. */
export const defineAdapter = <Config>(definition: AdapterDefinition<Config>): AdapterDefinition<Config> => definition;
