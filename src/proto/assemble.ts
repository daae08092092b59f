import { type EncodedResource, typeUrls, type XdsType } from './resource.ts';
import { fieldHead, stringField } from './wire.ts';

/**
 * A resource whose body is the concatenation of `parts`, in one allocation and one copy: the same bytes that
 * `encodeResource` makes. `version` comes from the caller, who knows the hashes of the parts.
 */
export function assembleResource(
  type: XdsType,
  name: string,
  { parts, version }: { readonly parts: readonly Uint8Array[]; readonly version: string },
): EncodedResource {
  let bodyLength = 0;
  for (const part of parts) bodyLength += part.length;
  const typeUrl = stringField(1, typeUrls[type]);
  const bodyHead = fieldHead(2, bodyLength);
  const sotwHead = fieldHead(2, typeUrl.length + bodyHead.length + bodyLength);
  const sotwLength = sotwHead.length + typeUrl.length + bodyHead.length + bodyLength;
  const versionField = stringField(1, version);
  const nameField = stringField(3, name);
  const recordHead = fieldHead(2, versionField.length + nameField.length + sotwLength);

  const record = Buffer.allocUnsafeSlow(recordHead.length + versionField.length + nameField.length + sotwLength);
  let at = 0;
  const write = (bytes: Uint8Array) => {
    record.set(bytes, at);
    at += bytes.length;
  };
  for (const bytes of [recordHead, versionField, nameField, sotwHead, typeUrl, bodyHead]) write(bytes);
  for (const part of parts) write(part);
  return { name, version, record, sotwOffset: record.length - sotwLength };
}
