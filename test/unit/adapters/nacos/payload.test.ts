import { expect, test } from 'vitest';
import { decodePayload, encodePayload } from '../../../../adapters/nacos/payload.ts';

test('a message is written as protoc writes it', () => {
  const bytes = encodePayload({ type: 'T', headers: { k: 'v' }, body: { a: 1 } });
  // metadata { type: "T", headers: { "k": "v" } }, body { value: "{\"a\":1}" }
  expect(bytes.toString('hex')).toBe(`120b1a01543a060a016b1201761a091207${Buffer.from('{"a":1}').toString('hex')}`);
});

test('a message is read, whatever other fields it has', () => {
  const value = Buffer.from('{"name":"ü"}');
  const metadata = Buffer.from(`1a01414209${Buffer.from('127.0.0.1').toString('hex')}4801`, 'hex');
  const body = Buffer.concat([Buffer.from('0a0178', 'hex'), Buffer.from([0x12, value.length]), value]);
  const bytes = Buffer.concat([
    Buffer.from([0x12, metadata.length]),
    metadata,
    Buffer.from('0805', 'hex'),
    Buffer.from([0x1a, body.length]),
    body,
  ]);
  expect(decodePayload(bytes)).toEqual({ type: 'A', headers: {}, body: { name: 'ü' } });
});

test('a message without a body has an empty one', () => {
  expect(decodePayload(Buffer.alloc(0))).toEqual({ type: '', headers: {}, body: {} });
});

test('bytes that are no message, and a body that is no object, throw', () => {
  expect(() => decodePayload(Buffer.from('12ff', 'hex'))).toThrow();
  const list = Buffer.from('[1]');
  expect(() => decodePayload(Buffer.concat([Buffer.from([0x1a, list.length + 2, 0x12, list.length]), list]))).toThrow(
    'no object',
  );
});
