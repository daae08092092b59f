import type { Clock } from '../../src/lib/clock.ts';

/** Deadlines of holders, identified by reference. One timer is set to the nearest deadline. */
export interface Leases<Holder extends object> {
  renew(holder: Holder, expiresAtMs: number): void;
  drop(holder: Holder): void;
  expiresAtMs(holder: Holder): number | undefined;
  close(): void;
}

interface Lease<Holder> {
  readonly holder: Holder;
  deadline: number;
  /** Second of its bucket. */
  second: number;
}

/**
 * Calls `expired` with the holders whose lease has ended. Renewals are far more frequent than expiries. Therefore a
 * renewed lease stays in its bucket and moves to a later one only when that bucket is due.
 */
export function createLeases<Holder extends object>(
  clock: Clock,
  expired: (holders: readonly Holder[]) => void,
): Leases<Holder> {
  const held = new Map<Holder, Lease<Holder>>();
  const buckets = new Map<number, Set<Lease<Holder>>>();
  let cancelTimer: () => void = () => {};
  let timerAt = Number.POSITIVE_INFINITY;

  function place(lease: Lease<Holder>): void {
    const bucket = buckets.get(lease.second);
    if (bucket === undefined) buckets.set(lease.second, new Set([lease]));
    else bucket.add(lease);
    arm(lease.second);
  }

  function arm(second: number): void {
    if (second * 1_000 >= timerAt) return;
    cancelTimer();
    timerAt = second * 1_000;
    cancelTimer = clock.after(Math.max(0, timerAt - clock.now()), sweep);
  }

  function sweep(): void {
    timerAt = Number.POSITIVE_INFINITY;
    const over: Holder[] = [];
    for (const [second, leases] of buckets) {
      if (second * 1_000 > clock.now()) continue;
      buckets.delete(second);
      for (const lease of leases) {
        if (lease.deadline <= clock.now()) over.push(lease.holder);
        else {
          lease.second = secondOf(lease.deadline);
          place(lease);
        }
      }
    }
    for (const second of buckets.keys()) arm(second);
    for (const holder of over) held.delete(holder);
    if (over.length > 0) expired(over);
  }

  return {
    renew(holder, expiresAtMs) {
      const second = secondOf(expiresAtMs);
      const lease = held.get(holder);
      if (lease === undefined) {
        const first = { holder, deadline: expiresAtMs, second };
        held.set(holder, first);
        place(first);
        return;
      }
      lease.deadline = expiresAtMs;
      if (lease.second <= second) return;
      buckets.get(lease.second)?.delete(lease); // the deadline is earlier than before
      lease.second = second;
      place(lease);
    },
    drop(holder) {
      const lease = held.get(holder);
      if (lease === undefined) return;
      held.delete(holder);
      buckets.get(lease.second)?.delete(lease);
    },
    expiresAtMs: (holder) => held.get(holder)?.deadline,
    close: () => cancelTimer(),
  };
}

const secondOf = (deadline: number): number => Math.ceil(deadline / 1_000);
