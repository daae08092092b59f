import type { Clock } from '../../../lib/clock.ts';
import { ruleId } from '../../../rules/rule.ts';
import type { RuleStatuses } from '../../../rules/status.ts';
import type { RuleStore, StoreChange } from '../../../rules/store/store.ts';
import type { FiledObjects } from '../objects/filed.ts';
import { StatusLog } from './status-log.ts';

/** Listens to the store and to statuses for all watches, for as long as somebody watches or has listed lately. */
export interface WatchListener {
  readonly statusLog: StatusLog;
  /** Listens from now on, if it does not yet. */
  begin(): void;
  /** A watch has ended: stops after a while, unless another begins. */
  ended(): void;
  /** A list of this version is being answered: its client has seen every status of before. */
  noteList(resourceVersion: string): void;
  /** Where in the log of statuses a watch begins whose client has seen a version. It is told a status twice rather than never. */
  statusPositionOf(resourceVersion: string): number;
  stop(): void;
}

export interface WatchListenerOptions {
  readonly store: Pick<RuleStore, 'subscribe'>;
  /** Objects that have no version of the store: their changes are told as those of a status are. */
  readonly filed: Pick<FiledObjects, 'subscribe'>;
  readonly statuses: Pick<RuleStatuses, 'subscribe'>;
  readonly clock: Clock;
  readonly isWatched: () => boolean;
  /** Objects of these kinds, or their statuses, have changed. */
  readonly changed: (kinds: ReadonlySet<string>) => void;
}

/** A client that lists, or watches again, within this time misses no status in between. */
const rememberMs = 30_000;

export function createWatchListener({
  store,
  filed,
  statuses,
  clock,
  isWatched,
  changed,
}: WatchListenerOptions): WatchListener {
  const statusLog = new StatusLog();
  /** By version, oldest first: the position of the first list of that version. */
  const lists = new Map<string, { readonly position: number; readonly timeMs: number }>();
  let unsubscribe: (() => void) | null = null;
  let isStopped = false;
  let cancelIdle = () => {};

  const subscribe = (): (() => void) => {
    let isListed = false;
    const endStore = store.subscribe((changes) => {
      if (isListed) onChanges(changes);
    });
    isListed = true; // what the store tells at once is what there is, no change
    const endStatuses = statuses.subscribe((ids) => {
      for (const id of ids) statusLog.add(id, clock.now());
      changed(new Set(ids.map((id) => id.slice(0, id.indexOf('/')))));
    });
    const endFiled = filed.subscribe((changes) => {
      for (const { id, before, now } of changes) {
        const news =
          before === null ? { type: 'came' as const } : now === null ? { type: 'went' as const, before } : null;
        statusLog.add(id, clock.now(), news);
      }
      changed(new Set(changes.map(({ id }) => id.slice(0, id.indexOf('/')))));
    });
    return () => {
      endFiled();
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
      lists.delete(resourceVersion); // to the end: the oldest come first
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
