import type { Logger } from '../lib/logger.ts';

/** A registry full of mistakes must not fill the log: of one batch so many are named, the others counted. */
const mostNamed = 20;

/** Logs entries that a shard refused, each once for as long as it stays wrong. */
export interface RefusalLog {
  refused(origin: string, message: string): void;
  /** The entry at `origin` was looked at again, or is gone. */
  accepted(origin: string): void;
  /** A batch of changes has ended: logs what is newly refused. */
  settle(): void;
}

export function createRefusalLog(log: Logger, shard: string): RefusalLog {
  /** By origin, what was logged of it. */
  const said = new Map<string, ReadonlySet<string>>();
  const touched = new Set<string>();
  const now = new Map<string, Set<string>>();

  return {
    refused(origin, message) {
      touched.add(origin);
      now.set(origin, (now.get(origin) ?? new Set()).add(message));
    },
    accepted: (origin) => void touched.add(origin),
    settle() {
      const fresh: { readonly origin: string; readonly reason: string }[] = [];
      for (const origin of touched) {
        const before = said.get(origin);
        const reasons = now.get(origin);
        for (const reason of reasons ?? []) if (before?.has(reason) !== true) fresh.push({ origin, reason });
        if (reasons === undefined) said.delete(origin);
        else said.set(origin, reasons);
      }
      touched.clear();
      now.clear();
      for (const { origin, reason } of fresh.slice(0, mostNamed)) {
        log.warn({ shard, origin, reason }, 'registry entry refused');
      }
      if (fresh.length > mostNamed) {
        log.warn({ shard, entries: fresh.length - mostNamed }, 'more registry entries refused: see /debug/adapterz');
      }
    },
  };
}
