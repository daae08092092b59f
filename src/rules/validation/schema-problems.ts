import type { z } from 'zod';
import { fieldPath } from '../../lib/field-path.ts';
import { didYouMean } from '../../lib/nearest.ts';
import type { Problem, RuleKind } from '../rule.ts';
import { knownFields } from './known-fields.ts';

type Issue = z.core.$ZodIssue;

/** Limit of problems per object: nobody reads more, and a crafted object could have millions. */
export const maxSchemaProblems = 20;

/**
 * Translates a schema's errors into problems for the author. `root` is the path of the value: `spec`. `former` has
 * advice for unknown fields that were valid once.
 */
export function schemaProblems(
  schema: z.ZodType,
  error: z.ZodError,
  root: string,
  former: RuleKind['formerFields'] = {},
): readonly Problem[] {
  const problems: Problem[] = [];
  for (const issue of error.issues) {
    for (const { path, message } of problemsOf({ schema, former }, issue, [])) {
      if (problems.length === maxSchemaProblems) return problems;
      problems.push({ path: fieldPath(root, path), message });
    }
  }
  return problems;
}

interface Located {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

interface Expectation {
  readonly schema: z.ZodType;
  readonly former: Readonly<Record<string, string>>;
}

function problemsOf(expected: Expectation, issue: Issue, before: readonly PropertyKey[]): readonly Located[] {
  const { schema, former } = expected;
  const path = [...before, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownFields(schema, path);
      return issue.keys.slice(0, maxSchemaProblems).map((key) => {
        const pattern = patternOf([...path, key]);
        const advice = Object.hasOwn(former, pattern) ? former[pattern] : undefined;
        const message = advice === undefined ? unknownField(key, known) : `is no field of the API any more: ${advice}`;
        return { path: [...path, key], message };
      });
    }
    case 'invalid_union': {
      const nearest = nearestBranch(issue.errors);
      if (nearest === null) return [{ path, message: `is none of the allowed forms (${lowerFirst(issue.message)})` }];
      return nearest.flatMap((inner) => problemsOf(expected, inner, path));
    }
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path, message: lowerFirst(message) }));
    case 'invalid_value': {
      const values = issue.values.map(String);
      const given = typeof issue.input === 'string' ? didYouMean(issue.input, values) : '';
      return [{ path, message: `must be ${values.length === 1 ? '' : 'one of '}${values.join(', ')}${given}` }];
    }
    default:
      return [{ path, message: lowerFirst(issue.message.replace(/^Invalid input: /, '')) }];
  }
}

/** Returns `http[].route[].weight` for the path of a field. */
const patternOf = (path: readonly PropertyKey[]): string =>
  path.map((step, index) => (typeof step === 'number' ? '[]' : `${index === 0 ? '' : '.'}${String(step)}`)).join('');

/** Describes an unknown field: suggests a similar field, else lists the known ones. */
export function unknownField(key: string, known: readonly string[]): string {
  const near = didYouMean(key, known);
  if (near !== '' || known.length === 0) return `unknown field${near}`;
  const some = known.slice(0, 12).join(', ');
  return `unknown field; known are ${some}${known.length > 12 ? ', …' : ''}`;
}

/**
 * Returns the alternative that the author most likely meant: the one whose errors lie deepest in the value, with the
 * fewest.
 */
function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const depth = (issues: readonly Issue[]) => Math.max(0, ...issues.map((issue) => issue.path.length));
  const wrongType = (issues: readonly Issue[]) =>
    issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0);
  const candidates = branches.filter((issues) => issues.length > 0 && !wrongType(issues));
  candidates.sort((a, b) => depth(b) - depth(a) || a.length - b.length);
  return candidates[0] ?? null;
}

/** Lowers the first letter. Leaves a name in capitals (`REPLACE`) unchanged. */
const lowerFirst = (text: string): string =>
  /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
