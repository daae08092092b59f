import type { ShardSink } from '../../src/adapter-contract/adapter.ts';
import type { Logger } from '../../src/lib/logger.ts';

/** Problems of entries, which survive a `replace` of the shard. */
export interface EntryProblems {
  /** Reports the problem of the entry at `origin`; null: it has none any more. */
  report(origin: string, message: string | null): void;
  /** Replaces the contents of the shard, after which problems are reported anew. */
  replace(contents: Parameters<ShardSink['replace']>[0]): void;
}

export function createEntryProblems(sink: ShardSink, log: Logger): EntryProblems {
  const problems = new Map<string, string>();
  return {
    report(origin, message) {
      if ((problems.get(origin) ?? null) === message) return;
      sink.resolved(origin);
      if (message === null) {
        problems.delete(origin);
        return;
      }
      problems.set(origin, message);
      log.warn({ origin, reason: message }, 'entry left out');
      sink.problem(origin, message);
    },
    replace(contents) {
      sink.replace(contents);
      for (const [origin, message] of problems) sink.problem(origin, message);
    },
  };
}
