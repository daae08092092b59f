import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/**
 * Message of Nacos' gRPC protocol: a type, headers, and a body in JSON. In the terms of proto3:
 *
 *     message Payload { Metadata metadata = 2; Any body = 3; }
 *     message Metadata { string type = 3; map<string, string> headers = 7; string clientIp = 8; }
 *     message Any { string type_url = 1; bytes value = 2; }
 */
export interface Payload {
  /** Simple name of the Java class: `SubscribeServiceRequest`. */
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Value of the body. */
  readonly body: Readonly<Record<string, unknown>>;
}

const [metadataField, bodyField] = [2, 3];
const [typeField, headersField] = [3, 7];
const [keyField, textField] = [1, 2];
const valueField = 2;

export function encodePayload({ type, headers, body }: Payload): Buffer {
  const writer = new BinaryWriter();
  writer.tag(metadataField, WireType.LengthDelimited).fork();
  writer.tag(typeField, WireType.LengthDelimited).string(type);
  for (const [key, value] of Object.entries(headers)) {
    writer.tag(headersField, WireType.LengthDelimited).fork();
    writer.tag(keyField, WireType.LengthDelimited).string(key);
    writer.tag(textField, WireType.LengthDelimited).string(value).join();
  }
  writer.join();
  writer.tag(bodyField, WireType.LengthDelimited).fork();
  writer
    .tag(valueField, WireType.LengthDelimited)
    .bytes(Buffer.from(JSON.stringify(body)))
    .join();
  return Buffer.from(writer.finish());
}

/** Parses a message; headers of servers are not read. Throws for bytes or a body that cannot be parsed. */
export function decodePayload(bytes: Uint8Array): Payload {
  let type = '';
  let value: Uint8Array = new Uint8Array();
  eachField(new BinaryReader(bytes), null, (field, reader) => {
    if (field === metadataField) {
      eachField(reader, reader.uint32(), (inner) => {
        if (inner === typeField) type = reader.string();
        return inner === typeField;
      });
    } else if (field === bodyField) {
      eachField(reader, reader.uint32(), (inner) => {
        if (inner === valueField) value = reader.bytes();
        return inner === valueField;
      });
    } else return false;
    return true;
  });
  return { type, headers: {}, body: bodyOf(value) };
}

/** Calls `read` for each field of a message of `length` bytes. Skips those for which it returns false. */
function eachField(
  reader: BinaryReader,
  length: number | null,
  read: (field: number, reader: BinaryReader) => boolean,
): void {
  const end = length === null ? reader.len : reader.pos + length;
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited || !read(field, reader)) reader.skip(wireType, field);
  }
}

function bodyOf(value: Uint8Array): Readonly<Record<string, unknown>> {
  if (value.length === 0) return {};
  const body: unknown = JSON.parse(Buffer.from(value).toString());
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new SyntaxError('the body is no object');
  return body as Readonly<Record<string, unknown>>; // just checked
}
