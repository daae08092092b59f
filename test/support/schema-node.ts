import type { JsonSchema } from './crd.ts';

/** The properties of one place of a schema, in one form for CRDs and zod. */
export interface SchemaNode {
  /** `object`, `array`, `string`, `integer`, `number`, `boolean`, or several with `|`; empty for anything. */
  readonly type: string;
  readonly nullable: boolean;
  readonly values: ReadonlySet<unknown> | null;
  readonly fields: ReadonlyMap<string, JsonSchema>;
  readonly required: ReadonlySet<string>;
  readonly items: JsonSchema | null;
  /** For a map, the schema of its values. */
  readonly map: JsonSchema | null;
  /** True if unlisted fields are kept. */
  readonly isOpen: boolean;
  /** Groups of exclusive fields, as `a|b|c`; true if one of them is required. */
  readonly groups: ReadonlyMap<string, boolean>;
  /** `minimum`, `maxItems` and similar keywords. */
  readonly limits: ReadonlyMap<string, number>;
  readonly pattern: string | null;
}

const lower = ['minimum', 'minLength', 'minItems', 'minProperties'];
const upper = ['maximum', 'maxLength', 'maxItems', 'maxProperties'];

/** Returns whether a limit is a lower bound. */
export const isLower = (limit: string): boolean => lower.includes(limit);

/** Reads one place of a schema. References resolve within `root`. */
export function schemaNode(schema: JsonSchema, root: JsonSchema): SchemaNode {
  const forms = formsOf(schema, root);
  const parts = forms.filter((form) => form.type !== 'null');
  const single = parts.length === 1 ? parts[0] : undefined;
  const values = parts.map((part) => part.enum ?? (part.const === undefined ? null : [part.const]));
  const types = new Set(parts.map((part) => String(part.type ?? (part.properties === undefined ? '' : 'object'))));
  const additional = parts.map((part) => part.additionalProperties).find((it) => typeof it === 'object');
  const isMap = additional !== undefined && Object.keys(additional).length > 0;
  return {
    type: [...types].sort().join('|'),
    nullable: parts.length < forms.length || parts.some((part) => part.nullable === true),
    values: values.includes(null) ? null : new Set(values.flatMap((list) => list ?? [])),
    fields: new Map(parts.flatMap((part) => Object.entries(part.properties ?? {}))),
    required: new Set((single?.required ?? []).filter((name) => single?.properties?.[name] !== undefined)),
    items: parts.map((part) => part.items).find((it) => it !== undefined) ?? null,
    map: isMap ? (additional ?? null) : null,
    isOpen: parts.some(
      (part) =>
        part['x-kubernetes-preserve-unknown-fields'] === true ||
        part.additionalProperties === true ||
        (typeof part.additionalProperties === 'object' && Object.keys(part.additionalProperties).length === 0),
    ),
    groups: new Map(parts.flatMap(groupsOf)),
    limits: new Map(single === undefined ? [] : limitsOf(single)),
    pattern: single?.pattern ?? null,
  };
}

/** Resolves a reference, or returns each form that a value may have. */
function formsOf(schema: JsonSchema, root: JsonSchema): readonly JsonSchema[] {
  if (schema.$ref !== undefined) {
    const target = schema.$ref === '#' ? root : root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    if (target === undefined) throw new Error(`there is nothing behind ${schema.$ref}`);
    return formsOf(target, root);
  }
  if (Array.isArray(schema.type)) return schema.type.map((type: string) => ({ ...schema, type }));
  const forms = (schema.anyOf ?? schema.oneOf ?? []).filter((form) => !isGroupMember(form));
  return forms.length === 0 ? [schema] : forms.flatMap((form) => formsOf(form, root));
}

const isGroupMember = (form: JsonSchema): boolean =>
  form.type === undefined && form.properties === undefined && (form.required !== undefined || form.not !== undefined);

/**
 * Reads exclusive groups: `oneOf: [{not: …}, {required: [a]}, {required: [b]}]` is the group `a|b`, of which one may be
 * set.
 */
function groupsOf(schema: JsonSchema): readonly (readonly [string, boolean])[] {
  const lists = [schema.oneOf, ...(schema.allOf ?? []).map((part) => part.oneOf)];
  return lists.flatMap((list) => {
    if (list === undefined || !list.every(isGroupMember)) return [];
    const names = list.flatMap((form) => form.required ?? []).sort();
    if (names.length < 2) return [];
    return [[names.join('|'), !list.some((form) => form.not !== undefined)] as const];
  });
}

function limitsOf(schema: JsonSchema): readonly (readonly [string, number])[] {
  const given = [...lower, ...upper].flatMap((limit) => {
    const value = schema[limit];
    return typeof value === 'number' ? [[limit, value] as const] : [];
  });
  return schema.format === 'int32' ? [['maximum', 2_147_483_647], ...given] : given;
}
