import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { startSlices } from '../../lib/slices.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { type RuleId, ruleId } from '../../rules/rule.ts';
import type { RuleStatus, RuleStatuses } from '../../rules/status.ts';
import type { Coordinator } from '../coordinator.ts';
import type { ProxyGroups } from './proxy-groups.ts';

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
  readonly groups: () => ProxyGroups;
}

/** Detects changed statuses while there are listeners. */
export interface StatusWatch {
  subscribe(listener: Listener): () => void;
  /** Records a status that a caller got. */
  reported(object: StatusObject, status: RuleStatus): void;
  /** Records a written object; null if it was removed. */
  edited(id: RuleId, object: StatusObject | null): void;
  /** Marks rules whose status may have changed for other reasons than answers. */
  recheck(ids: Iterable<RuleId>): void;
  /** Marks all rules, because affected proxies or compiled resources may have changed. */
  populationChanged(): void;
}

interface KnownStatus {
  readonly object: StatusObject;
  readonly status: RuleStatus;
}

export function createStatusWatch(options: StatusWatchOptions): StatusWatch {
  const { coordinator, clock, log, statusOf, groups } = options;
  const listeners = new Set<Listener>();
  /** Statuses that listeners know, or need not be notified of. Empty while there are no listeners. */
  const known = new Map<RuleId, KnownStatus>();
  /** Objects whose status an answer alone may change, or that were not checked since a write. */
  const unsettled = new Map<RuleId, StatusObject>();
  /** Rules whose callers got a newer status between two checks than listeners know. */
  const inconsistentlyReported = new Set<RuleId>();
  let mustCheckAll = true;
  let activity = -1;
  let fingerprint = '';
  let stop: (() => void) | null = null;

  const begin = (): (() => void) =>
    startPeriodically(check, {
      clock,
      failed: (error) => log.error({ err: error }, 'looking for changed statuses failed'),
    });

  const check = async (isStopped: () => boolean): Promise<void> => {
    const changed: RuleId[] = [];
    const pause = () => new Promise<void>((resolve) => options.defer(resolve));
    const slices = startSlices({ pause, elapsed: options.elapsed });
    for (const object of objectsToCheck()) {
      if (slices.isOver) await slices.next();
      if (object !== null && !isStopped() && hasChanged(object)) changed.push(ruleId(object));
    }
    if (!isStopped() && changed.length > 0) for (const listener of listeners) listener(changed);
  };

  const hasChanged = (object: StatusObject): boolean => {
    const id = ruleId(object);
    const status = statusOf(object);
    const before = known.get(id);
    known.set(id, { object, status });
    if (isUnsettled(status)) unsettled.set(id, object);
    else unsettled.delete(id);
    return inconsistentlyReported.delete(id) || (before !== undefined && !isSameStatus(before.status, status));
  };

  /**
   * Returns the objects to check, lazily, as there may be tens of thousands; null for an object that was checked
   * already.
   */
  const objectsToCheck = (): Iterable<StatusObject | null> => {
    if (coordinator.activity === activity && !mustCheckAll && unsettled.size === 0) return [];
    activity = coordinator.activity;
    const now = groups().fingerprint;
    const all = mustCheckAll || now !== fingerprint;
    mustCheckAll = false;
    fingerprint = now;
    if (!all) return [...unsettled.values()];
    // most recent first: unsettled objects were written or reported last
    return distinct([unsettled.values(), options.book.rules(), known.values().map(({ object }) => object)]);
  };

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
        for (const kept of [known, unsettled, inconsistentlyReported]) kept.clear();
        mustCheckAll = true;
      };
    },
    reported(object, status) {
      if (stop === null) return;
      const id = ruleId(object);
      const before = known.get(id);
      if (before === undefined) known.set(id, { object, status });
      else if (!isSameStatus(before.status, status)) {
        inconsistentlyReported.add(id);
        unsettled.set(id, object);
      }
    },
    edited(id, object) {
      if (object === null) for (const kept of [known, unsettled, inconsistentlyReported]) kept.delete(id);
      else if (stop !== null) unsettled.set(id, object);
    },
    recheck(ids) {
      for (const id of ids) {
        const before = known.get(id);
        // A version written since is newer.
        if (before !== undefined && !unsettled.has(id)) unsettled.set(id, before.object);
      }
    },
    populationChanged() {
      mustCheckAll = true;
    },
  };
}

const periodMs = 1_000;

interface PeriodicOptions {
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}

/** Runs an async check again and again, `periodMs` after the end of the previous one. Returns a function that stops it. */
function startPeriodically(
  check: (isStopped: () => boolean) => Promise<void>,
  { clock, failed }: PeriodicOptions,
): () => void {
  let isStopped = false;
  const tick = () => {
    check(() => isStopped)
      .catch(failed)
      .finally(() => {
        if (!isStopped) cancel = clock.after(periodMs, tick);
      });
  };
  let cancel = clock.after(periodMs, tick);
  return () => {
    isStopped = true;
    cancel();
  };
}

/** Yields each object once, by id, and null in place of a repetition. */
function* distinct(lists: readonly Iterable<StatusObject>[]): Generator<StatusObject | null> {
  const seen = new Set<RuleId>();
  for (const objects of lists) {
    for (const object of objects) {
      const id = ruleId(object);
      yield seen.has(id) ? null : object;
      seen.add(id);
    }
  }
}

/** Returns true if answers of connected proxies can change the status. */
const isUnsettled = ({ proxies, conditions }: RuleStatus): boolean =>
  proxies.pending + proxies.rejected > 0 || conditions.some(({ reason }) => reason === 'Pending');

const isSameStatus = (a: RuleStatus, b: RuleStatus): boolean => a === b || textOf(a) === textOf(b);

/** Returns a text for comparison. Statuses are built in one place, with their fields in equal order. */
const textOf = (status: RuleStatus): string => JSON.stringify(status);
