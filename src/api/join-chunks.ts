const pieceLength = 64 << 10;

/** Joins small pieces into bigger ones. Waits for `turn` after each, so that other work runs in between. */
export async function* joinChunks(pieces: Iterable<string>, turn: () => Promise<void>): AsyncGenerator<string> {
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
