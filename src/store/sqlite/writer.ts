import { setImmediate as nextTurn } from 'node:timers/promises';
import { assertNever } from '../../lib/assert-never.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { err, ok } from '../../lib/result.ts';
import type { AuditEntry, StoredObject, StoreWrite, TransactionResult } from '../../rules/store.ts';
import type { CommittedObjects } from '../committed.ts';
import type { Stamp } from '../write.ts';
import { parseInTurns, takeText } from './json-pieces.ts';
import type { TransactionOutcome, WrittenAnswer } from './messages.ts';
import { type SqliteThread, ThreadEnded } from './thread.ts';

export interface GroupWriterOptions {
  /** Returns the database thread. Throws STORE_UNAVAILABLE while no thread runs. */
  readonly thread: () => SqliteThread;
  readonly committed: CommittedObjects;
  readonly log: Logger;
  readonly prepare: (object: StoredObject) => void;
}

/** Sends transactions to the database thread, several in one commit, and applies the committed writes to memory. */
export interface GroupWriter {
  transact(writes: readonly StoreWrite[], stamp: Stamp): Promise<TransactionResult>;
  note(entry: AuditEntry): Promise<void>;
  /** Resolves once no transaction or note is waiting or being written. */
  idle(): Promise<void>;
}

interface Waiting {
  readonly stamp: Stamp;
  readonly writes: readonly StoreWrite[];
  /** The first writes as text, copied when `transact` was called, and the index of the rest. */
  readonly first: { readonly text: string; readonly next: number };
  readonly resolve: (result: TransactionResult) => void;
  readonly reject: (error: unknown) => void;
}

interface Note {
  readonly entry: AuditEntry;
  readonly resolve: () => void;
}

/** Limits of one commit. A larger transaction gets a commit without others. */
const groupLimits = { writes: 2_000, textLength: 8 * 1024 * 1024 };

/** Number of objects that `prepare` checks in one turn of the event loop: some milliseconds. */
const preparedPerTurn = 100;

/** Limit for waiting notes. Further notes are dropped, so that frequent refusals cannot fill the memory. */
const maxNotes = 10_000;

export function groupWriter({ thread, committed, log, prepare }: GroupWriterOptions): GroupWriter {
  let waiting: Waiting[] = [];
  let notes: Note[] = [];
  let lostNotes = 0;
  let writing: Promise<void> | null = null;

  // One group is written at a time. Transactions that arrive meanwhile, or in the same turn, share the next fsync.
  const writeAll = async (): Promise<void> => {
    await nextTurn();
    while (waiting.length > 0 || notes.length > 0) {
      const group = takeGroup(waiting);
      const groupNotes = notes;
      waiting = waiting.slice(group.length);
      notes = [];
      await writeGroup(
        group,
        groupNotes.map(({ entry }) => entry),
      );
      for (const { resolve } of groupNotes) resolve();
    }
    writing = null;
  };

  const writeGroup = async (group: readonly Waiting[], groupNotes: readonly AuditEntry[]): Promise<void> => {
    try {
      const answer = await send(thread(), group, groupNotes);
      const results = await settle(answer, { committed, prepare });
      reportLost(answer.notes === null ? 0 : groupNotes.length, answer.notes?.message);
      for (const [index, { resolve, reject }] of group.entries()) {
        const result = results[index];
        if (result instanceof Error || result === undefined) reject(result ?? new Error('no answer'));
        else resolve(result);
      }
    } catch (error) {
      reportLost(groupNotes.length, error instanceof Error ? error.message : String(error));
      for (const { reject } of group) reject(error instanceof ThreadEnded ? unknownOutcome(error) : error);
    }
  };

  const reportLost = (entries: number, reason = 'there were too many at once'): void => {
    const lost = entries + lostNotes;
    lostNotes = 0;
    if (lost > 0) log.warn({ entries: lost, reason }, 'audit entries of refused requests lost');
  };

  const begin = (): void => {
    writing ??= writeAll();
  };

  return {
    transact: (writes, stamp) =>
      new Promise((resolve, reject) => {
        waiting.push({ stamp, writes, first: takeText(writes, 0), resolve, reject });
        begin();
      }),
    note: (entry) =>
      new Promise((resolve) => {
        if (notes.length < maxNotes) notes.push({ entry, resolve });
        else {
          lostNotes++;
          resolve();
        }
        begin();
      }),
    async idle() {
      while (writing !== null) await writing;
    },
  };
}

/** The longest prefix that fits into one commit; at least one transaction. */
function takeGroup(waiting: readonly Waiting[]): readonly Waiting[] {
  let [writes, length] = [0, 0];
  const end = waiting.findIndex((one) => {
    writes += one.writes.length;
    length += one.first.text.length;
    return writes > groupLimits.writes || length > groupLimits.textLength;
  });
  return end === -1 ? waiting : waiting.slice(0, Math.max(1, end));
}

/** Sends the writes as texts. A long transaction takes several turns of the event loop. */
async function send(
  thread: SqliteThread,
  group: readonly Waiting[],
  notes: readonly AuditEntry[],
): Promise<WrittenAnswer> {
  for (const { writes, first } of group) {
    if (writes.length > 0) thread.part(first.text);
    for (let at = first.next; at < writes.length; ) {
      await nextTurn();
      const { text, next } = takeText(writes, at);
      thread.part(text);
      at = next;
    }
  }
  return thread.write({ notes, transactions: group.map(({ stamp, writes }) => ({ ...stamp, count: writes.length })) });
}

/** Applies the committed writes to memory. Returns the result of each transaction, or its error. */
async function settle(
  answer: WrittenAnswer,
  { committed, prepare }: Pick<GroupWriterOptions, 'committed' | 'prepare'>,
): Promise<readonly (TransactionResult | Error)[]> {
  const commits = await parseInTurns(answer.commits);
  for (const [index, commit] of commits.entries()) {
    if ('object' in commit) prepare(commit.object);
    if (index % preparedPerTurn === preparedPerTurn - 1) await nextTurn();
  }
  const tried = await parseInTurns(answer.tried);
  const kept = committed.commit(commits, answer.revision);
  let [keptAt, triedAt] = [0, 0];
  return answer.outcomes.map((outcome: TransactionOutcome) => {
    switch (outcome.type) {
      case 'kept':
        keptAt += outcome.count;
        return ok(kept.slice(keptAt - outcome.count, keptAt));
      case 'tried':
        triedAt += outcome.count;
        return ok(tried.slice(triedAt - outcome.count, triedAt));
      case 'refused':
        return err({ index: outcome.index, refusal: outcome.refusal });
      case 'failed':
        return new MeshError(outcome.failure.code, outcome.failure.message);
      default:
        return assertNever(outcome);
    }
  });
}

function unknownOutcome(cause: ThreadEnded): MeshError {
  const message =
    'the thread of the rules store ended before it answered: the change may or may not have been stored; read it again before you repeat it';
  return new MeshError('STORE_UNAVAILABLE', message, { cause });
}
