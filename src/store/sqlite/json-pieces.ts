import { setImmediate as nextTurn } from 'node:timers/promises';

/*
 * Large numbers of values cross threads as JSON in pieces of this size. Writing or parsing one piece takes a
 * millisecond or two, so no turn of the event loop is long. Pieces for the serving thread are bytes whose memory is
 * transferred. Strings would be copied all at once on receipt.
 */
const pieceLength = 256 * 1024;

/** A JSON array of values of type `T` in UTF-8. */
export type JsonPiece<T> = Uint8Array<ArrayBuffer> & { readonly of?: T };

/** Joins JSON texts into pieces. */
export function joinPieces<T>(values: Iterable<string>): readonly JsonPiece<T>[] {
  const encoder = new TextEncoder();
  const pieces: JsonPiece<T>[] = [];
  let gathered: string[] = [];
  let length = 0;
  const finish = () => {
    if (gathered.length > 0) pieces.push(encoder.encode(`[${gathered.join(',')}]`));
    gathered = [];
    length = 0;
  };
  for (const value of values) {
    gathered.push(value);
    length += value.length;
    if (length >= pieceLength) finish();
  }
  finish();
  return pieces;
}

/** Parses pieces from `joinPieces`, one in each turn of the event loop. */
export async function parseInTurns<T>(pieces: readonly JsonPiece<T>[]): Promise<T[]> {
  const decoder = new TextDecoder();
  const values: T[] = [];
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await nextTurn();
    const parsed = JSON.parse(decoder.decode(piece)) as readonly T[]; // `JsonPiece<T>` carries the type
    for (const value of parsed) values.push(value);
  }
  return values;
}

/**
 * Serializes values from index `from` on until the text has the length of a piece. `text` is the inside of a JSON
 * array; `next` is the index of the first value left.
 */
export function takeText(values: readonly unknown[], from: number): { readonly text: string; readonly next: number } {
  const gathered: string[] = [];
  let next = from;
  for (let length = 0; next < values.length && length < pieceLength; next++) {
    const text = JSON.stringify(values[next]);
    gathered.push(text);
    length += text.length;
  }
  return { text: gathered.join(','), next };
}
