import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MeshError } from '../lib/errors.ts';
import type { ShardContents } from '../platform/adapter.ts';

/*
 * A snapshot is JSON with one entry a line, so that neither writing nor reading it holds the event loop: a header, the
 * entries, and a last line with the checksum of everything before it.
 */
const format = 1;
const linesPerTurn = 200;

const parts = ['services', 'endpoints', 'workloads', 'objects'] as const;

export interface Snapshot {
  readonly shard: string;
  /** Milliseconds since the Unix epoch. */
  readonly savedAtMs: number;
  readonly contents: ShardContents;
}

/** Writes a snapshot so that a crash at any moment leaves either the old or the new one. Rejects as `node:fs` does. */
export async function writeSnapshot(path: string, snapshot: Snapshot): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await writeLines(file, snapshot);
    await file.sync();
  } catch (cause) {
    await file.close();
    await rm(temporary, { force: true }); // gives a full disk its space back
    throw cause;
  }
  await file.close();
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

async function writeLines(file: FileHandle, snapshot: Snapshot): Promise<void> {
  const hash = createHash('sha256');
  const header = { format, shard: snapshot.shard, savedAtMs: snapshot.savedAtMs };
  await write(file, hash, `{"header":${JSON.stringify(header)},"entries":[\n`);
  const entries = parts.flatMap((part) => snapshot.contents[part].map((value) => ({ part, value })));
  for (let at = 0; at < entries.length; at += linesPerTurn) {
    const slice = entries.slice(at, at + linesPerTurn);
    const end = at + linesPerTurn >= entries.length ? '\n' : ',\n';
    await write(file, hash, slice.map(({ part, value }) => `["${part}",${JSON.stringify(value)}]`).join(',\n') + end);
  }
  await file.write(`],"checksum":"${hash.digest('hex')}"}\n`);
}

async function write(file: FileHandle, hash: Hash, text: string): Promise<void> {
  hash.update(text);
  await file.write(text);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Reads a snapshot; null where there is none. Throws SNAPSHOT_DAMAGED when it is not whole, or of another format. */
export async function readSnapshot(path: string): Promise<Snapshot | null> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (isMissing(cause)) return null;
    throw damaged(path, 'it cannot be read', cause);
  });
  if (text === null) return null;
  const footer = text.lastIndexOf('],"checksum":"');
  const body = text.slice(0, Math.max(0, footer));
  const checksum = createHash('sha256').update(body).digest('hex');
  if (footer < 0 || text.slice(footer) !== `],"checksum":"${checksum}"}\n`) {
    throw damaged(path, 'its checksum does not match');
  }
  return parse(path, body);
}

const isMissing = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';

/** The checksum has vouched for what this program wrote; only the format may still be another release's. */
async function parse(path: string, body: string): Promise<Snapshot> {
  const [head = '', ...lines] = body.trimEnd().split('\n');
  const { header } = JSON.parse(`${head}]}`);
  if (header.format !== format) throw damaged(path, `its format is ${header.format}, this release reads ${format}`);
  const contents: Record<(typeof parts)[number], unknown[]> = {
    services: [],
    endpoints: [],
    workloads: [],
    objects: [],
  };
  for (const [index, line] of lines.entries()) {
    const [part, value] = JSON.parse(line.replace(/,$/, '')) as [(typeof parts)[number], unknown];
    contents[part].push(value);
    if (index % linesPerTurn === linesPerTurn - 1) await nextTurn();
  }
  // sound for the same reason: the entries are values of these types, written by writeLines
  return { shard: header.shard, savedAtMs: header.savedAtMs, contents: contents as unknown as ShardContents };
}

const damaged = (path: string, why: string, cause?: unknown): MeshError =>
  new MeshError('SNAPSHOT_DAMAGED', `the shard snapshot ${path} was ignored: ${why}`, { cause, facts: { path } });
