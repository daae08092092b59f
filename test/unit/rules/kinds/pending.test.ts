import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ruleKinds } from '../../../../src/rules/kinds/index.ts';
import type { RuleKind } from '../../../../src/rules/rule.ts';
import type { JsonSchema } from '../../../support/crd.ts';
import { schemaLeaves } from '../../../support/schema-leaves.ts';
import { specAt } from '../../../support/spec-at.ts';
import { inEffect } from './in-effect.ts';

/** Fields that give a spec an effect, so that single fields are reported separately. */
const whole: Readonly<Record<string, object>> = {
  VirtualService: { hosts: ['a'] },
  WorkloadEntry: { address: '10.0.0.1' },
};
const items: Readonly<Record<string, object>> = {
  endpoints: { address: '10.0.0.1' },
  egress: { hosts: ['*/*'] },
};
/** Values of fields whose pending state depends on the value. */
const values: Readonly<Record<string, unknown>> = { 'spec.endpoints[].address': '10.0.0.1' };

const leavesOf = (kind: RuleKind): readonly string[] =>
  schemaLeaves(z.toJSONSchema(kind.spec, { io: 'input', unrepresentable: 'any' }) as JsonSchema); // the shape of its output

/** Returns whether the kind reports this field as pending when it is the only one set. */
function isPending(kind: RuleKind, leaf: string): boolean {
  const { path, spec } = specAt(leaf, values[leaf] ?? 'x');
  const filled = withItems({ ...whole[kind.kind], ...(spec as object) }); // a spec is an object
  return kind.pending(filled).some((it) => path === it || path.startsWith(`${it}.`) || path.startsWith(`${it}[`));
}

/** Adds the required fields of list items. */
function withItems(spec: object): object {
  return Object.fromEntries(
    Object.entries(spec).map(([field, value]) => [
      field,
      Array.isArray(value) && items[field] !== undefined ? value.map((it) => ({ ...items[field], ...it })) : value,
    ]),
  );
}

describe('every field is either in effect or reported as pending', () => {
  for (const [name, fields] of Object.entries(inEffect)) {
    const kind = ruleKinds.find((it) => it.kind === name);
    if (kind === undefined) throw new Error(`there is no kind ${name}`);
    const leaves = leavesOf(kind);
    const effective = new Set(fields.map((field) => `spec.${field}`));

    test(`${name}: fields listed as in effect exist in its schema`, () => {
      expect([...effective].filter((leaf) => !leaves.includes(leaf))).toEqual([]);
    });

    test(`${name}: exactly the other fields are reported as pending`, () => {
      const wrong = leaves.filter((leaf) => isPending(kind, leaf) === effective.has(leaf));
      expect(wrong.map((leaf) => `${leaf}: ${effective.has(leaf) ? 'in effect, but pending' : 'not named'}`)).toEqual(
        [],
      );
    });
  }
});
