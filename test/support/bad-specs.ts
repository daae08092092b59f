import { expect, test } from 'vitest';
import type { RuleKind } from '../../src/rules/rule.ts';
import { validateObject } from '../../src/rules/validation/validate.ts';

/** A mistake, and what its author is to be told: each entry is a path and a piece of the message. */
export interface BadSpec {
  readonly name: string;
  readonly spec: unknown;
  readonly want: readonly (readonly [path: string, piece: string])[];
}

/** `path: message` of everything that is wrong with a spec of a kind, in its preferred version. */
export function problemsWith(kind: RuleKind, spec: unknown): readonly string[] {
  const object = {
    apiVersion: `${kind.group}/${kind.versions[0]}`,
    kind: kind.kind,
    metadata: { name: 'sample', namespace: 'default' },
    spec,
  };
  const result = validateObject(object, [kind]);
  return result.ok ? [] : result.error.map(({ path, message }) => `${path}: ${message}`);
}

/** One test for each mistake: these problems in this order, and no other. */
export function refuses(kind: RuleKind, specs: readonly BadSpec[]): void {
  for (const { name, spec, want } of specs) {
    test(`refuses ${name}`, () => {
      const problems = problemsWith(kind, spec);
      expect(problems).toEqual(
        want.map(([path, piece]) => expect.stringMatching(new RegExp(`^${escaped(path)}: .*${escaped(piece)}`))),
      );
    });
  }
}

/** One test for each spec: nothing is wrong with it, and what is read is what was written; null is as left out. */
export function accepts(kind: RuleKind, specs: Readonly<Record<string, unknown>>): void {
  for (const [name, spec] of Object.entries(specs)) {
    test(`takes ${name}`, () => {
      expect(problemsWith(kind, spec)).toEqual([]);
      expect(kind.spec.parse(spec)).toEqual(withoutNulls(spec));
    });
  }
}

const withoutNulls = (spec: unknown): unknown =>
  JSON.parse(JSON.stringify(spec), (_key, value) => (value === null ? undefined : value));

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
