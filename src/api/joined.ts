const pieceLength = 64 << 10;

/** Joins small pieces, and waits for `turn` after each joined one, so that other work runs between them. */
export async function* joined(pieces: Iterable<string>, turn: () => Promise<void>): AsyncGenerator<string> {
  let waiting = '';
  for (const piece of pieces) {
    waiting += piece;
    if (waiting.length < pieceLength) continue;
    yield waiting;
    waiting = '';
    await turn();
  }
  if (waiting !== '') yield waiting;
}
