import { describe, expect, it } from 'vitest';
import { encodeMetadata } from '../../../src/rpc/metadata.ts';
import { binaryValues } from '../../../src/rpc/request-metadata.ts';

describe('binaryValues', () => {
  for (const { name, value, want } of [
    { name: 'without padding', value: 'AP8', want: ['00ff'] },
    { name: 'with padding', value: 'AP8=', want: ['00ff'] },
    { name: 'with two signs of padding', value: 'AA==', want: ['00'] },
    { name: 'joined by commas', value: 'AP8=, AA,AAA', want: ['00ff', '00', '0000'] },
    { name: 'an empty one', value: '', want: [''] },
    { name: 'none', value: undefined, want: [] },
  ]) {
    it(`reads ${name}`, () => {
      expect(binaryValues({ 'x-bin': value }, 'x-bin').map((bytes) => bytes.toString('hex'))).toEqual(want);
    });
  }

  for (const value of ['A', 'A===', 'AA-_', 'AA==,A b', '\xff']) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      expect(() => binaryValues({ 'x-bin': value }, 'x-bin')).toThrow('metadata x-bin is not base64');
    });
  }
});

describe('encodeMetadata', () => {
  it('writes bytes as base64 without padding, and lists', () => {
    expect(
      encodeMetadata({ 'x-bin': [Buffer.from([0]), Buffer.from([0, 255])], 'x-text': ['a', 'b'], one: 'c' }),
    ).toEqual({ 'x-bin': ['AA', 'AP8'], 'x-text': ['a', 'b'], one: 'c' });
  });

  for (const { name, metadata } of [
    { name: 'a name in capitals', metadata: { 'X-Text': 'a' } },
    { name: 'a name with a space', metadata: { 'x text': 'a' } },
    { name: 'a name of HTTP/2', metadata: { ':status': '500' } },
    { name: 'a name of gRPC', metadata: { 'grpc-status': '0' } },
    { name: 'a name of HTTP', metadata: { 'content-type': 'text/plain' } },
    { name: 'text under a binary name', metadata: { 'x-bin': 'text' } },
    { name: 'bytes under a text name', metadata: { 'x-text': Buffer.from('text') } },
    { name: 'a line break', metadata: { 'x-text': 'a\r\nb' } },
    { name: 'a character beyond ASCII', metadata: { 'x-text': 'é' } },
  ]) {
    it(`refuses ${name}`, () => {
      expect(() => encodeMetadata(metadata)).toThrow(TypeError);
    });
  }

  it('allows status details', () => {
    expect(encodeMetadata({ 'grpc-status-details-bin': Buffer.from('x') })).toEqual({
      'grpc-status-details-bin': 'eA',
    });
  });
});
