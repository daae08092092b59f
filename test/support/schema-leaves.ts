import type { JsonSchema } from './crd.ts';
import { schemaNode } from './schema-node.ts';

/** The paths of a schema that hold a value of their own: `spec.http[].match[].headers{}.exact`. It must not be recursive. */
export function schemaLeaves(schema: JsonSchema, path = 'spec'): readonly string[] {
  const { fields, items, map } = schemaNode(schema, schema);
  const below = [
    ...[...fields].flatMap(([name, field]) => schemaLeaves(field, `${path}.${name}`)),
    ...(items === null ? [] : schemaLeaves(items, `${path}[]`)),
    ...(map === null ? [] : schemaLeaves(map, `${path}{}`)),
  ];
  return below.length === 0 ? [path] : below;
}
