import { MeshError } from '../lib/errors.ts';
import type { ShardContents } from '../platform/adapter.ts';
import { LineFileError, readLineFile, writeLineFile } from '../platform/line-file.ts';

/** A line file with an entry for everything that the shard holds. */
const format = 1;

const parts = ['services', 'endpoints', 'workloads', 'objects'] as const;
type Part = (typeof parts)[number];

export interface Snapshot {
  readonly shard: string;
  /** Milliseconds since the Unix epoch. */
  readonly savedAtMs: number;
  readonly contents: ShardContents;
}

/** Writes a snapshot so that a crash at any moment leaves either the old or the new one. Rejects as `node:fs` does. */
export async function writeSnapshot(path: string, { shard, savedAtMs, contents }: Snapshot): Promise<void> {
  const entries = parts.flatMap((part) => contents[part].map((value) => [part, value]));
  await writeLineFile(path, { header: { format, shard, savedAtMs }, entries });
}

/** Reads a snapshot; null where there is none. Throws SNAPSHOT_DAMAGED when it is not whole, or of another format. */
export async function readSnapshot(path: string): Promise<Snapshot | null> {
  const file = await readLineFile(path).catch((cause: unknown) => {
    throw cause instanceof LineFileError ? damaged(path, cause.message, cause) : cause;
  });
  if (file === null) return null;
  const { header, entries } = file;
  if (header.format !== format) throw damaged(path, `its format is ${header.format}, this release reads ${format}`);
  const contents: Record<Part, unknown[]> = { services: [], endpoints: [], workloads: [], objects: [] };
  // The checksum has vouched for what `writeSnapshot` wrote, so this cast and those below are sound.
  for (const [part, value] of entries as readonly [Part, unknown][]) contents[part].push(value);
  return {
    shard: String(header.shard),
    savedAtMs: Number(header.savedAtMs),
    contents: contents as unknown as ShardContents,
  };
}

const damaged = (path: string, why: string, cause?: unknown): MeshError =>
  new MeshError('SNAPSHOT_DAMAGED', `the shard snapshot ${path} was ignored: ${why}`, { cause, facts: { path } });
