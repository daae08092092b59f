import type { Clock } from '../../src/lib/clock.ts';

/** Deadlines by name. One timer, set to the nearest; renewing a lease is a write into a map. */
export interface Leases<Holder> {
  renew(name: string, holder: Holder, expiresAtMs: number): void;
  drop(name: string): void;
  expiresAtMs(name: string): number | undefined;
  close(): void;
}

/**
 * Calls `expired` with the holders whose time is up. Renewals happen far more often than expiries, hence the buckets: a
 * name stays in the second that it was put in, and is put into a later one when its bucket comes and it was renewed.
 */
export function createLeases<Holder>(clock: Clock, expired: (holders: readonly Holder[]) => void): Leases<Holder> {
  const held = new Map<string, { holder: Holder; deadline: number; second: number }>();
  const buckets = new Map<number, Set<string>>();
  let cancelTimer: () => void = () => {};
  let timerAt = Number.POSITIVE_INFINITY;

  function place(name: string, second: number): void {
    const bucket = buckets.get(second);
    if (bucket === undefined) buckets.set(second, new Set([name]));
    else bucket.add(name);
    arm(second);
  }

  function arm(second: number): void {
    if (second * 1_000 >= timerAt) return;
    cancelTimer();
    timerAt = second * 1_000;
    cancelTimer = clock.after(Math.max(0, timerAt - clock.now()), sweep);
  }

  function sweep(): void {
    timerAt = Number.POSITIVE_INFINITY;
    const over = new Map<string, Holder>();
    for (const [second, names] of buckets) {
      if (second * 1_000 > clock.now()) continue;
      buckets.delete(second);
      for (const name of names) {
        const lease = held.get(name);
        if (lease === undefined) continue;
        if (lease.deadline <= clock.now()) over.set(name, lease.holder);
        else {
          lease.second = secondOf(lease.deadline);
          place(name, lease.second);
        }
      }
    }
    for (const second of buckets.keys()) arm(second);
    for (const name of over.keys()) drop(name);
    if (over.size > 0) expired([...over.values()]);
  }

  function drop(name: string): void {
    const lease = held.get(name);
    if (lease === undefined) return;
    held.delete(name);
    buckets.get(lease.second)?.delete(name);
  }

  return {
    renew(name, holder, expiresAtMs) {
      const second = secondOf(expiresAtMs);
      const lease = held.get(name);
      if (lease === undefined) held.set(name, { holder, deadline: expiresAtMs, second });
      else {
        lease.holder = holder;
        lease.deadline = expiresAtMs;
        if (lease.second <= second) return;
        buckets.get(lease.second)?.delete(name); // a shorter ttl than before
        lease.second = second;
      }
      place(name, second);
    },
    drop,
    expiresAtMs: (name) => held.get(name)?.deadline,
    close: () => cancelTimer(),
  };
}

const secondOf = (deadline: number): number => Math.ceil(deadline / 1_000);
