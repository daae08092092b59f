import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { startSlices } from '../../lib/slices.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { type RuleId, ruleId } from '../../rules/rule.ts';
import type { RuleStatus, RuleStatuses } from '../../rules/status.ts';
import type { Coordinator } from '../coordinator.ts';
import type { Census } from './census.ts';

type StatusObject = Parameters<RuleStatuses['of']>[0];
type Listener = Parameters<RuleStatuses['subscribe']>[0];

export interface StatusWatchOptions {
  readonly book: Pick<RuleBook, 'rules'>;
  readonly coordinator: Pick<Coordinator, 'activity'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly defer: (run: () => void) => void;
  readonly elapsed: () => number;
  readonly statusOf: (object: StatusObject) => RuleStatus;
  readonly census: () => Census;
}

/** Finds out which statuses are other than before, while somebody listens. */
export interface StatusWatch {
  subscribe(listener: Listener): () => void;
  /** Somebody was told this status. */
  told(object: StatusObject, status: RuleStatus): void;
  /** An object was written; null: removed. */
  edited(id: RuleId, object: StatusObject | null): void;
  /** These may have another status, whatever proxies answer. */
  suspect(ids: Iterable<RuleId>): void;
  /** Any rule may concern other proxies, or be compiled otherwise, than before. */
  populationChanged(): void;
}

interface Known {
  readonly object: StatusObject;
  readonly status: RuleStatus;
}

export function createStatusWatch(options: StatusWatchOptions): StatusWatch {
  const { coordinator, clock, log, statusOf, census } = options;
  const listeners = new Set<Listener>();
  /** What listeners were told last, or did not need to be told. Empty while there are none. */
  const known = new Map<RuleId, Known>();
  /** Whose status may change by an answer alone, or was not looked at since a write. */
  const open = new Map<RuleId, StatusObject>();
  /** Who asked between two looks was told something else than the others. */
  const toldApart = new Set<RuleId>();
  let mustLookAtAll = true;
  let activity = -1;
  let fingerprint = '';
  let stop: (() => void) | null = null;

  const begin = (): (() => void) => {
    let isStopped = false;
    const tick = () => {
      look(() => isStopped)
        .catch((error: unknown) => log.error({ err: error }, 'looking for changed statuses failed'))
        .finally(() => {
          if (!isStopped) cancel = clock.after(periodMs, tick);
        });
    };
    let cancel = clock.after(periodMs, tick);
    return () => {
      isStopped = true;
      cancel();
    };
  };

  const look = async (isStopped: () => boolean): Promise<void> => {
    const changed: RuleId[] = [];
    const pause = () => new Promise<void>((resolve) => options.defer(resolve));
    const slices = startSlices({ pause, elapsed: options.elapsed });
    for (const object of toLookAt()) {
      if (slices.isOver) await slices.next();
      if (object !== null && !isStopped() && isOtherNow(object)) changed.push(ruleId(object));
    }
    if (!isStopped() && changed.length > 0) for (const listener of listeners) listener(changed);
  };

  const isOtherNow = (object: StatusObject): boolean => {
    const id = ruleId(object);
    const status = statusOf(object);
    const before = known.get(id);
    known.set(id, { object, status });
    if (isOpen(status)) open.set(id, object);
    else open.delete(id);
    return toldApart.delete(id) || (before !== undefined && !isSameStatus(before.status, status));
  };

  /** Found while they are looked at, as there may be tens of thousands; null: one that was looked at already. */
  const toLookAt = (): Iterable<StatusObject | null> => {
    if (coordinator.activity === activity && !mustLookAtAll && open.size === 0) return [];
    activity = coordinator.activity;
    const now = census().fingerprint;
    const all = mustLookAtAll || now !== fingerprint;
    mustLookAtAll = false;
    fingerprint = now;
    if (!all) return [...open.values()];
    return everything();
  };

  function* everything(): Generator<StatusObject | null> {
    const seen = new Set<RuleId>();
    // newest knowledge first: what is open was written or told last
    for (const objects of [open.values(), options.book.rules(), known.values().map(({ object }) => object)]) {
      for (const object of objects) {
        const id = ruleId(object);
        yield seen.has(id) ? null : object;
        seen.add(id);
      }
    }
  }

  return {
    subscribe(listener) {
      const own: Listener = (ids) => listener(ids);
      listeners.add(own);
      stop ??= begin();
      return () => {
        listeners.delete(own);
        if (listeners.size > 0) return;
        stop?.();
        stop = null;
        for (const kept of [known, open, toldApart]) kept.clear();
        mustLookAtAll = true;
      };
    },
    told(object, status) {
      if (stop === null) return;
      const id = ruleId(object);
      const before = known.get(id);
      if (before === undefined) known.set(id, { object, status });
      else if (!isSameStatus(before.status, status)) {
        toldApart.add(id);
        open.set(id, object);
      }
    },
    edited(id, object) {
      if (object === null) for (const kept of [known, open, toldApart]) kept.delete(id);
      else if (stop !== null) open.set(id, object);
    },
    suspect(ids) {
      for (const id of ids) {
        const before = known.get(id);
        if (before !== undefined && !open.has(id)) open.set(id, before.object); // what was written since is newer
      }
    },
    populationChanged() {
      mustLookAtAll = true;
    },
  };
}

const periodMs = 1_000;

/** Whether answers of proxies that are connected already can change it. */
const isOpen = ({ proxies, conditions }: RuleStatus): boolean =>
  proxies.pending + proxies.rejected > 0 || conditions.some(({ reason }) => reason === 'Pending');

const isSameStatus = (a: RuleStatus, b: RuleStatus): boolean => a === b || textOf(a) === textOf(b);

/** Both were made in one place, with their fields in the same order. */
const textOf = (status: RuleStatus): string => JSON.stringify(status);
