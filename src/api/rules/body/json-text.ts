import { fieldPath } from '../../../lib/field-path.ts';
import { BodyError, maxDepth, maxDuplicates } from './contract.ts';

interface Frame {
  /** Keys seen so far; null for a list. */
  readonly keys: Set<string> | null;
  /** Current key or index. */
  step: string | number;
}

const quote = 34;
const backslash = 92;
const comma = 44;
const openList = 91;
const closeList = 93;
const openMap = 123;
const closeMap = 125;

/**
 * Finds duplicate keys, which `JSON.parse` accepts silently, and returns their paths. The text must be valid JSON.
 * Throws a BodyError if it is nested deeper than `maxDepth` or has an unsafe key.
 */
export function duplicateKeys(text: string): readonly (readonly PropertyKey[])[] {
  const frames: Frame[] = [];
  const found: PropertyKey[][] = [];
  let awaitsKey = false;
  const path = () => frames.map(({ step }) => step);

  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfString(text, at);
      const frame = frames.at(-1);
      if (awaitsKey && frame !== undefined && frame.keys !== null) {
        const key = keyText(text, at, end);
        frame.step = key;
        if (key === '__proto__') throw forbiddenKey(path());
        if (!frame.keys.has(key)) frame.keys.add(key);
        else if (found.length < maxDuplicates) found.push(path());
        awaitsKey = false;
      }
      at = end;
    } else if (code === openMap || code === openList) {
      if (frames.length === maxDepth) throw tooDeep(path());
      frames.push(code === openMap ? { keys: new Set(), step: '' } : { keys: null, step: 0 });
      awaitsKey = code === openMap;
    } else if (code === closeMap || code === closeList) {
      frames.pop();
      awaitsKey = false;
    } else if (code === comma) {
      const frame = frames.at(-1);
      if (frame === undefined) continue;
      if (frame.keys === null) frame.step = Number(frame.step) + 1;
      else awaitsKey = true;
    }
  }
  return found;
}

/** Builds the error for a key that names the prototype of a JavaScript object. */
export const forbiddenKey = (path: readonly PropertyKey[]): BodyError =>
  new BodyError(`${fieldPath('', path)}: no field may be called __proto__`);

/** Builds the error for excessive nesting. It names only the start of the path. */
export const tooDeep = (path: readonly PropertyKey[]): BodyError =>
  new BodyError(`${fieldPath('', path.slice(0, 8))}…: nested deeper than ${maxDepth} levels`);

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++;
  return backslashes % 2 === 1;
}

function keyText(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes('\\') ? String(JSON.parse(text.slice(start, end + 1))) : raw;
}
