import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isMissing } from '../lib/missing-file.ts';

/*
 * A line file is JSON with one entry per line: a header, the entries, and a last line with the checksum of all before
 * it. Reading and writing it line by line does not block the event loop.
 */
const linesPerTurn = 200;

export interface LineFile {
  readonly header: Readonly<Record<string, unknown>>;
  /** JSON values. */
  readonly entries: readonly unknown[];
}

/** Reason why a file is unreadable or incomplete, as half a sentence. */
export class LineFileError extends Error {}

/** Writes a file atomically: a crash leaves the old or the new file. Rejects as `node:fs` does. */
export async function writeLineFile(path: string, contents: LineFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await writeLines(file, contents);
    await file.sync();
  } catch (cause) {
    await file.close();
    await rm(temporary, { force: true }); // frees the space on a full disk
    throw cause;
  }
  await file.close();
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

async function writeLines(file: FileHandle, { header, entries }: LineFile): Promise<void> {
  const hash = createHash('sha256');
  await write(file, hash, `{"header":${JSON.stringify(header)},"entries":[\n`);
  for (let at = 0; at < entries.length; at += linesPerTurn) {
    const slice = entries.slice(at, at + linesPerTurn);
    const end = at + linesPerTurn >= entries.length ? '\n' : ',\n';
    await write(file, hash, slice.map((entry) => JSON.stringify(entry)).join(',\n') + end);
  }
  await file.writeFile(`],"checksum":"${hash.digest('hex')}"}\n`);
}

async function write(file: FileHandle, hash: Hash, text: string): Promise<void> {
  hash.update(text);
  await file.writeFile(text); // unlike write(), it never writes only a part
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Reads a line file; null if it does not exist. Throws a `LineFileError` if it is incomplete. */
export async function readLineFile(path: string): Promise<LineFile | null> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (isMissing(cause)) return null;
    throw new LineFileError(`it cannot be read (${cause instanceof Error ? cause.message : cause})`, { cause });
  });
  if (text === null) return null;
  const footer = text.lastIndexOf('],"checksum":"');
  const body = text.slice(0, Math.max(0, footer));
  const checksum = createHash('sha256').update(body).digest('hex');
  if (footer < 0 || text.slice(footer) !== `],"checksum":"${checksum}"}\n`) {
    throw new LineFileError('its checksum does not match');
  }
  return parse(body);
}

/** Parses lines whose checksum proves that this program wrote them. */
async function parse(body: string): Promise<LineFile> {
  const [head = '', ...lines] = body.trimEnd().split('\n');
  const entries: unknown[] = [];
  for (const [index, line] of lines.entries()) {
    entries.push(JSON.parse(line.replace(/,$/, '')));
    if (index % linesPerTurn === linesPerTurn - 1) await nextTurn();
  }
  return { header: JSON.parse(`${head}]}`).header, entries };
}
