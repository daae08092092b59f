import { expect, test } from 'vitest';
import { z } from 'zod';
import { ruleKinds } from '../../../../src/rules/kinds/index.ts';

type Json = z.core.JSONSchema.BaseSchema;

/** Returns the paths of fields without a description. */
function undescribed(schema: Json, path: string): readonly string[] {
  const parts = [schema.items, schema.additionalProperties, ...(schema.anyOf ?? [])].filter(isSchema);
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    isSchema(field)
      ? [...(field.description ? [] : [`${path}.${name}`]), ...undescribed(field, `${path}.${name}`)]
      : [`${path}.${name}`],
  );
  return [...fields, ...parts.flatMap((part) => undescribed(part, path))];
}

const isSchema = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

for (const { kind, spec } of ruleKinds) {
  test(`${kind}: every field has a description`, () => {
    const schema = z.toJSONSchema(spec, { io: 'input', unrepresentable: 'any' });
    expect(undescribed(schema, 'spec')).toEqual([]);
  });
}
