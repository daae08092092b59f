import type { RuleColumn } from '../../rule.ts';

/** A column with the text at a path of the spec (`mtls.mode`); `otherwise` when it is absent. */
export const textColumn = (
  name: string,
  path: string,
  { about, otherwise = null, wide = false }: { about: string; otherwise?: string | null; wide?: boolean },
): RuleColumn => ({
  name,
  type: 'string',
  about,
  wide,
  value(spec) {
    const found = at(spec, path);
    return typeof found === 'string' && found !== '' ? found : otherwise;
  },
});

/** A column that counts the items of a list or the entries of a map at a path; 0 when it is absent. */
export const countColumn = (
  name: string,
  path: string,
  { about, wide = false }: { about: string; wide?: boolean },
): RuleColumn => ({ name, type: 'integer', about, wide, value: (spec) => sizeOf(at(spec, path)) });

/** A wide column with the labels or objects of a policy. Empty when the policy applies to its whole namespace. */
export const targetColumn: RuleColumn = {
  name: 'Target',
  type: 'string',
  about: 'The labels that workloads must have, or the objects that it is attached to.',
  wide: true,
  value(spec) {
    const labels = at(spec, 'selector.matchLabels') ?? at(spec, 'workloadSelector.labels');
    const pairs = isObject(labels) ? Object.entries(labels).map(([name, value]) => `${name}=${String(value)}`) : [];
    const list = at(spec, 'targetRefs');
    const references = [at(spec, 'targetRef'), ...(Array.isArray(list) ? list : [])].filter(isObject);
    const names = references.map(({ kind, name }) => `${String(kind)}/${String(name)}`);
    return [...pairs, ...names].join(',') || null;
  },
};

/** Joins the distinct texts at a path of each item of a list, in order: `ADD,MERGE`. */
export function textsOf(spec: Readonly<Record<string, unknown>>, list: string, path: string): string | null {
  const items = at(spec, list);
  if (!Array.isArray(items)) return null;
  const texts = items.map((item) => at(item, path)).filter((text) => typeof text === 'string');
  return [...new Set(texts)].join(',') || null;
}

/** Reads a path without assumptions about the shape: lists show specs as written, even by an older release. */
const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce((found, step) => (isObject(found) ? found[step] : undefined), value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sizeOf = (value: unknown): number =>
  Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0;
