import { contentHash } from '../../lib/hash.ts';
import { assembleResource } from '../../proto/assemble.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import type { Shelf, Shelved } from '../shelf.ts';
import type { HashedBytes, RouteFrame } from '../writer.ts';
import type { HashSum } from './hash-sum.ts';

/** Below this a route configuration is one piece. */
export const largeBytes = 64 << 10;
/** Above it, its pieces have this much at least, but for the last. */
const pieceBytes = 24 << 10;
/** And end where a virtual host's hash begins with one of these: a sixteenth of them does. */
const pieceEnds = new Set(['A', 'B', 'C', 'D']);

/** A route configuration as it is sent, and what it holds of others. */
export interface AssembledRoutes {
  readonly resource: EncodedResource;
  readonly pieces: readonly Shelved<Uint8Array>[];
}

export interface AssemblyShelves {
  readonly configurations: Shelf<AssembledRoutes>;
  /** Virtual hosts one after another: what the versions of a big configuration, and those of other scopes, have alike. */
  readonly pieces: Shelf<Uint8Array>;
}

/** Properties that distinguish a route configuration from others. */
export interface ConfigurationKey {
  readonly name: string;
  /** Of the hashes of its records. Their order follows from their names. */
  readonly sum: HashSum;
  readonly frame: RouteFrame;
}

/** Puts a route configuration together from virtual hosts and what stands around them. `body` is asked if there is none like it. */
export function takeConfiguration(
  { name, sum, frame }: ConfigurationKey,
  body: () => readonly HashedBytes[] | readonly Uint8Array[],
  shelves: AssemblyShelves,
): Shelved<AssembledRoutes> {
  const version = contentHash(`${frame.format}${name}\n${sum.text()}`);
  return shelves.configurations.take(`${name}\n${version}`, () => {
    const head = frame.head(name);
    const made = body();
    if (isCut(made)) {
      const rest = frame.end.length > 0 ? [...made, frame.end] : made;
      return { resource: assembleResource('route', name, { version, parts: [head], rest }), pieces: [] };
    }
    if (lengthOf(made) < largeBytes) {
      const parts = [head, ...made.map(({ bytes }) => bytes), frame.end];
      return { resource: assembleResource('route', name, { version, parts }), pieces: [] };
    }
    const pieces = cut(made).map((piece) => takePiece(piece, shelves));
    const rest = [...pieces.map(({ value }) => value), ...(frame.end.length > 0 ? [frame.end] : [])];
    return { resource: assembleResource('route', name, { version, parts: [head], rest }), pieces };
  });
}

/** Whether these are bytes of many records already. */
const isCut = (made: readonly HashedBytes[] | readonly Uint8Array[]): made is readonly Uint8Array[] =>
  made[0] instanceof Uint8Array;

export function releaseConfiguration(assembled: Shelved<AssembledRoutes>, shelves: AssemblyShelves): void {
  if (!shelves.configurations.release(assembled)) return;
  for (const piece of assembled.value.pieces) shelves.pieces.release(piece);
}

const takePiece = (records: readonly HashedBytes[], { pieces }: AssemblyShelves): Shelved<Uint8Array> =>
  pieces.take(hashesOf(records), () => Buffer.concat(records.map(({ bytes }) => bytes)));

/**
 * Where a piece ends is told by what stands there, not by how many came before: after a change all pieces but one or a few
 * are what they were.
 */
function cut(records: readonly HashedBytes[]): readonly HashedBytes[][] {
  const pieces: HashedBytes[][] = [];
  let piece: HashedBytes[] = [];
  let length = 0;
  for (const record of records) {
    piece.push(record);
    length += record.bytes.length;
    if (length < pieceBytes || !pieceEnds.has(record.hash.charAt(0))) continue;
    pieces.push(piece);
    piece = [];
    length = 0;
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}

const hashesOf = (records: readonly HashedBytes[]): string => records.map(({ hash }) => hash).join();

const lengthOf = (records: readonly HashedBytes[]): number => records.reduce((sum, { bytes }) => sum + bytes.length, 0);
