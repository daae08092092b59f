import { isUtf8 } from 'node:buffer';
import { assertNever } from '../../../lib/assert-never.ts';
import { err, ok } from '../../../lib/result.ts';
import { isRecord, nameOfType } from '../../../rules/validation/validate.ts';
import { BodyError, type BodyFormat, type BodyItem, type BodyResult, type BodyShape } from './contract.ts';
import { duplicateKeys } from './json-text.ts';
import { readProtobuf } from './kubernetes-protobuf.ts';
import { readYaml } from './yaml-text.ts';

/** Parses a whole body in the current thread. */
export function parseBody(bytes: Uint8Array, format: BodyFormat, shape: BodyShape): BodyResult {
  try {
    const values = readValues(bytes, format);
    return ok(shape === 'one' ? onlyOne(values) : values.flatMap(itemsOf));
  } catch (cause) {
    if (cause instanceof BodyError) return err(cause.message);
    throw cause;
  }
}

function readValues(bytes: Uint8Array, format: BodyFormat): readonly BodyItem[] {
  switch (format) {
    case 'json':
      return readJson(decode(bytes));
    case 'yaml':
      return readYaml(decode(bytes));
    case 'protobuf':
      return [{ document: 1, value: readProtobuf(bytes), duplicates: [] }];
    default:
      return assertNever(format);
  }
}

function decode(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new BodyError('the body is not UTF-8');
  if (bytes.includes(0)) throw new BodyError('the body has a NUL byte');
  return new TextDecoder().decode(bytes); // removes a byte order mark
}

function readJson(text: string): readonly BodyItem[] {
  if (text.trim() === '') return [];
  try {
    const value: unknown = JSON.parse(text);
    return [{ document: 1, value, duplicates: duplicateKeys(text) }];
  } catch (cause) {
    if (cause instanceof BodyError) throw cause;
    throw new BodyError(`the body is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function onlyOne(values: readonly BodyItem[]): readonly BodyItem[] {
  if (values.length < 2) return values;
  throw new BodyError(
    'the body has several YAML documents: send one object per request, or all of them to POST /rules/v1/batch',
  );
}

/** Unpacks a `List`, which `kubectl get -o yaml` and `export` print. */
function itemsOf(item: BodyItem): readonly BodyItem[] {
  const { value, document, duplicates } = item;
  if (!isRecord(value)) {
    throw new BodyError(`document ${document} must be an object or a List of objects, not ${nameOfType(value)}`);
  }
  if (typeof value.kind !== 'string' || !value.kind.endsWith('List')) return [item];
  const items = value.items ?? [];
  if (!Array.isArray(items)) throw new BodyError(`items of the List must be a list, not ${nameOfType(items)}`);
  const outside = duplicates.find(([first, second]) => first !== 'items' || typeof second !== 'number');
  if (outside !== undefined) throw new BodyError(`the List has ${outside.map(String).join('.')} twice`);
  const below = Map.groupBy(duplicates, ([, index]) => index);
  return items.map((one: unknown, index) => {
    const own = (below.get(index) ?? []).map((path) => path.slice(2));
    return { value: one, document, duplicates: own };
  });
}
