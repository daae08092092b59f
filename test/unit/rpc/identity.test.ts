import { describe, expect, it } from 'vitest';
import { alternativeNames } from '../../../src/rpc/identity.ts';

describe('alternativeNames', () => {
  for (const { text, want } of [
    { text: '', want: [] },
    { text: 'DNS:a.test', want: [['DNS', 'a.test']] },
    {
      text: 'URI:spiffe://mesh/ns/a/sa/b, DNS:a.test, IP Address:127.0.0.1',
      want: [
        ['URI', 'spiffe://mesh/ns/a/sa/b'],
        ['DNS', 'a.test'],
        ['IP Address', '127.0.0.1'],
      ],
    },
    {
      text: 'DNS:"x, URI:spiffe://mesh/ns/root", DNS:b',
      want: [
        ['DNS', 'x, URI:spiffe://mesh/ns/root'],
        ['DNS', 'b'],
      ],
    },
    { text: 'DNS:"quoted \\"again\\""', want: [['DNS', 'quoted "again"']] },
  ]) {
    it(`reads ${text === '' ? 'none' : text}`, () => {
      expect(alternativeNames(text).map(({ type, value }) => [type, value])).toEqual(want);
    });
  }
});
