import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExpectedMessage, expectedBytes } from '../../../src/rpc/expected-message.ts';
import { MessageReader } from '../../../src/rpc/message-reader.ts';
import { framed } from './harness.ts';

interface Found {
  readonly what: 'message' | 'recognised';
  readonly text: string;
}

/** Reads the chunks and returns the results. Offers the expected message for every message. */
function read(chunks: readonly Buffer[], expected: ExpectedMessage | null = null, maxBytes = 1000): Found[] {
  const found: Found[] = [];
  const note = (what: Found['what'], bytes: Uint8Array) => {
    found.push({ what, text: Buffer.from(bytes).toString('latin1') });
    return true;
  };
  const reader = new MessageReader(
    {
      expectedMessage: () => expected,
      message: (bytes) => note('message', bytes),
      recognised: (known) => note('recognised', expectedBytes(known)),
      reserve: () => {},
    },
    maxBytes,
  );
  for (const chunk of chunks) reader.accept(chunk);
  return found;
}

/** Cuts bytes into chunks of the given lengths, in turn. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

/** An expected message of parts of these lengths. */
function inParts(content: string | Buffer, lengths: readonly number[] = [100]): ExpectedMessage {
  const parts = cut(Buffer.from(content), lengths);
  return { parts, length: parts.reduce((sum, { length }) => sum + length, 0) };
}

const texts = (found: readonly Found[]) => found.map(({ text }) => text);

describe('MessageReader', () => {
  it('reads a message that arrives byte by byte', () => {
    expect(read(cut(framed('hello'), [1]))).toEqual([{ what: 'message', text: 'hello' }]);
  });

  it('reads several messages of one chunk', () => {
    expect(texts(read([Buffer.concat([framed('one'), framed('two'), framed('three')])]))).toEqual([
      'one',
      'two',
      'three',
    ]);
  });

  it('delivers an empty message as soon as its prefix is complete', () => {
    expect(read([framed('')])).toEqual([{ what: 'message', text: '' }]);
  });

  it('rejects a message over the limit as soon as its prefix is complete', () => {
    const prefix = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
    expect(() => read([prefix])).toThrow('message of 4294967295 bytes is over the limit of 1000');
  });

  it('accepts a message of exactly the limit', () => {
    expect(texts(read([framed('12345')], null, 5))).toEqual(['12345']);
  });

  it('rejects a prefix that begins with neither 0 nor 1', () => {
    expect(() => read([Buffer.from([2, 0, 0, 0, 0])])).toThrow('begins with 2');
  });

  it('returns its position when the sink stops it', () => {
    const reader = new MessageReader(
      { expectedMessage: () => null, message: () => false, recognised: () => false, reserve: () => {} },
      1000,
    );
    expect(reader.accept(Buffer.concat([framed('one'), framed('two')]))).toBe(framed('one').length);
    expect(reader.unfinished).toBe(false);
  });

  it('asks for no expected message before a compressed message', () => {
    const compressed = framed('abc');
    compressed[0] = 1;
    expect(read([compressed], inParts('abc'))).toEqual([{ what: 'message', text: 'abc' }]);
  });

  it('ignores an expected message of another length', () => {
    expect(read([framed('abc')], inParts('abcd'))).toEqual([{ what: 'message', text: 'abc' }]);
  });

  it('returns the matching expected message itself', () => {
    const expected = inParts('abc');
    const known: ExpectedMessage[] = [];
    const recognised = (found: ExpectedMessage) => known.push(found) > 0;
    new MessageReader(
      { expectedMessage: () => expected, message: () => true, recognised, reserve: () => {} },
      1000,
    ).accept(framed('abc'));
    expect(known[0]).toBe(expected);
  });
});

describe('MessageReader, for any chunks', () => {
  const chunkLengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });
  const content = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((array) => Buffer.from(array));
  const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString('latin1'));

  it('finds the messages that were sent', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), chunkLengths, (sent, lengths) => {
        expect(texts(read(cut(Buffer.concat(sent.map(framed)), lengths)))).toEqual(sent);
      }),
    );
  });

  it('delivers a message that differs from the expected one at any one offset, and recognises an equal one', () => {
    fc.assert(
      fc.property(content, fc.nat(), chunkLengths, chunkLengths, (content, place, lengths, partLengths) => {
        const other = Buffer.from(content);
        const offset = place % other.length;
        other[offset] = (other[offset] ?? 0) ^ 0x40;
        const sent = [other, content, other].map((message) => message.toString('latin1'));

        const found = read(cut(Buffer.concat(sent.map(framed)), lengths), inParts(content, partLengths));

        expect(texts(found)).toEqual(sent);
        expect(found.map(({ what }) => what)).toEqual(['message', 'recognised', 'message']);
      }),
      { numRuns: 500 },
    );
  });

  it('reserves memory for what has come, not for what is announced', () => {
    let reserved = 0;
    const reserve = (more: number) => {
      reserved += more;
    };
    const sink = { expectedMessage: () => null, message: () => true, recognised: () => true, reserve };
    const reader = new MessageReader(sink, 1 << 20);
    reader.accept(framed('x'.repeat(1 << 20)).subarray(0, 6));
    expect(reserved).toBeLessThan(64 << 10);
  });

  it('releases the memory that it reserved, for complete and dropped messages', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), chunkLengths, fc.nat(), (sent, lengths, place) => {
        let reserved = 0;
        const reserve = (more: number) => {
          reserved += more;
        };
        const nothing = { expectedMessage: () => null, message: () => true, recognised: () => true };
        const reader = new MessageReader({ ...nothing, reserve }, 1000);
        const all = Buffer.concat(sent.map(framed));
        for (const chunk of cut(all.subarray(0, place % (all.length + 1)), lengths)) reader.accept(chunk);
        expect(reserved).toBeGreaterThanOrEqual(0);
        if (!reader.unfinished) expect(reserved).toBe(0);
        reader.abandon();
        expect(reserved).toBe(0);
      }),
    );
  });

  it('gathers large messages across growing buffers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 16_000, max: 200_000 }), fc.integer({ min: 500, max: 70_000 }), (length, step) => {
        const text = 'abcdefghijk'.repeat(length / 11 + 1).slice(0, length);
        expect(texts(read(cut(framed(text), [step]), null, 200_000)).join() === text).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
