import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentEncode, statusTrailers } from '../../../src/rpc/status.ts';

describe('percentEncode', () => {
  for (const { text, want } of [
    { text: 'plain text, with /all: of ~ASCII', want: 'plain text, with /all: of ~ASCII' },
    { text: '100%', want: '100%25' },
    { text: 'a\nb', want: 'a%0Ab' },
    { text: 'dépôt', want: 'd%C3%A9p%C3%B4t' },
    { text: '☃', want: '%E2%98%83' },
  ]) {
    it(`writes ${JSON.stringify(text)} as ${want}`, () => {
      expect(percentEncode(text)).toBe(want);
    });
  }

  it('is undone by decoding, and is always printable ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = percentEncode(text);
        expect(encoded).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeURIComponent(encoded)).toBe(text);
      }),
    );
  });
});

describe('statusTrailers', () => {
  it('leaves out an empty message', () => {
    expect(statusTrailers({ code: 'OK', message: '' })).toEqual({ 'grpc-status': '0' });
  });

  it('keeps the longest message under the 8 KiB that clients accept', () => {
    const { 'grpc-message': message = '' } = statusTrailers({ code: 'INTERNAL', message: '☃'.repeat(5000) });
    expect(message.length).toBeGreaterThan(5000);
    expect(message.length).toBeLessThan(8000);
  });
});
