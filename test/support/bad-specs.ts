import { expect, test } from 'vitest';
import type { RuleKind } from '../../src/rules/rule.ts';
import { validateObject } from '../../src/rules/validation/validate.ts';

/** A mistake and the expected problems: each entry is a path and a part of the message. */
export interface BadSpec {
  readonly name: string;
  readonly spec: unknown;
  readonly want: readonly (readonly [path: string, piece: string])[];
}

/** Returns `path: message` of each problem in a spec of a kind, in its preferred version. */
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

/** Adds one test per mistake: exactly these problems in this order. */
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

/** Adds one test per spec: it is valid, and parsing returns it unchanged, except that null equals an absent field. */
export function accepts(kind: RuleKind, specs: Readonly<Record<string, unknown>>): void {
  for (const [name, spec] of Object.entries(specs)) {
    test(`accepts ${name}`, () => {
      expect(problemsWith(kind, spec)).toEqual([]);
      expect(kind.spec.parse(spec)).toEqual(withoutNulls(spec));
    });
  }
}

const withoutNulls = (spec: unknown): unknown =>
  JSON.parse(JSON.stringify(spec), (_key, value) => (value === null ? undefined : value));

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
