import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isMissing } from '../../src/lib/missing-file.ts';
import type { Operation } from './instances.ts';

const linesPerTurn = 500;

/** Journal of operations on disk: one line per write, complete or absent. */
export interface Journal<Entry = Operation> {
  /** Reads the lines of earlier runs. `damaged` counts incomplete lines, usually the last one before a crash. */
  load(): Promise<{ readonly operations: readonly Entry[]; readonly damaged: number }>;
  /** Resolves when the line would survive a crash. Concurrent writes share one sync. */
  append(operations: readonly Entry[]): Promise<void>;
  /** Rewrites the file with the result of `take`, which is called when the rewrite starts. */
  compact(take: () => readonly Entry[]): Promise<void>;
  /** Number of lines in the file. */
  lines(): number;
  /** Resolves when no write is pending. */
  settled(): Promise<void>;
}

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

export function createJournal<Entry = Operation>(directory: string, file = 'instances.ndjson'): Journal<Entry> {
  const path = join(directory, file);
  let waiting: Waiting[] = [];
  let lines = 0;
  /** Last access; accesses run one at a time, in order. */
  let last: Promise<void> = Promise.resolve();

  function inOrder(access: () => Promise<void>): Promise<void> {
    const result = last.then(access);
    last = result.catch(() => {}); // the caller handles it
    return result;
  }

  async function flush(): Promise<void> {
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    try {
      await appendLines(path, directory, group.map(({ line }) => line).join(''));
      lines += group.length;
      for (const { resolve } of group) resolve();
    } catch (cause) {
      for (const { reject } of group) reject(cause);
    }
  }

  return {
    async load() {
      await mkdir(directory, { recursive: true });
      const text = await readFile(path, 'utf8').catch((cause: unknown) => {
        if (isMissing(cause)) return '';
        throw cause;
      });
      return parseLines<Entry>(text);
    },
    append(operations) {
      return new Promise((resolve, reject) => {
        waiting.push({ line: `${JSON.stringify(operations)}\n`, resolve, reject });
        if (waiting.length === 1) void inOrder(flush); // flush never rejects; it rejects the waiting promises
      });
    },
    compact: (take) =>
      inOrder(async () => {
        await nextTurn(); // by then, callers have applied all earlier lines
        const operations = take();
        await rewrite(path, directory, operations);
        lines = operations.length;
      }),
    lines: () => lines,
    settled: () => last,
  };
}

/** Opens the file for each group of lines: if the directory was moved, writes must not go to the moved file. */
async function appendLines(path: string, directory: string, text: string): Promise<void> {
  const file = await openForMore(path, directory);
  try {
    await appendAll(file, Buffer.from(`\n${text}`)); // the file may end with half a line after a crash
  } finally {
    await file.close();
  }
}

async function openForMore(path: string, directory: string): Promise<FileHandle> {
  try {
    return await open(path, 'a');
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    await mkdir(directory, { recursive: true });
    return await open(path, 'a');
  }
}

/** Writes and syncs all bytes, or none. */
async function appendAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  try {
    while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
    await file.datasync();
  } catch (cause) {
    await takeBack(file, written).catch(() => {}); // half a line would hide the next; reading tolerates it, too
    throw cause;
  }
}

/** Truncates the file by the bytes just written, which are its end: no other process writes to it. */
async function takeBack(file: FileHandle, bytes: number): Promise<void> {
  const { size } = await file.stat();
  await file.truncate(size - bytes);
}

async function rewrite(path: string, directory: string, operations: readonly unknown[]): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await writeAll(file, operations);
    await file.sync();
  } catch (cause) {
    await rm(temporary, { force: true }); // frees the space on a full disk
    throw cause;
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(directory, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function writeAll(file: FileHandle, operations: readonly unknown[]): Promise<void> {
  for (let at = 0; at < operations.length; at += linesPerTurn) {
    const slice = operations.slice(at, at + linesPerTurn);
    // unlike write(), it never writes only a part
    await file.writeFile(slice.map((operation) => `${JSON.stringify([operation])}\n`).join(''));
  }
}

async function parseLines<Entry>(text: string) {
  const operations: Entry[] = [];
  let damaged = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (index % linesPerTurn === linesPerTurn - 1) await nextTurn();
    if (line === '') continue;
    try {
      operations.push(...(JSON.parse(line) as Entry[])); // written by this program, one array per line
    } catch {
      damaged += 1;
    }
  }
  return { operations, damaged };
}
