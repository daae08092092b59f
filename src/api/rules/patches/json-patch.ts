import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../../rules/validation/validate.ts';

/** Limit of Kubernetes. */
export const maxOperations = 10_000;

/** Limit of copied characters: repeated copies double in size with each operation. */
const maxCopiedChars = 10 * 1024 * 1024;

/** Reason why a patch cannot be applied, worded for its author. Nothing was changed. */
export class PatchError extends Error {
  override readonly name = 'PatchError';
}

/**
 * Applies a JSON patch (RFC 6902) to a copy of the target. Throws a PatchError that names the operation.
 * https://www.rfc-editor.org/rfc/rfc6902
 */
export function jsonPatch(target: unknown, patch: readonly unknown[]): unknown {
  // The root is a field of a holder, so that it can be replaced like any other value.
  const holder: PatchedDocument = { root: structuredClone(target) };
  let copiedChars = 0;
  for (const [index, operation] of patch.entries()) {
    try {
      copiedChars += applyOne(holder, operation);
    } catch (cause) {
      if (cause instanceof PatchError) throw new PatchError(`operation ${index}: ${cause.message}`);
      if (cause instanceof RangeError) throw new PatchError(`operation ${index}: nested too deep`);
      throw cause;
    }
    if (copiedChars > maxCopiedChars) throw new PatchError(`operation ${index}: the patch copies more than 10 MiB`);
  }
  return holder.root;
}

interface PatchedDocument {
  root: unknown;
}

/** Applies an operation and returns the number of copied characters. */
function applyOne(holder: PatchedDocument, operation: unknown): number {
  if (!isRecord(operation)) throw new PatchError('must be an object with op and path');
  const { op, value } = operation;
  const path = pointer(operation, 'path');
  switch (op) {
    case 'add':
      needsValue(operation);
      add(holder, path, structuredClone(value));
      return 0;
    case 'remove':
      remove(holder, path);
      return 0;
    case 'replace':
      needsValue(operation);
      replace(holder, path, structuredClone(value));
      return 0;
    case 'move': {
      const from = pointer(operation, 'from');
      if (path.length > from.length && from.every((token, index) => token === path[index])) {
        throw new PatchError(`${text(from)} cannot be moved into itself`);
      }
      const moved = valueAt(holder, from);
      remove(holder, from);
      add(holder, path, moved);
      return 0;
    }
    case 'copy': {
      const copied = structuredClone(valueAt(holder, pointer(operation, 'from')));
      add(holder, path, copied);
      return JSON.stringify(copied).length;
    }
    case 'test':
      needsValue(operation);
      if (isDeepStrictEqual(valueAt(holder, path), value)) return 0;
      throw new PatchError(`the test of ${text(path)} failed: it has another value`);
    default:
      throw new PatchError(`op must be add, remove, replace, move, copy or test, not ${JSON.stringify(op)}`);
  }
}

type Pointer = readonly string[];

/** Parses a JSON pointer: https://www.rfc-editor.org/rfc/rfc6901 */
function pointer(operation: Readonly<Record<string, unknown>>, field: 'path' | 'from'): Pointer {
  const value = operation[field];
  if (typeof value !== 'string' || (value !== '' && !value.startsWith('/'))) {
    throw new PatchError(`${field} must be a JSON pointer such as /spec/hosts/0, not ${JSON.stringify(value)}`);
  }
  const tokens = value.split('/').slice(1);
  if (tokens.includes('__proto__')) throw new PatchError(`${field}: no field may be called __proto__`);
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const text = (path: Pointer): string =>
  path.length === 0
    ? 'the object'
    : `/${path.map((token) => token.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`;

function needsValue(operation: object): void {
  if (!Object.hasOwn(operation, 'value')) throw new PatchError('needs a value');
}

function valueAt(holder: PatchedDocument, path: Pointer): unknown {
  let here = holder.root;
  for (const [depth, token] of path.entries()) {
    const at = path.slice(0, depth + 1);
    if (Array.isArray(here)) here = here[existingIndex(here, token, at)];
    else if (isRecord(here) && Object.hasOwn(here, token)) here = here[token];
    else throw missing(at);
  }
  return here;
}

function add(holder: PatchedDocument, path: Pointer, value: unknown): void {
  const last = path.at(-1);
  if (last === undefined) {
    holder.root = value;
    return;
  }
  const parent = valueAt(holder, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : indexOf(last, path);
    if (index > parent.length) throw new PatchError(`${text(path)} is beyond the end of the list`);
    parent.splice(index, 0, value);
  } else if (isRecord(parent)) parent[last] = value;
  else throw missing(path);
}

function remove(holder: PatchedDocument, path: Pointer): void {
  const last = path.at(-1);
  if (last === undefined) throw new PatchError('the object as a whole cannot be removed');
  const parent = valueAt(holder, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(existingIndex(parent, last, path), 1);
  else if (isRecord(parent) && Object.hasOwn(parent, last)) delete parent[last];
  else throw missing(path);
}

function replace(holder: PatchedDocument, path: Pointer, value: unknown): void {
  const last = path.at(-1);
  if (last === undefined) {
    holder.root = value;
    return;
  }
  const parent = valueAt(holder, path.slice(0, -1));
  if (Array.isArray(parent)) parent[existingIndex(parent, last, path)] = value;
  else if (isRecord(parent) && Object.hasOwn(parent, last)) parent[last] = value;
  else throw missing(path);
}

function indexOf(token: string, path: Pointer): number {
  if (/^(0|[1-9]\d{0,9})$/.test(token)) return Number(token);
  throw new PatchError(`${text(path)}: a list has numbers from 0 on, not ${JSON.stringify(token)}`);
}

function existingIndex(list: readonly unknown[], token: string, path: Pointer): number {
  const index = indexOf(token, path);
  if (index >= list.length) throw missing(path);
  return index;
}

const missing = (path: Pointer): PatchError => new PatchError(`${text(path)} does not exist`);
