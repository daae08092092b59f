import { Composer, type Document, isMap, isScalar, isSeq, LineCounter, Parser, type YAMLError } from 'yaml';
import { BodyError, type BodyItem, maxDepth, maxDuplicates } from './contract.ts';
import { forbiddenKey, tooDeep } from './json-text.ts';

/** Maximum number of alias expansions, against "billion laughs" attacks. */
const maxAliases = 100;

/** Parses the documents of a YAML stream, without empty ones. Throws a BodyError that names the line. */
export function readYaml(text: string): readonly BodyItem[] {
  const lines = new LineCounter();
  const parser = new Parser(lines.addNewLine);
  // Duplicate keys are found below: the library compares each pair of keys and cannot report them as warnings.
  const composer = new Composer({ uniqueKeys: false, merge: true });
  const items: BodyItem[] = [];
  let number = 0;
  try {
    for (const document of composer.compose(parser.parse(text), true, text.length)) {
      number++;
      const [error] = document.errors;
      if (error?.message.includes('call stack')) throw new RangeError(error.message); // the library caught it
      if (error !== undefined) throw new BodyError(explain(error, lines, number));
      if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) continue;
      items.push({ document: number, duplicates: duplicatesOf(document), value: toValue(document) });
    }
  } catch (cause) {
    if (cause instanceof RangeError) throw new BodyError('the body is nested too deep to be read');
    // The library throws this error when aliases are expanded too often.
    if (cause instanceof ReferenceError)
      throw new BodyError(`document ${number}: ${cause.message}; write the values out`);
    throw cause;
  }
  return items;
}

function explain(error: YAMLError, lines: LineCounter, number: number): string {
  const { line, col } = lines.linePos(error.pos[0]);
  const document = number > 1 ? `, in document ${number}` : '';
  return `the body is not YAML: ${error.message} (line ${line}, column ${col}${document})`;
}

function toValue(document: Document): unknown {
  const value: unknown = document.toJS({ maxAliasCount: maxAliases });
  checkDepth(value);
  return value;
}

/** Finds duplicate keys. Aliased nodes are checked where they are defined. */
function duplicatesOf(document: Document): readonly (readonly PropertyKey[])[] {
  const found: PropertyKey[][] = [];
  const walk = (node: unknown, path: readonly PropertyKey[]): void => {
    if (path.length > maxDepth) throw tooDeep(path);
    if (isSeq(node)) for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    if (!isMap(node)) return;
    const keys = new Set<string>();
    for (const { key, value } of node.items) {
      const name = String(isScalar(key) ? key.value : key);
      const here = [...path, name];
      if (name === '__proto__') throw forbiddenKey(here);
      if (keys.has(name) && name !== '<<' && found.length < maxDuplicates) found.push(here);
      keys.add(name);
      walk(value, here);
    }
  };
  walk(document.contents, []);
  return found;
}

/** Checks nesting without recursion, because aliases and patches can nest deeper than the text. Throws a BodyError. */
export function checkDepth(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) throw new BodyError(`nested deeper than ${maxDepth} levels`);
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
}
