import { BinaryReader } from '@bufbuild/protobuf/wire';
import { BodyError } from './contract.ts';

/** Media type that `kubectl create namespace` always sends, whatever types the server lists. */
export const protobufType = 'application/vnd.kubernetes.protobuf';

/**
 * Decodes a Namespace from Kubernetes' binary encoding. Clients encode only built-in types so, never custom resources.
 * Fields without effect are left out. https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
export function readProtobuf(bytes: Uint8Array): unknown {
  const unreadable = 'the body is not in the protobuf encoding of Kubernetes: send application/json';
  if (!magic.every((byte, index) => bytes[index] === byte)) throw new BodyError(unreadable);
  try {
    const envelope = fieldsOf(bytes.subarray(magic.length));
    const type = fieldsOf(bytesOf(envelope, 1));
    const [apiVersion, kind] = [textOf(type, 1), textOf(type, 2)];
    if (apiVersion !== 'v1' || kind !== 'Namespace') {
      throw new BodyError(`${kind} of ${apiVersion} is not read as protobuf: send application/json`);
    }
    const object = fieldsOf(bytesOf(envelope, 2));
    const finalizers = textsOf(fieldsOf(bytesOf(object, 2)), 1);
    const spec = finalizers.length === 0 ? {} : { finalizers };
    return { apiVersion, kind, metadata: metadataOf(fieldsOf(bytesOf(object, 1))), spec };
  } catch (cause) {
    if (cause instanceof BodyError) throw cause;
    throw new BodyError(unreadable); // the reader throws on truncated or invalid bytes
  }
}

/** Magic prefix: `k8s` and a zero byte. */
const magic = [0x6b, 0x38, 0x73, 0x00];

/**
 * Reads ObjectMeta, with field numbers of
 * https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/generated.proto
 */
function metadataOf(fields: Fields): Readonly<Record<string, unknown>> {
  const texts = { name: 1, generateName: 2, namespace: 3, uid: 5, resourceVersion: 6 };
  const maps = { labels: 11, annotations: 12 };
  const finalizers = textsOf(fields, 14);
  return {
    ...Object.fromEntries(
      Object.entries(texts).flatMap(([name, number]) => {
        const text = textOf(fields, number);
        return text === '' ? [] : [[name, text]];
      }),
    ),
    ...Object.fromEntries(Object.entries(maps).map(([name, number]) => [name, mapOf(fields, number)])),
    ...(finalizers.length === 0 ? {} : { finalizers }),
  };
}

/** Length-delimited fields of a message, by number. */
type Fields = ReadonlyMap<number, readonly Uint8Array[]>;

const lengthDelimited = 2;

function fieldsOf(message: Uint8Array): Fields {
  const fields = new Map<number, Uint8Array[]>();
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType !== lengthDelimited) {
      reader.skip(wireType);
      continue;
    }
    const values = fields.get(number) ?? [];
    values.push(reader.bytes());
    fields.set(number, values);
  }
  return fields;
}

const bytesOf = (fields: Fields, number: number): Uint8Array => fields.get(number)?.at(-1) ?? new Uint8Array();

const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

const textOf = (fields: Fields, number: number): string => decode(bytesOf(fields, number));

const textsOf = (fields: Fields, number: number): readonly string[] => (fields.get(number) ?? []).map(decode);

const mapOf = (fields: Fields, number: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (fields.get(number) ?? []).map((entry) => {
      const [key, value] = [textOf(fieldsOf(entry), 1), textOf(fieldsOf(entry), 2)];
      return [key, value];
    }),
  );
