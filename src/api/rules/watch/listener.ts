import type { Clock } from '../../../lib/clock.ts';
import { ruleId } from '../../../rules/rule.ts';
import type { RuleStatuses } from '../../../rules/status.ts';
import type { RuleStore, StoreChange } from '../../../rules/store.ts';
import type { AdapterObjects } from '../objects/adapter-objects.ts';
import { StatusLog } from './status-log.ts';

/** Subscribes to the store and to statuses on behalf of all watches, while a watch is open or a list is recent. */
export interface WatchListener {
  readonly statusLog: StatusLog;
  /** Subscribes unless it has already. */
  begin(): void;
  /** Handles the end of a watch: unsubscribes after a delay unless another watch begins. */
  ended(): void;
  /** Remembers that a list of this version is being answered: its client has seen all earlier statuses. */
  noteList(resourceVersion: string): void;
  /**
   * Returns the status log position for a watch that starts at a version. Watches may get a status twice, but miss
   * none.
   */
  statusPositionOf(resourceVersion: string): number;
  stop(): void;
}

export interface WatchListenerOptions {
  readonly store: Pick<RuleStore, 'subscribe'>;
  /** Objects without a store version. Their changes are sent through the status log. */
  readonly adapterObjects: Pick<AdapterObjects, 'subscribe'>;
  readonly statuses: Pick<RuleStatuses, 'subscribe'>;
  readonly clock: Clock;
  readonly isWatched: () => boolean;
  /** Called with the kinds whose objects or statuses changed. */
  readonly changed: (kinds: ReadonlySet<string>) => void;
}

/** Clients that list or watch again within this time miss no status. */
const rememberMs = 30_000;

export function createWatchListener({
  store,
  adapterObjects,
  statuses,
  clock,
  isWatched,
  changed,
}: WatchListenerOptions): WatchListener {
  const statusLog = new StatusLog();
  /** Position of the first list of each version, oldest first. */
  const lists = new Map<string, { readonly position: number; readonly timeMs: number }>();
  let unsubscribe: (() => void) | null = null;
  let isStopped = false;
  let cancelIdle = () => {};

  const subscribe = (): (() => void) => {
    let isListed = false;
    const endStore = store.subscribe((changes) => {
      if (isListed) onChanges(changes);
    });
    isListed = true; // the store first reports existing objects, which are no changes
    const endStatuses = statuses.subscribe((ids) => {
      for (const id of ids) statusLog.add(id, clock.now());
      changed(new Set(ids.map((id) => id.slice(0, id.indexOf('/')))));
    });
    const endAdapterObjects = adapterObjects.subscribe((changes) => {
      for (const { id, before, now } of changes) {
        const presence =
          before === null ? { type: 'added' as const } : now === null ? { type: 'removed' as const, before } : null;
        statusLog.add(id, clock.now(), presence);
      }
      changed(new Set(changes.map(({ id }) => id.slice(0, id.indexOf('/')))));
    });
    return () => {
      endAdapterObjects();
      endStore();
      endStatuses();
    };
  };

  const onChanges = (changes: readonly StoreChange[]) => {
    const kinds = new Set<string>();
    for (const change of changes) {
      kinds.add(change.type === 'put' ? change.object.kind : change.key.kind);
      if (change.type === 'removed') statusLog.forget(ruleId({ kind: change.key.kind, metadata: change.key }));
    }
    changed(kinds);
  };

  const stop = () => {
    cancelIdle();
    unsubscribe?.();
    unsubscribe = null;
    statusLog.clear();
    lists.clear();
  };

  const stopWhenIdle = () => {
    cancelIdle();
    if (isStopped) return;
    cancelIdle = clock.after(2 * rememberMs, () => {
      if (!isWatched()) stop();
    });
  };

  const begin = () => {
    stopWhenIdle();
    if (!isStopped) unsubscribe ??= subscribe();
  };

  return {
    statusLog,
    begin,
    ended: stopWhenIdle,
    noteList(resourceVersion) {
      begin();
      const timeMs = clock.now();
      const noted = lists.get(resourceVersion);
      if (noted !== undefined && noted.timeMs > timeMs - rememberMs) return;
      lists.delete(resourceVersion); // re-inserted at the end, so that the oldest is first
      lists.set(resourceVersion, { position: statusLog.end, timeMs });
      for (const [version, list] of lists) {
        if (list.timeMs > timeMs - rememberMs) break;
        lists.delete(version);
      }
    },
    statusPositionOf(resourceVersion) {
      const list = lists.get(resourceVersion);
      const since = clock.now() - rememberMs;
      return list !== undefined && list.timeMs >= since ? list.position : statusLog.positionAt(since);
    },
    stop() {
      isStopped = true;
      stop();
    },
  };
}
