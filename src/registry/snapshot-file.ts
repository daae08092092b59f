import type { ShardContents } from '../adapter-contract/adapter.ts';
import { LineFileError, readLineFile, writeLineFile } from '../disk/line-file.ts';
import { MeshError } from '../lib/errors.ts';

/** Format version. A snapshot is a line file with one entry per object. */
const format = 1;

const contentsKeys = ['services', 'endpoints', 'workloads', 'objects'] as const;
type ContentsKey = (typeof contentsKeys)[number];

export interface Snapshot {
  readonly shard: string;
  /** Time in milliseconds since the Unix epoch. */
  readonly savedAtMs: number;
  readonly contents: ShardContents;
}

/** Writes a snapshot atomically: a crash leaves the old or the new file. Rejects as `node:fs` does. */
export async function writeSnapshot(path: string, { shard, savedAtMs, contents }: Snapshot): Promise<void> {
  const entries = contentsKeys.flatMap((part) => contents[part].map((value) => [part, value]));
  await writeLineFile(path, { header: { format, shard, savedAtMs }, entries });
}

/** Reads a snapshot; null if it does not exist. Throws SNAPSHOT_DAMAGED if it is incomplete or has another format. */
export async function readSnapshot(path: string): Promise<Snapshot | null> {
  const file = await readLineFile(path).catch((cause: unknown) => {
    throw cause instanceof LineFileError ? damaged(path, cause.message, cause) : cause;
  });
  if (file === null) return null;
  const { header, entries } = file;
  if (header.format !== format) throw damaged(path, `its format is ${header.format}, this release reads ${format}`);
  const contents: Record<ContentsKey, unknown[]> = { services: [], endpoints: [], workloads: [], objects: [] };
  // The checksum proves that `writeSnapshot` wrote the entries, so this cast and those below are sound.
  for (const [part, value] of entries as readonly [ContentsKey, unknown][]) contents[part].push(value);
  return {
    shard: String(header.shard),
    savedAtMs: Number(header.savedAtMs),
    contents: contents as unknown as ShardContents,
  };
}

const damaged = (path: string, why: string, cause?: unknown): MeshError =>
  new MeshError('SNAPSHOT_DAMAGED', `the shard snapshot ${path} was ignored: ${why}`, { cause, facts: { path } });
