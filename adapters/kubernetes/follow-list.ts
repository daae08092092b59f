import type { WatchCounters } from '../../src/adapter-contract/adapter.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { follow } from '../../src/kubernetes/follow.ts';
import type { ClusterObjectChange, Reflector } from '../../src/kubernetes/reflector.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import type { ClusterList } from './cluster-lists.ts';

/** List with its progress. */
export interface Followed extends ClusterList {
  readonly reflector: Reflector;
  readonly received: (changes: readonly ClusterObjectChange[], reflector: Reflector) => void;
  /** Ends the list or watch under way, after which the reflector says what is next. */
  restart: AbortController;
}

export interface FollowListOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: WatchCounters;
  readonly probeMs: number;
  readonly compareMs: number;
  /** Called after changes were received, or the trouble of the list changed. */
  readonly applied: () => void;
}

/** Follows a list until `signal` aborts, and begins again whenever `restart` is aborted. */
export async function followList(one: Followed, options: FollowListOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log, counters, probeMs, compareMs, applied } = options;
  while (!signal.aborted) {
    one.restart = new AbortController();
    await follow(
      {
        ...{ client, clock, ...one, probeMs, compareMs },
        changed(changes) {
          one.received(changes, one.reflector);
          applied();
        },
        relisted(reason) {
          counters.relisted(reason);
          log.info({ path: one.path, reason }, 'kind listed again');
        },
        differed(objects) {
          counters.differed(one.kind.kind, objects);
          log.warn({ path: one.path, objects }, "objects differed from the server's list");
        },
      },
      AbortSignal.any([signal, one.restart.signal]),
    );
  }
}
