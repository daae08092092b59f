import type { z } from 'zod';
import { knownFields } from './known-fields.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

export interface Pruned<T> {
  readonly result: z.ZodSafeParseResult<T>;
  /** The value without the dropped fields; the given value itself when nothing was dropped. */
  readonly value: unknown;
  readonly dropped: readonly Path[];
}

/** Limit of rounds. Dropping a field can reveal others, once for every union that contains it. */
const maxRounds = 50;

/**
 * Checks a value after dropping the fields that its schema does not know. If a value may have several forms, drops only
 * fields that no form knows, as the intended form is uncertain. Other errors remain.
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
    if (value === given) value = structuredClone(given); // a copy that may be changed
    for (const path of unknown) if (remove(value, path)) dropped.push(path); // several forms may report the same path
  }
}

/** Returns the fields that an issue reports as unknown to at least one form. */
function unknownIn(issue: Issue, before: Path): readonly Path[] {
  const path = [...before, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => [...path, key]);
  if (issue.code !== 'invalid_union') return [];
  return issue.errors.flat().flatMap((inner) => unknownIn(inner, path));
}

/** Returns a check for fields that no form knows. All elements of a list share one lookup, as they have one schema. */
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

/** Returns whether the field existed. */
function remove(value: unknown, path: Path): boolean {
  let here = value;
  for (const step of path.slice(0, -1)) here = childOf(here, step);
  const last = path.at(-1);
  if (typeof here !== 'object' || here === null || last === undefined || !Object.hasOwn(here, last)) return false;
  return Reflect.deleteProperty(here, last);
}

const childOf = (value: unknown, step: PropertyKey): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
