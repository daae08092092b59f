import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredObject } from '../../src/rules/store.ts';
import { openRulesDatabase } from '../../src/store/sqlite/database.ts';

export interface Kill {
  readonly path: string;
  /** Seed of the process's writes. */
  readonly seed: number;
  /** Number of acknowledged transactions after which it is killed; null: some milliseconds after the start. */
  readonly afterAcknowledged: number | null;
  readonly afterMs: number;
}

/** Lets a process write to a store until it is killed. Resolves with the lines that it acknowledged. */
export async function writeUntilKilled({ path, seed, afterAcknowledged, afterMs }: Kill): Promise<readonly string[]> {
  const args = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'store-writer.ts'), path, `${seed}`];
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(writer, 'exit');
  const killed = afterAcknowledged === null ? delay(afterMs).then(() => writer.kill('SIGKILL')) : null;
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === afterAcknowledged) writer.kill('SIGKILL');
  }
  const [code] = await exited;
  if (code !== null) throw new Error(`the writer ended by itself, with ${code}`);
  await killed;
  return acknowledged;
}

export interface StoredRows {
  /** Lines `put NAMESPACE/NAME REVISION` or `removed NAMESPACE/NAME REVISION`, oldest first. */
  readonly history: readonly string[];
  /** The lines of the audit trail. */
  readonly audited: readonly string[];
  /** For each transaction, the number of its changes in the audit trail, and the expected number. */
  readonly transactions: readonly { readonly id: string; readonly size: number; readonly found: number }[];
  readonly revision: number;
  readonly objects: readonly StoredObject[];
}

/** Reads a database as the next process finds it, with the writes after a version. Checks the whole file. */
export function readStored(path: string, since: number): StoredRows {
  const database = openRulesDatabase({ path, maxBytes: 2 ** 31 });
  const objects = database.objects().map((text) => JSON.parse(text) as StoredObject); // the store wrote it
  const revision = database.revision();
  database.close();
  const db = new DatabaseSync(path, { readOnly: true });
  const name = "namespace || '/' || name";
  const action = "CASE WHEN type = 'removed' THEN 'removed ' ELSE 'put ' END";
  const lines = (sql: string) =>
    db
      .prepare(sql)
      .all(since)
      .map(({ line }) => String(line));
  const history = lines(
    `SELECT ${action} || ${name} || ' ' || revision AS line FROM history WHERE revision > ? ORDER BY revision`,
  );
  const audited = lines(
    `SELECT ${action.replace('type', 'h.type')} || a.namespace || '/' || a.name || ' ' || a.revision AS line
     FROM audit a JOIN history h ON h.revision = CAST(a.revision AS INTEGER) WHERE h.revision > ? ORDER BY a.id`,
  );
  const transactions = db
    .prepare('SELECT user_agent, count(*) AS found FROM audit WHERE CAST(revision AS INTEGER) > ? GROUP BY user_agent')
    .all(since)
    .map(({ user_agent: agent, found }) => {
      const [id = '', size] = String(agent).split('/');
      return { id, size: Number(size), found: Number(found) };
    });
  db.close();
  return { history, audited, transactions, revision, objects };
}
