import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { assertNever } from '../../lib/assert-never.ts';
import { DamagedError, openRulesDatabase, type RulesDatabase } from './sqlite-database.ts';
import type { Failure, WorkerAnswer, WorkerOptions, WorkerRequest } from './sqlite-messages.ts';

function serve(port: MessagePort, options: WorkerOptions): void {
  const answer = (message: WorkerAnswer) => port.postMessage(message);
  let database: RulesDatabase;
  try {
    database = openRulesDatabase(options);
    answer({ type: 'opened', objects: database.objects, revision: database.revision() });
  } catch (error) {
    answer({ type: 'failed', failure: describe(error, options.path) });
    return;
  }
  port.on('message', (request: WorkerRequest) => {
    switch (request.type) {
      case 'write':
      case 'history':
        answer(handle(database, request, options.path));
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

function handle(
  database: RulesDatabase,
  request: Exclude<WorkerRequest, { type: 'close' }>,
  path: string,
): WorkerAnswer {
  try {
    if (request.type === 'history') return { type: 'history', entries: database.history(request.key) };
    const outcomes = database
      .write(request.writes)
      .map((outcome) => (outcome.ok ? outcome : { ok: false as const, failure: describe(outcome.error, path) }));
    return { type: 'written', outcomes, revision: database.revision() };
  } catch (error) {
    return { type: 'failed', failure: describe(error, path) };
  }
}

// https://www.sqlite.org/rescode.html
const sqlite = { busy: 5, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 };

/** What SQLite's error means for an operator, and what to do. */
function describe(error: unknown, path: string): Failure {
  const text = error instanceof Error ? error.message : String(error);
  const code = primaryCode(error);
  if (error instanceof DamagedError || code === sqlite.corrupt || code === sqlite.notADatabase) {
    const cure = `restore it from a backup, or move it away (with ${path}-wal, if there) to start with no rules`;
    return { code: 'STORE_DAMAGED', message: `the rules database ${path} is damaged (${text}): ${cure}` };
  }
  switch (code) {
    case sqlite.busy: {
      const message = `the rules database ${path} is in use by another process: stop that one, or use another --data-dir`;
      return { code: 'STORE_UNAVAILABLE', message };
    }
    case sqlite.full: {
      const message = `the rules database ${path} cannot grow (${text}): nothing was stored; make room and try again`;
      return { code: 'STORE_UNAVAILABLE', message };
    }
    case sqlite.readOnly:
    case sqlite.cannotOpen: {
      const message = `the rules database ${path} cannot be opened for writing (${text}): correct the directory's owner or mode, or choose another with --data-dir`;
      return { code: 'DATA_DIR_UNWRITABLE', message };
    }
    default:
      return { code: 'STORE_UNAVAILABLE', message: `the rules database ${path} cannot be used: ${text}` };
  }
}

/** SQLite's result code without its extension, or null for an error that is not SQLite's. */
function primaryCode(error: unknown): number | null {
  const isSqlite = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
  return isSqlite ? (error.errcode as number) & 0xff : null; // checked on the line above
}

/*
 * The thread that owns the rules database. SQLite is synchronous and waits for the disk; here nobody waits for it but
 * the writer. This file is an entry point: it runs when it is loaded, last, as what it uses must have been defined.
 */
if (parentPort !== null) serve(parentPort, workerData as WorkerOptions); // sqlite.ts is the only one that starts it
