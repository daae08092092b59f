import type { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { EndpointSet, Workload } from '../model/endpoint.ts';
import type { RawObject } from '../model/object.ts';
import type { Service } from '../model/service.ts';

/** Everything that one platform knows at one moment. */
export interface ShardContents {
  readonly services: readonly Service[];
  readonly endpoints: readonly EndpointSet[];
  readonly workloads: readonly Workload[];
  readonly objects: readonly RawObject[];
}

/** One change of a platform. A set of endpoints is always whole; removing a service removes its endpoints too. */
export type ShardChange =
  | { readonly type: 'service'; readonly service: Service }
  | { readonly type: 'service-removed'; readonly namespace: string; readonly hostname: string }
  | { readonly type: 'endpoints'; readonly set: EndpointSet }
  | { readonly type: 'workload'; readonly workload: Workload }
  | { readonly type: 'workload-removed'; readonly namespace: string; readonly name: string }
  | { readonly type: 'object'; readonly object: RawObject }
  | { readonly type: 'object-removed'; readonly kind: string; readonly namespace: string; readonly name: string };

/** Where an adapter writes what it learns. Each adapter has its own; it never sees another's. */
export interface ShardSink {
  /** The platform was listed in full: what is not in `contents` is gone. Ends `syncing` and `degraded`. */
  replace(contents: ShardContents): void;
  /** Changes since the last `replace`, in order. */
  apply(changes: readonly ShardChange[]): void;
  /** The platform cannot be reached or read; the shard's last good contents stay in use. `reason` is for operators. */
  degraded(reason: string): void;
  /** The platform is back and nothing was missed meanwhile (otherwise call `replace`). */
  recovered(): void;
  /**
   * One entry was refused and left out; the others stand. `origin` says where a person finds it. `replace` forgets
   * all earlier problems, so those of a listing are reported after it.
   */
  problem(origin: string, message: string): void;
  /** The entry at `origin` is right now, or gone: its problems are forgotten. */
  resolved(origin: string): void;
}

/** One configured connection to a platform. */
export interface Adapter {
  /**
   * Runs until `signal` aborts, then resolves with everything closed. It never gives up: the outside failing is
   * retried with back-off and reported with `degraded`. A rejection is a bug.
   */
  run(sink: ShardSink, signal: AbortSignal): Promise<void>;
}

/** What an adapter is given of the program. */
export interface AdapterContext {
  /** Unique among the configured adapters; names the shard. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** A directory of this adapter's own that survives restarts. */
  readonly dataDir: string;
  /** `cluster.local`, the last part of Kubernetes hostnames. */
  readonly domainSuffix: string;
}

/** What an adapter folder exports. Adding one is this folder plus a line in adapters/index.ts. */
export interface AdapterDefinition<Config> {
  /** The `type` in binnacle.yaml. */
  readonly kind: string;
  readonly config: z.ZodType<Config>;
  /** All that it knows is on disk already, in its `dataDir`: a snapshot of its shard would be the same once more. */
  readonly isDurable?: boolean;
  /** It tells of what registered itself: that gives way to what other adapters define. */
  readonly isGuest?: boolean;
  create(config: Config, context: AdapterContext): Adapter;
}

/** Keeps the configuration's type through the list of adapters. */
export const defineAdapter = <Config>(definition: AdapterDefinition<Config>): AdapterDefinition<Config> => definition;
