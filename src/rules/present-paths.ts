/**
 * Returns a function that finds the paths of a spec that match one of `patterns` (`http[].fault`, `trafficPolicy.tls`),
 * with indices: `spec.http[2].fault`. Kinds use it to report valid fields that are not compiled yet. Every write and
 * every list calls it: patterns are combined once, and one walk over a spec checks all of them.
 */
export function pathFinder(patterns: readonly string[]): (spec: object) => readonly string[] {
  const root = stepsOf(patterns);
  return (spec) => {
    const found: string[] = [];
    find(spec, root, 'spec', found);
    return found;
  };
}

interface PathStep {
  readonly name: string;
  readonly isList: boolean;
  /** Empty at the end of a pattern. */
  readonly below: readonly PathStep[];
}

function stepsOf(patterns: readonly string[]): readonly PathStep[] {
  const rests = new Map<string, string[]>();
  for (const pattern of patterns) {
    const [first = '', ...rest] = pattern.split('.');
    rests.set(first, [...(rests.get(first) ?? []), ...(rest.length === 0 ? [] : [rest.join('.')])]);
  }
  return [...rests].map(([first, below]) => {
    const isList = first.endsWith('[]');
    return { name: isList ? first.slice(0, -2) : first, isList, below: stepsOf(below) };
  });
}

function find(value: unknown, steps: readonly PathStep[], path: string, found: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  for (const { name, isList, below } of steps) {
    const next: unknown = Reflect.get(value, name);
    if (next === undefined || next === null) continue;
    const at = `${path}.${name}`;
    if (isList) {
      if (!Array.isArray(next)) continue;
      for (const [index, item] of next.entries()) find(item, below, `${at}[${index}]`, found);
    } else if (below.length === 0) found.push(at);
    else find(next, below, at, found);
  }
}
