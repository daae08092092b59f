import type { ShardSink } from '../../src/adapter-contract/adapter.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import type { Catalog } from './catalog.ts';

/** Writes what the catalog has into the shard. */
export interface Publisher {
  /** Reports what is wrong with an entry, or null if nothing is. */
  report(origin: string, message: string | null): void;
  /** Writes changes. The first time after a gap, everything is written. */
  publish(): void;
  /** Writes changes that do not come from the connection: nothing after a gap, which its next listing ends. */
  publishIfWhole(): void;
  /** Reports that there is no connection. */
  lost(reason: string): void;
  close(): void;
}

export interface PublisherOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sink: ShardSink;
  /** Reports whether a listing would be incomplete yet. `publishIfWhole` is called when it may no longer be. */
  readonly isPending: () => boolean;
}

export function createPublisher({ catalog, clock, log, sink, isPending }: PublisherOptions): Publisher {
  const problems = new Map<string, string>();
  let hasGap = true;
  /** True while a listing that was received waits for `isPending`. */
  let isWaiting = false;
  let cancelTimer: () => void = () => {};

  /** Comes back when endpoints are no longer held. */
  function schedule(): void {
    cancelTimer();
    const nextAtMs = catalog.nextAtMs();
    if (nextAtMs === null) return;
    cancelTimer = clock.after(Math.max(nextAtMs - clock.now(), 1), () => {
      publishIfWhole();
    });
  }

  function publishIfWhole(): void {
    if (!hasGap || isWaiting) publish();
  }

  function publish(): void {
    isWaiting = hasGap && isPending();
    if (isWaiting) return;
    const changes = catalog.takeChanges(clock.now());
    if (hasGap) {
      hasGap = false;
      sink.replace(catalog.contents());
      for (const [origin, message] of problems) sink.problem(origin, message);
    } else if (changes.length > 0) sink.apply(changes);
    schedule();
  }

  return {
    publish,
    publishIfWhole,
    report(origin, message) {
      if ((problems.get(origin) ?? null) === message) return;
      if (message === null) problems.delete(origin);
      else {
        problems.set(origin, message);
        log.warn({ origin, reason: message }, 'entry left out');
      }
      if (hasGap) return;
      sink.resolved(origin);
      if (message !== null) sink.problem(origin, message);
    },
    lost(reason) {
      hasGap = true;
      isWaiting = false;
      sink.degraded(reason);
    },
    close: () => cancelTimer(),
  };
}
