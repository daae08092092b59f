import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { readProtobuf } from '../../../src/api/rules/body/kubernetes-protobuf.ts';

type Value = string | Uint8Array | number;

const message = (...fields: readonly (readonly [number, Value])[]): Uint8Array => {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === 'number') writer.tag(number, WireType.Varint).int64(value);
    else if (typeof value === 'string') writer.tag(number, WireType.LengthDelimited).string(value);
    else writer.tag(number, WireType.LengthDelimited).bytes(value);
  }
  return writer.finish();
};
const body = (apiVersion: string, kind: string, object: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from('k8s\0'), message([1, message([1, apiVersion], [2, kind])], [2, object])]);

describe('a body in the protobuf encoding of Kubernetes', () => {
  it('is read as the encoded namespace', () => {
    const metadata = message(
      ...([
        [1, 'books'],
        [7, 3],
        [8, message()],
        [11, message([1, 'a'], [2, 'b'])],
        [11, message([1, 'c'])],
      ] as const),
      ...([
        [12, message([1, 'note'], [2, 'é'])],
        [17, message([1, 'kubectl'])],
      ] as const),
    );
    expect(readProtobuf(body('v1', 'Namespace', message([1, metadata], [2, message([1, 'kubernetes'])])))).toEqual({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'books', labels: { a: 'b', c: '' }, annotations: { note: 'é' } },
      spec: { finalizers: ['kubernetes'] },
    });
  });

  for (const { name, bytes, want } of [
    {
      name: 'foreign bytes',
      bytes: Buffer.from('{"kind":"Namespace"}'),
      want: 'is not in the protobuf encoding',
    },
    {
      name: 'truncated bytes',
      bytes: body('v1', 'Namespace', message([1, 'books'])).subarray(0, -3),
      want: 'is not in',
    },
    {
      name: 'text that is not UTF-8',
      bytes: body('v1', 'Namespace', message([1, message([1, Uint8Array.of(0xff)])])),
      want: 'is not in',
    },
    { name: 'another kind', bytes: body('v1', 'Pod', message()), want: 'Pod of v1 is not read as protobuf' },
    { name: 'no kind', bytes: Buffer.from('k8s\0'), want: 'is not read as protobuf' },
  ]) {
    it(`is rejected for ${name}`, () => expect(() => readProtobuf(bytes)).toThrow(want));
  }
});
