import { afterEach, describe, expect, it, vi } from 'vitest';
import { bytesField, stringField } from '../../../src/proto/wire.ts';
import { NamePool } from '../../../src/xds/tables/names.ts';
import { parseDeltaRequest, parseSotwRequest } from '../../../src/xds/wire/request.ts';

afterEach(() => vi.restoreAllMocks());

const parsers = {
  sotw: (bytes: Uint8Array) => parseSotwRequest(bytes).names,
  delta: (bytes: Uint8Array) => parseDeltaRequest(bytes).subscribe,
};

describe('names of a request between other fields', () => {
  const names = Array.from({ length: 5_000 }, (_, index) => (index % 100 === 0 ? 'long'.repeat(30) : '') + index);
  const alternating = Uint8Array.from(
    Buffer.concat(names.flatMap((name) => [stringField(3, name), bytesField(100, Buffer.alloc(3))])),
  ); // no Buffer: its subarray is another

  for (const mode of ['sotw', 'delta'] as const) {
    it(`are all parsed (${mode})`, () => {
      const read = new NamePool().fromField(parsers[mode](alternating));
      expect(read.names).toEqual(names);
    });

    it(`are parsed in one pass, without an object per name (${mode})`, () => {
      const views = vi.spyOn(Uint8Array.prototype, 'subarray');
      const bytes = parsers[mode](alternating);
      expect(bytes.length).toBe(names.reduce((sum, name) => sum + stringField(3, name).length, 0));
      expect(views.mock.calls.length).toBeLessThan(100); // those of the long names
    });
  }

  it('are a view of the message if they are adjacent', () => {
    const message = Buffer.concat([stringField(4, 'type'), ...names.map((name) => stringField(3, name))]);
    expect(parseSotwRequest(message).names.buffer).toBe(message.buffer);
  });
});
