import { isDeepStrictEqual } from 'node:util';

/** Step of a path: a field, an index, or the first element with a field of that value. */
export type PathStep =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'where'; readonly path: string; readonly value: string };

/** Parses `a.b`, `list[0]`, `["key.with.dots"]` and `list[x.y=v]`. */
export function parsePath(text: string): readonly PathStep[] {
  const steps: PathStep[] = [];
  let rest = text;
  while (rest !== '') {
    const [whole, field, key, index, path, value] = step.exec(rest) ?? [];
    if (whole === undefined) throw new Error(`${JSON.stringify(rest)} in ${text} is no step of a path`);
    if (path !== undefined && value !== undefined) steps.push({ type: 'where', path, value });
    else if (index !== undefined) steps.push({ type: 'index', index: Number(index) });
    else steps.push({ type: 'field', name: field ?? key ?? '' });
    rest = rest.slice(whole.length);
  }
  return steps;
}

/** A field, a quoted key, an index or a condition. The value of a condition may contain an IPv6 address in brackets. */
const step = /^(?:\.?([^.[\]]+)|\["([^"]*)"\]|\[(\d+)\]|\[([^=\]]+)=((?:[^[\]]|\[[^\]]*\])*)\])/;

/** Returns the value at a path; null where there is none. */
export function valueAt(value: unknown, path: readonly PathStep[]): unknown {
  let at = value;
  for (const one of path) at = stepInto(at, one);
  return at ?? null;
}

function stepInto(value: unknown, one: PathStep): unknown {
  if (typeof value !== 'object' || value === null) return null;
  if (one.type === 'field') return (value as Readonly<Record<string, unknown>>)[one.name]; // a JSON object
  if (!Array.isArray(value)) return null;
  if (one.type === 'index') return value[one.index];
  const wanted = parsePath(one.path);
  return value.find((element) => isDeepStrictEqual(String(valueAt(element, wanted)), one.value));
}
