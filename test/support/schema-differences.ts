import type { JsonSchema } from './crd.ts';
import { isLower, type SchemaNode, schemaNode } from './schema-node.ts';

/** The published schema, and the one of this project. */
interface Sides {
  readonly crd: JsonSchema;
  readonly own: JsonSchema;
}

/**
 * Returns the differences between the schema of a kind and its CRD: fields, types, values, required, nullable and
 * exclusive fields, and limits that are wider than the CRD's. Narrower limits are this project's choice. Each
 * difference has the form `path` and text.
 */
export function schemaDifferences(crd: JsonSchema, own: JsonSchema): readonly string[] {
  const walk = (path: string, sides: Sides): readonly string[] => {
    const published = schemaNode(sides.crd, crd);
    const written = schemaNode(sides.own, own);
    const at = differencesAt(path, published, written);
    if (published.isOpen && written.isOpen) return at;
    return [...at, ...pairs(path, published, written).flatMap((pair) => differencesBelow(pair, walk))];
  };
  return walk('spec', { crd, own });
}

interface Pair {
  readonly path: string;
  readonly crd: JsonSchema | null;
  readonly own: JsonSchema | null;
}

function differencesBelow({ path, crd, own }: Pair, walk: (path: string, sides: Sides) => readonly string[]) {
  if (own === null) return [`${path} is in the CRD and not in the schema`];
  if (crd === null) return [`${path} is in the schema and not in the CRD`];
  return walk(path, { crd, own });
}

function pairs(path: string, crd: SchemaNode, own: SchemaNode): readonly Pair[] {
  const names = [...new Set([...crd.fields.keys(), ...own.fields.keys()])];
  const fields = names.map((name) => ({
    path: `${path}.${name}`,
    crd: crd.fields.get(name) ?? null,
    own: own.fields.get(name) ?? null,
  }));
  const items = crd.items === null && own.items === null ? [] : [{ path: `${path}[]`, crd: crd.items, own: own.items }];
  const map = crd.map === null && own.map === null ? [] : [{ path: `${path}{}`, crd: crd.map, own: own.map }];
  return [...fields, ...items, ...map];
}

function differencesAt(path: string, crd: SchemaNode, own: SchemaNode): readonly string[] {
  return [
    ...(crd.type === own.type
      ? []
      : [`${path} is ${crd.type || 'anything'} in the CRD and ${own.type || 'anything'} in the schema`]),
    ...(crd.nullable === own.nullable ? [] : [`${path} may be null in the ${crd.nullable ? 'CRD' : 'schema'} only`]),
    ...(crd.isOpen === own.isOpen ? [] : [`${path} takes any field in the ${crd.isOpen ? 'CRD' : 'schema'} only`]),
    ...valueDifferences(path, crd, own),
    ...oneSided(crd.required, own.required).map(([name, side]) => `${path}.${name} is required in the ${side} only`),
    ...groupDifferences(path, crd, own),
    ...limitDifferences(path, crd, own),
    ...(crd.pattern === null || crd.pattern === own.pattern
      ? []
      : [`${path} has the pattern ${crd.pattern} in the CRD`]),
  ];
}

function valueDifferences(path: string, crd: SchemaNode, own: SchemaNode): readonly string[] {
  if (crd.values === null && own.values === null) return [];
  if (crd.values === null) return [`${path} is any text or number in the CRD and a list of values in the schema`];
  if (own.values === null) return [`${path} is a list of values in the CRD only`];
  return oneSided(crd.values, own.values).map(([value, side]) => `${path} may be ${String(value)} in the ${side} only`);
}

function groupDifferences(path: string, crd: SchemaNode, own: SchemaNode): readonly string[] {
  const names = [...new Set([...crd.groups.keys(), ...own.groups.keys()])];
  return names.flatMap((group) => {
    const [published, written] = [crd.groups.get(group), own.groups.get(group)];
    if (published === written) return [];
    if (published === undefined) return [`${path}: only one of ${group} in the schema, not in the CRD`];
    if (written === undefined) return [`${path}: only one of ${group} in the CRD, not in the schema`];
    return [`${path}: one of ${group} is required in the ${written ? 'schema' : 'CRD'} only`];
  });
}

const limitDifferences = (path: string, crd: SchemaNode, own: SchemaNode): readonly string[] =>
  [...crd.limits].flatMap(([limit, value]) => {
    const written = own.limits.get(limit);
    if (own.values !== null) return []; // a list of values needs no range
    if (written !== undefined && (isLower(limit) ? written >= value : written <= value)) return [];
    return [`${path} has ${limit} ${value} in the CRD and ${written ?? 'none'} in the schema`];
  });

function oneSided<T>(crd: ReadonlySet<T>, own: ReadonlySet<T>): readonly (readonly [T, 'CRD' | 'schema'])[] {
  const missing = [...crd].filter((it) => !own.has(it)).map((it) => [it, 'CRD'] as const);
  const extra = [...own].filter((it) => !crd.has(it)).map((it) => [it, 'schema'] as const);
  return [...missing, ...extra];
}
