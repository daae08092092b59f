import type { JsonSchema } from './crd.ts';
import { schemaNode } from './schema-node.ts';

/**
 * Returns the paths of a schema that hold plain values: `spec.http[].match[].headers{}.exact`. The schema must not be
 * recursive.
 */
export function schemaLeaves(schema: JsonSchema, path = 'spec'): readonly string[] {
  const { fields, items, map } = schemaNode(schema, schema);
  const below = [
    ...[...fields].flatMap(([name, field]) => schemaLeaves(field, `${path}.${name}`)),
    ...(items === null ? [] : schemaLeaves(items, `${path}[]`)),
    ...(map === null ? [] : schemaLeaves(map, `${path}{}`)),
  ];
  return below.length === 0 ? [path] : below;
}
