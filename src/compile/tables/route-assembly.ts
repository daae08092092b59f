import { contentHash } from '../../lib/hash.ts';
import { assembleResource } from '../../proto/assemble.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import type { ContentPool, Pooled } from '../content-pool.ts';
import type { HashedBytes, RouteFrame } from '../writer.ts';
import type { HashSum } from './hash-sum.ts';

/** Below this a route configuration is one piece. */
export const largeBytes = 64 << 10;
/** Above it, its pieces have this much at least, but for the last. */
const minChunkBytes = 24 << 10;
/** And end where a virtual host's hash begins with one of these: a sixteenth of them does. */
const chunkEnds = new Set(['A', 'B', 'C', 'D']);

/** A route configuration as it is sent, and what it holds of others. */
export interface AssembledRoutes {
  readonly resource: EncodedResource;
  readonly chunks: readonly Pooled<Uint8Array>[];
}

export interface AssemblyPools {
  readonly configurations: ContentPool<AssembledRoutes>;
  /** Virtual hosts one after another: what the versions of a big configuration, and those of other scopes, have alike. */
  readonly chunks: ContentPool<Uint8Array>;
}

/** Properties that distinguish a route configuration from others. */
export interface ConfigurationKey {
  readonly name: string;
  /** Of the hashes of its records. Their order follows from their names. */
  readonly sum: HashSum;
  readonly frame: RouteFrame;
}

/** Puts a route configuration together from virtual hosts and what stands around them. `body` is asked if there is none like it. */
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

/** Whether these are bytes of many records already. */
const isChunked = (made: readonly HashedBytes[] | readonly Uint8Array[]): made is readonly Uint8Array[] =>
  made[0] instanceof Uint8Array;

export function releaseConfiguration(assembled: Pooled<AssembledRoutes>, pools: AssemblyPools): void {
  if (!pools.configurations.release(assembled)) return;
  for (const chunk of assembled.value.chunks) pools.chunks.release(chunk);
}

const acquireChunk = (records: readonly HashedBytes[], { chunks }: AssemblyPools): Pooled<Uint8Array> =>
  chunks.acquire(hashesOf(records), () => Buffer.concat(records.map(({ bytes }) => bytes)));

/**
 * Divides records into chunks by their content, not by their number: a change of one record leaves all but one or a few
 * chunks equal.
 */
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
