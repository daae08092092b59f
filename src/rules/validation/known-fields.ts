import { z } from 'zod';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * Returns the fields that a schema has at a path, in its order. They serve to suggest a correction for a misspelled
 * field.
 */
export function knownFields(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const root = jsonSchemaOf(schema);
  let here = alternatives(root, root);
  for (const step of path) here = here.flatMap((one) => below(one, step)).flatMap((one) => alternatives(root, one));
  return [...new Set(here.flatMap((one) => Object.keys(one.properties ?? {})))];
}

/** Caches converted schemas: they live as long as the program, and converting a large one takes milliseconds. */
const jsonSchemas = new WeakMap<z.ZodType, JsonSchema>();

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const known = jsonSchemas.get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  jsonSchemas.set(schema, made);
  return made;
}

function below(schema: JsonSchema, step: PropertyKey): JsonSchema[] {
  if (typeof step !== 'number') {
    return onlySchemas(schema.properties?.[String(step)] ?? schema.additionalProperties);
  }
  const { items } = schema;
  return Array.isArray(items) ? onlySchemas(items[step]) : onlySchemas(items);
}

/** Returns a schema, and the schemas that it refers to or combines. Recursive types refer by name, so this ends. */
function alternatives(root: JsonSchema, schema: JsonSchema): JsonSchema[] {
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  const referred = schema.$ref === undefined ? [] : onlySchemas(resolveReference(root, schema.$ref));
  return [schema, ...[...parts.flatMap(onlySchemas), ...referred].flatMap((part) => alternatives(root, part))];
}

/** Resolves `#` or `#/$defs/name`: the only references that zod writes. */
function resolveReference(root: JsonSchema, reference: string): JsonSchema | boolean | undefined {
  return reference === '#' ? root : root.$defs?.[reference.replace('#/$defs/', '')];
}

const onlySchemas = (schema: unknown): JsonSchema[] =>
  typeof schema === 'object' && schema !== null ? [schema as JsonSchema] : []; // a schema is an object or a boolean
