import type { Logger } from '../lib/logger.ts';

/** Maximum number of named entries per batch; the rest is counted, so that a faulty registry cannot flood the log. */
const maxLogged = 20;

/** Logs the rejected entries of a shard, each once while it stays invalid. */
export interface EntryRejectionLog {
  refused(origin: string, message: string): void;
  /** Records that the entry at `origin` was checked again or removed. */
  accepted(origin: string): void;
  /** Ends a batch of changes and logs its new rejections. */
  settle(): void;
}

export function createEntryRejectionLog(log: Logger, shard: string): EntryRejectionLog {
  /** Logged messages by origin. */
  const logged = new Map<string, ReadonlySet<string>>();
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
        const before = logged.get(origin);
        const reasons = now.get(origin);
        for (const reason of reasons ?? []) if (before?.has(reason) !== true) fresh.push({ origin, reason });
        if (reasons === undefined) logged.delete(origin);
        else logged.set(origin, reasons);
      }
      touched.clear();
      now.clear();
      for (const { origin, reason } of fresh.slice(0, maxLogged)) {
        log.warn({ shard, origin, reason }, 'registry entry refused');
      }
      if (fresh.length > maxLogged) {
        log.warn({ shard, entries: fresh.length - maxLogged }, 'more registry entries refused: see /debug/adapterz');
      }
    },
  };
}
