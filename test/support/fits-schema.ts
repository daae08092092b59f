import type { JsonSchema } from './crd.ts';
import { isLower, type SchemaNode, schemaNode } from './schema-node.ts';

/**
 * Returns the reasons why a schema would reject a value: fields, types, values, limits and groups. Does not run CEL
 * rules.
 */
export function misfits(schema: JsonSchema, value: unknown, path = 'spec'): readonly string[] {
  const node = schemaNode(schema, schema);
  if (value === null) return node.nullable ? [] : [`${path} is null`];
  if (!isOf(node.type, value)) return [`${path} is no ${node.type}`];
  const own = [
    ...(node.values === null || node.values.has(value) ? [] : [`${path} is none of the values`]),
    ...(node.pattern === null || new RegExp(node.pattern).test(String(value)) ? [] : [`${path} misses the pattern`]),
    ...[...node.limits].flatMap(([name, limit]) => (isWithin(name, limit, value) ? [] : [`${path} exceeds ${name}`])),
  ];
  if (Array.isArray(value)) {
    const { items } = node;
    return [...own, ...(items === null ? [] : value.flatMap((it, index) => misfits(items, it, `${path}[${index}]`)))];
  }
  return typeof value === 'object' ? [...own, ...objectMisfits(node, value, path)] : own;
}

function objectMisfits(node: SchemaNode, value: object, path: string): readonly string[] {
  if (node.isOpen) return [];
  const lacking = [...node.required]
    .filter((name) => !Object.hasOwn(value, name))
    .map((name) => `${path} lacks ${name}`);
  const crowded = [...node.groups].flatMap(([group, isRequired]) => {
    const set = group.split('|').filter((name) => Object.hasOwn(value, name)).length;
    return set > 1 || (isRequired && set === 0) ? [`${path} has ${set} of ${group}`] : [];
  });
  const below = Object.entries(value).flatMap(([name, it]) => {
    const field = node.fields.get(name) ?? node.map;
    return field === null ? [`${path} has no ${name}`] : misfits(field, it, `${path}.${name}`);
  });
  return [...lacking, ...crowded, ...below];
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  return type === '' || (typeof value === type && !Array.isArray(value));
}

function isWithin(name: string, limit: number, value: unknown): boolean {
  const size = typeof value === 'number' ? value : sizeOf(value);
  return isLower(name) ? size >= limit : size <= limit;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return Object.keys(Object(value)).length;
}
