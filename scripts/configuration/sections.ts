// The keys of a configuration by its schema. Reads the JSON Schema that zod makes, not zod's own classes.
import { z } from 'zod';

/** Object of the configuration that has a description of its own. */
export interface Section {
  /** `xds.tls`; empty for the top level. */
  readonly path: string;
  readonly description: string;
  readonly keys: readonly Key[];
}

export interface Key {
  /** `xds.tls.certFile`, `adapters[].type`. */
  readonly path: string;
  /** In words: `seconds, at most 31,536,000`. */
  readonly type: string;
  /** Undefined: the key has no default. */
  readonly fallback: unknown;
  /** True if its object is invalid without it. */
  readonly isRequired: boolean;
  /** Name of the flag that sets it, without dashes. */
  readonly flag: string | null;
  readonly description: string;
}

/** The part of JSON Schema that configurations use, with the schemas' own `form` and `flag`. */
interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly form?: string;
  readonly flag?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** Returns the sections of a schema, the top level first. Throws for a key without a description. */
export function sectionsOf(schema: z.ZodType, root: string): readonly Section[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema; // of draft 2020-12
  return sections(json, root);
}

function sections(schema: JsonSchema, path: string): readonly Section[] {
  const keys: Key[] = [];
  const inner: Section[] = [];
  collect(schema, path, { keys, inner });
  return [{ path, description: schema.description ?? '', keys }, ...inner];
}

interface Collected {
  readonly keys: Key[];
  readonly inner: Section[];
}

/** Adds the keys of an object. One without a description gives its keys to the object around it. */
function collect(object: JsonSchema, path: string, to: Collected): void {
  const { properties, required } = propertiesOf(object);
  for (const [name, schema] of Object.entries(properties)) {
    const keyPath = path === '' ? name : `${path}.${name}`;
    const nested = objectWithin(schema, keyPath);
    if (nested === null) to.keys.push(keyOf(schema, keyPath, required.includes(name), defaultOf(object, name)));
    else if (nested.schema.description === undefined) collect(nested.schema, nested.path, to);
    else to.inner.push(...sections(nested.schema, nested.path));
  }
}

/** Returns the properties of an object, or those of all its variants together. */
function propertiesOf(schema: JsonSchema): Required<Pick<JsonSchema, 'properties' | 'required'>> {
  const properties: Record<string, JsonSchema> = {};
  for (const variant of variantsOf(schema)) {
    for (const [name, value] of Object.entries(variant.properties ?? {})) {
      const before = properties[name];
      properties[name] = before === undefined ? value : { ...value, ...before, ...choice([before, value]) };
    }
  }
  const [first, ...others] = variantsOf(schema);
  const required = (first?.required ?? []).filter((name) => others.every((one) => one.required?.includes(name)));
  return { properties, required };
}

const variantsOf = (schema: JsonSchema): readonly JsonSchema[] => schema.anyOf ?? schema.oneOf ?? [schema];

/** Joins the constants of a key that tells variants apart. */
function choice(variants: readonly JsonSchema[]): Partial<JsonSchema> {
  const values = variants.flatMap((one) => one.enum ?? (one.const === undefined ? [] : [one.const]));
  return values.length < variants.length ? {} : { enum: [...new Set(values)] };
}

/** Returns the object that a value is, or that its elements are; null for other values. */
function objectWithin(schema: JsonSchema, path: string): { schema: JsonSchema; path: string } | null {
  if (variantsOf(schema).some(({ properties }) => properties !== undefined)) return { schema, path };
  if (schema.items !== undefined) return objectWithin(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties !== 'object') return null;
  return objectWithin(schema.additionalProperties, `${path}.*`);
}

/** Returns the default that an object's own default gives to a key. */
const defaultOf = ({ default: value }: JsonSchema, name: string): unknown =>
  typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined;

function keyOf(schema: JsonSchema, path: string, isRequired: boolean, inherited: unknown): Key {
  const { description, flag = null } = schema;
  if (description === undefined) throw new Error(`${path} has no description: add .describe('…') to its schema`);
  const fallback = schema.default ?? inherited;
  return { path, type: typeOf(schema), fallback, isRequired: isRequired && fallback === undefined, flag, description };
}

/** Describes a type in words. */
function typeOf(schema: JsonSchema): string {
  const values = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  if (values.length > 0) return values.map((value) => `\`${value}\``).join(' or ');
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') return `map to ${typeOf(schema.additionalProperties)}`;
  if (schema.type === undefined && variantsOf(schema)[0] !== schema) return variantsOf(schema).map(typeOf).join(' or ');
  const name = schema.form ?? (schema.type === 'string' ? 'text' : (schema.type ?? 'any'));
  return [name, ...boundsOf(schema)].join(', ');
}

function boundsOf({ minimum, exclusiveMinimum, maximum }: JsonSchema): readonly string[] {
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER;
  return [
    ...(least ? [`${format(minimum)} or more`] : []),
    ...(exclusiveMinimum === undefined ? [] : [`more than ${format(exclusiveMinimum)}`]),
    ...(maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? [`${format(maximum)} at most`] : []),
  ];
}

const format = (value: number): string => value.toLocaleString('en');
