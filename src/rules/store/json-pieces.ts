import { setImmediate as nextTurn } from 'node:timers/promises';

/*
 * What crosses threads in numbers goes as JSON in pieces of this size: one is written or parsed within a millisecond or
 * two, so that no turn of the event loop is long. To the serving thread a piece goes as bytes, whose memory is handed
 * over: to receive texts, a thread must copy them all at once.
 */
const pieceLength = 256 * 1024;

/** A JSON array of values of type `T` in UTF-8. */
export type JsonPiece<T> = Uint8Array<ArrayBuffer> & { readonly of?: T };

/** Joins JSON values to pieces. */
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

/** The values of pieces that `joinPieces` made, one piece in a turn. */
export async function parseInTurns<T>(pieces: readonly JsonPiece<T>[]): Promise<T[]> {
  const decoder = new TextDecoder();
  const values: T[] = [];
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await nextTurn();
    const parsed = JSON.parse(decoder.decode(piece)) as readonly T[]; // as the piece's type says
    for (const value of parsed) values.push(value);
  }
  return values;
}

/** Takes values from `from` on, as the inside of a JSON array, until there is a piece's worth; and where to go on. */
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
