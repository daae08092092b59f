import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair } from 'yaml';

/**
 * Returns the offset of a field in the text of a YAML document. `path` is in the server's notation:
 * `spec.http[0].route[1].weight`, `metadata.labels["a.b/c"]`. For a missing field, it returns the offset of the map or
 * list that lacks it.
 */
export function fieldOffset(document: Document, path: string): number | null {
  let here: Node | null = document.contents;
  let offset = here?.range?.[0] ?? null;
  for (const step of pathSteps(path)) {
    const next = below(document, here, step);
    if (next === null) break;
    offset = next.offset ?? offset;
    here = next.node;
  }
  return offset;
}

/** Splits a path: `spec.http[0]["a.b"]` → `spec`, `http`, 0, `a.b`. Stops at the first part that is no path. */
export function pathSteps(path: string): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  const step = /\.?(?:\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+))/y;
  for (let match = step.exec(path); match !== null; match = step.exec(path)) {
    const [, index, quoted, word] = match;
    if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(unquote(quoted));
    else steps.push(word ?? '');
  }
  return steps;
}

interface FoundNode {
  readonly node: Node | null;
  readonly offset: number | null;
}

function below(document: Document, node: Node | null, step: string | number): FoundNode | null {
  const target = isAlias(node) ? (node.resolve(document) ?? null) : node;
  if (isSeq(target) && typeof step === 'number') {
    const item = target.items[step];
    return isNode(item) ? { node: item, offset: item.range?.[0] ?? null } : null;
  }
  if (!isMap(target)) return null;
  // The last of duplicate keys is in effect.
  const pair: Pair | undefined = target.items.findLast(
    ({ key }) => String(isScalar(key) ? key.value : key) === `${step}`,
  );
  if (pair === undefined) return null;
  return {
    node: isNode(pair.value) ? pair.value : null,
    offset: isNode(pair.key) ? (pair.key.range?.[0] ?? null) : null,
  };
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
