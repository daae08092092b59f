import { expect, test } from 'vitest';
import { ruleKinds } from '../../../../src/rules/kinds/index.ts';
import { validateObject } from '../../../../src/rules/validation/validate.ts';
import { goodObjects } from '../../../support/good-objects.ts';

for (const object of goodObjects) {
  test(`${object.kind} ${object.metadata.name} is right, and kept as it was written`, () => {
    const result = validateObject(object, ruleKinds);
    if (!result.ok) throw new Error(result.error.map(({ path, message }) => `${path}: ${message}`).join('\n'));
    expect(result.value.spec).toEqual(withoutNulls(object.spec));
  });
}

/** A field that may be null is then as left out. */
const withoutNulls = (spec: unknown): unknown =>
  JSON.parse(JSON.stringify(spec), (_key, value) => (value === null ? undefined : value));
