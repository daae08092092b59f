const newline = 10;

/** Yields the complete lines of each read together, without their ends. `touched` is called before each read. */
export async function* lineBatches(
  body: AsyncIterable<Buffer>,
  touched: () => void = () => {},
): AsyncGenerator<readonly string[]> {
  let begun: Buffer[] = [];
  touched();
  for await (const chunk of body) {
    touched();
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      const line = Buffer.concat([...begun, chunk.subarray(from, end)]).toString();
      begun = [];
      from = end + 1;
      if (line !== '') lines.push(line);
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
}
