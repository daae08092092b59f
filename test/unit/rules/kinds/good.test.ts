import { expect, test } from 'vitest';
import { ruleKinds } from '../../../../src/rules/kinds/index.ts';
import { validateObject } from '../../../../src/rules/validation/validate.ts';
import { goodObjects } from '../../../support/good-objects.ts';

for (const object of goodObjects) {
  test(`${object.kind} ${object.metadata.name} is valid, and stored as written`, () => {
    const result = validateObject(object, ruleKinds);
    if (!result.ok) throw new Error(result.error.map(({ path, message }) => `${path}: ${message}`).join('\n'));
    expect(result.value.spec).toEqual(withoutNulls(object.spec));
  });
}

/** Treats a null field like an absent one. */
const withoutNulls = (spec: unknown): unknown =>
  JSON.parse(JSON.stringify(spec), (_key, value) => (value === null ? undefined : value));
