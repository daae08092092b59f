import type { z } from 'zod';
import { knownFields } from './known-fields.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

export interface Pruned<T> {
  readonly result: z.ZodSafeParseResult<T>;
  /** The value without what was dropped: the given one itself when nothing was. */
  readonly value: unknown;
  readonly dropped: readonly Path[];
}

/** Dropping a field can bring others to light, once for every union that a field stands in. */
const maxRounds = 50;

/**
 * Checks a value without the fields that its schema does not know. Where a value may have several forms, only those
 * are dropped that no form knows: which form is meant is not guessed. What is wrong in another way stays wrong.
 */
export function pruneUnknown<T>(schema: z.ZodType<T>, given: unknown): Pruned<T> {
  const dropped: Path[] = [];
  const isUnknown = unknownTo(schema);
  let value = given;
  for (let round = 0; ; round++) {
    const result = schema.safeParse(value, { reportInput: true });
    if (result.success || round === maxRounds) return { result, value, dropped };
    const unknown = result.error.issues.flatMap((issue) => unknownIn(issue, [])).filter(isUnknown);
    if (unknown.length === 0) return { result, value, dropped };
    if (value === given) value = structuredClone(given); // ours from here on
    for (const path of unknown) if (remove(value, path)) dropped.push(path); // several forms may name it
  }
}

/** What is unknown to some form, by all that the issue says. */
function unknownIn(issue: Issue, before: Path): readonly Path[] {
  const path = [...before, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => [...path, key]);
  if (issue.code !== 'invalid_union') return [];
  return issue.errors.flat().flatMap((inner) => unknownIn(inner, path));
}

/** Whether no form knows a field. The elements of a list are alike, so each place is looked up once. */
function unknownTo(schema: z.ZodType): (path: Path) => boolean {
  const known = new Map<string, ReadonlySet<string>>();
  return (path) => {
    const parent = path.slice(0, -1);
    const place = JSON.stringify(parent.map((step) => (typeof step === 'number' ? 0 : String(step))));
    const fields = known.get(place) ?? new Set(knownFields(schema, parent));
    known.set(place, fields);
    return !fields.has(String(path.at(-1)));
  };
}

/** Answers with whether it was there. */
function remove(value: unknown, path: Path): boolean {
  let here = value;
  for (const step of path.slice(0, -1)) here = childOf(here, step);
  const last = path.at(-1);
  if (typeof here !== 'object' || here === null || last === undefined || !Object.hasOwn(here, last)) return false;
  return Reflect.deleteProperty(here, last);
}

const childOf = (value: unknown, step: PropertyKey): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
