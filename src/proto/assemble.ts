import { type EncodedResource, noRest, typeUrls, type XdsType } from './resource.ts';
import { fieldHead, lengthOf, stringField } from './wire.ts';

/** Parts of a resource. */
export interface Assembly {
  /** Version, computed by the caller from hashes of the parts. */
  readonly version: string;
  /** First fields of the message. They are copied. */
  readonly parts: readonly Uint8Array[];
  /** Fields after them, in pieces of whole fields that are not copied. Default: none. */
  readonly rest?: readonly Uint8Array[];
}

/**
 * Builds a resource whose body is the concatenation of its parts, with one allocation and one copy. The bytes equal
 * those of `encodeResource`.
 */
export function assembleResource(
  type: XdsType,
  name: string,
  { version, parts, rest = noRest }: Assembly,
): EncodedResource {
  const restLength = lengthOf(rest);
  const bodyLength = lengthOf(parts) + restLength;
  const typeUrl = stringField(1, typeUrls[type]);
  const bodyHead = fieldHead(2, bodyLength);
  const sotwHead = fieldHead(2, typeUrl.length + bodyHead.length + bodyLength);
  const sotwLength = sotwHead.length + typeUrl.length + bodyHead.length + bodyLength;
  const versionField = stringField(1, version);
  const nameField = stringField(3, name);
  const recordHead = fieldHead(2, versionField.length + nameField.length + sotwLength);

  const byteLength = recordHead.length + versionField.length + nameField.length + sotwLength;
  const start = Buffer.allocUnsafeSlow(byteLength - restLength);
  let at = 0;
  for (const bytes of [recordHead, versionField, nameField, sotwHead, typeUrl, bodyHead, ...parts]) {
    start.set(bytes, at);
    at += bytes.length;
  }
  return { name, version, start, sotwOffset: byteLength - sotwLength, rest, byteLength };
}
