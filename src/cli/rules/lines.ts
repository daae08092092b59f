import { MeshError } from '../../lib/errors.ts';

const maxLineLength = 16 * 1024 * 1024;

/** Splits chunks of text into lines. An unterminated last line is dropped as incomplete. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength) throw new MeshError('SERVER_FAILED', 'the server sends an endless line');
    for (const line of lines) if (line !== '') yield line;
  }
}
