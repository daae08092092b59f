import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { assertNever } from '../../lib/assert-never.ts';
import type { StoreWrite } from '../../rules/store.ts';
import { type DatabaseOutcome, openRulesDatabase, type RulesDatabase, type TransactionGroup } from './database.ts';
import { describeFailure } from './failure.ts';
import { type JsonPiece, joinPieces } from './json-pieces.ts';
import type {
  DatabaseAnswer,
  DatabaseRequest,
  DatabaseWorkerOptions,
  GroupHead,
  TransactionOutcome,
} from './messages.ts';

function serve(port: MessagePort, options: DatabaseWorkerOptions): void {
  const answer = (message: DatabaseAnswer) => port.postMessage(message, buffersOf(message));
  let database: RulesDatabase;
  try {
    database = openRulesDatabase(options);
    answer({
      type: 'opened',
      objects: joinPieces(database.objects()),
      revision: database.revision(),
      removals: database.removals(options.since),
    });
  } catch (error) {
    answer({ type: 'failed', failure: describeFailure(error, options.path) });
    return;
  }
  let parts: string[] = [];
  port.on('message', (request: DatabaseRequest) => {
    switch (request.type) {
      case 'part':
        parts.push(request.text);
        return;
      case 'write': {
        const group = groupOf(request.head, parts);
        parts = [];
        answer(orFailure(options.path, () => write(database, group, options.path)));
        return;
      }
      case 'history':
        answer(
          orFailure(options.path, () => ({ type: 'history', entries: joinPieces(database.history(request.key)) })),
        );
        return;
      case 'audit':
        answer(orFailure(options.path, () => ({ type: 'audit', page: database.audit(request.query) })));
        return;
      case 'close':
        database.close();
        port.close();
        return;
      default:
        assertNever(request);
    }
  });
}

/** Buffers to transfer with an answer. */
function buffersOf(answer: DatabaseAnswer): ArrayBuffer[] {
  const pieces = (): readonly JsonPiece<unknown>[] => {
    switch (answer.type) {
      case 'opened':
        return answer.objects;
      case 'written':
        return [...answer.commits, ...answer.tried];
      case 'history':
        return answer.entries;
      case 'audit':
      case 'failed':
        return [];
      default:
        return assertNever(answer);
    }
  };
  return pieces().map(({ buffer }) => buffer);
}

function orFailure(path: string, run: () => DatabaseAnswer): DatabaseAnswer {
  try {
    return run();
  } catch (error) {
    return { type: 'failed', failure: describeFailure(error, path) };
  }
}

/** Assigns the writes of the parts to their transactions. */
function groupOf(head: string, parts: readonly string[]): TransactionGroup {
  const { transactions, notes } = JSON.parse(head) as GroupHead; // both casts: sqlite-thread.ts sends these types (sqlite-messages.ts)
  const writes = parts.flatMap((part) => JSON.parse(`[${part}]`) as readonly StoreWrite[]);
  let at = 0;
  return {
    notes,
    transactions: transactions.map(({ count, ...stamp }) => {
      at += count;
      return { ...stamp, writes: writes.slice(at - count, at) };
    }),
  };
}

function write(database: RulesDatabase, group: TransactionGroup, path: string): DatabaseAnswer {
  const { outcomes, notesError } = database.write(group);
  return {
    type: 'written',
    outcomes: outcomes.map((outcome) => outcomeOf(outcome, path)),
    notes: notesError === null ? null : describeFailure(notesError, path),
    commits: joinPieces(outcomes.flatMap((outcome) => (outcome.type === 'kept' ? outcome.commits : []))),
    tried: joinPieces(outcomes.flatMap((outcome) => (outcome.type === 'tried' ? outcome.written : []))),
    revision: database.revision(),
  };
}

function outcomeOf(outcome: DatabaseOutcome, path: string): TransactionOutcome {
  switch (outcome.type) {
    case 'kept':
      return { type: 'kept', count: outcome.commits.length };
    case 'tried':
      return { type: 'tried', count: outcome.written.length };
    case 'refused':
      return outcome;
    case 'failed':
      return { type: 'failed', failure: describeFailure(outcome.error, path) };
    default:
      return assertNever(outcome);
  }
}

/*
 * Entry point of the thread that owns the rules database. SQLite's calls block until the disk answers; only the writer
 * waits for this thread. The call comes last in the file: it runs on load, and what it uses must be defined by then.
 */
if (parentPort !== null) serve(parentPort, workerData as DatabaseWorkerOptions); // only sqlite-thread.ts starts it
