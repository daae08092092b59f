import { contentHash } from '../../lib/hash.ts';
import { assembleResource } from '../../proto/assemble.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import type { ContentPool, Pooled } from '../content-pool.ts';
import type { HashedBytes, RouteFrame } from '../writer.ts';
import type { HashSum } from './hash-sum.ts';

/** Size from which a route configuration is divided into chunks. */
export const largeBytes = 64 << 10;
/** Minimum size of a chunk, except for the last one. */
const minChunkBytes = 24 << 10;
/** First characters of hashes of virtual hosts that end a chunk: a sixteenth of all. */
const chunkEnds = new Set(['A', 'B', 'C', 'D']);

/** Encoded route configuration with the chunks that it retains. */
export interface AssembledRoutes {
  readonly resource: EncodedResource;
  readonly chunks: readonly Pooled<Uint8Array>[];
}

export interface AssemblyPools {
  readonly configurations: ContentPool<AssembledRoutes>;
  /** Sequences of virtual hosts. Versions of a large configuration share them, also between scopes. */
  readonly chunks: ContentPool<Uint8Array>;
}

/** Properties that identify a route configuration. */
export interface ConfigurationKey {
  readonly name: string;
  /** Sum of the hashes of its records. Their order follows from their names. */
  readonly sum: HashSum;
  readonly frame: RouteFrame;
}

/** Assembles a route configuration from its virtual hosts and its frame. Calls `body` only if no equal one exists. */
export function acquireConfiguration(
  { name, sum, frame }: ConfigurationKey,
  body: () => readonly HashedBytes[] | readonly Uint8Array[],
  pools: AssemblyPools,
): Pooled<AssembledRoutes> {
  const version = contentHash(`${frame.format}${name}\n${sum.text()}`);
  return pools.configurations.acquire(`${name}\n${version}`, () => {
    const head = frame.head(name);
    const made = body();
    if (isChunked(made)) {
      const rest = frame.end.length > 0 ? [...made, frame.end] : made;
      return { resource: assembleResource('route', name, { version, parts: [head], rest }), chunks: [] };
    }
    if (lengthOf(made) < largeBytes) {
      const parts = [head, ...made.map(({ bytes }) => bytes), frame.end];
      return { resource: assembleResource('route', name, { version, parts }), chunks: [] };
    }
    const chunks = chunksOf(made).map((chunk) => acquireChunk(chunk, pools));
    const rest = [...chunks.map(({ value }) => value), ...(frame.end.length > 0 ? [frame.end] : [])];
    return { resource: assembleResource('route', name, { version, parts: [head], rest }), chunks };
  });
}

/** Returns true for bytes of many records, false for single records. */
const isChunked = (made: readonly HashedBytes[] | readonly Uint8Array[]): made is readonly Uint8Array[] =>
  made[0] instanceof Uint8Array;

export function releaseConfiguration(assembled: Pooled<AssembledRoutes>, pools: AssemblyPools): void {
  if (!pools.configurations.release(assembled)) return;
  for (const chunk of assembled.value.chunks) pools.chunks.release(chunk);
}

const acquireChunk = (records: readonly HashedBytes[], { chunks }: AssemblyPools): Pooled<Uint8Array> =>
  chunks.acquire(hashesOf(records), () => Buffer.concat(records.map(({ bytes }) => bytes)));

/** Divides records into chunks by content, not by number: a change of one record leaves all but a few chunks equal. */
function chunksOf(records: readonly HashedBytes[]): readonly HashedBytes[][] {
  const chunks: HashedBytes[][] = [];
  let chunk: HashedBytes[] = [];
  let length = 0;
  for (const record of records) {
    chunk.push(record);
    length += record.bytes.length;
    if (length < minChunkBytes || !chunkEnds.has(record.hash.charAt(0))) continue;
    chunks.push(chunk);
    chunk = [];
    length = 0;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

const hashesOf = (records: readonly HashedBytes[]): string => records.map(({ hash }) => hash).join();

const lengthOf = (records: readonly HashedBytes[]): number => records.reduce((sum, { bytes }) => sum + bytes.length, 0);
