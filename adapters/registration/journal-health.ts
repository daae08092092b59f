import type { ShardSink } from '../../src/adapter-contract/adapter.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import type { Journal } from './journal.ts';

export interface JournalHealthOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly dataDir: string;
  readonly journal: Pick<Journal, 'append'>;
  /** Returns the shard; null while the adapter does not run. */
  readonly sink: () => Pick<ShardSink, 'degraded' | 'recovered'> | null;
}

/** Reports to the shard whether journals can be written. After a failure it tries again until one can. */
export interface JournalHealth {
  /** Takes the result of a write; null for success. */
  readonly journalled: (failure: unknown) => void;
  close(): void;
}

/** Delay before a failed write of the journal is retried. */
const probeMs = 1_000;

export function createJournalHealth({ clock, log, dataDir, journal, sink }: JournalHealthOptions): JournalHealth {
  let isFailing = false;
  let cancelProbe: () => void = () => {};

  function journalled(failure: unknown): void {
    if (failure === null) {
      if (isFailing) sink()?.recovered();
      isFailing = false;
      return;
    }
    if (!isFailing) log.error({ dataDir, err: failure }, 'registration journal not written');
    isFailing = true;
    sink()?.degraded(`registrations cannot be stored: ${reasonOf(failure)}; free space or correct ${dataDir}`);
    cancelProbe();
    cancelProbe = clock.after(probeMs, () => {
      journal.append([]).then(() => journalled(null), journalled);
    });
  }

  return { journalled, close: () => cancelProbe() };
}

/** Returns the message of an error. */
export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
