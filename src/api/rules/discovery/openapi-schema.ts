import { z } from 'zod';
import { isRecord } from '../../../rules/validation/validate.ts';

/** Schema of OpenAPI 3.0. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * Converts a zod schema to OpenAPI schemas by component name: `name` for the whole, others for recursive parts. They
 * document the API (`kubectl explain`) in the form of Kubernetes' own. A choice between objects lists all fields, and
 * unknown fields are not excluded. Validation uses the zod schema, not these.
 */
export function openapiSchemas(name: string, schema: z.ZodType): ReadonlyMap<string, Schema> {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'openapi-3.0' });
  const { definitions = {}, $defs = {}, ...whole } = json as Record<string, unknown>; // a JSON schema is a map
  const componentOf = (reference: string): string => {
    const part = reference.replace(/^#\/?(definitions|\$defs)?\/?/, '');
    return `#/components/schemas/${part === '' ? name : `${name}.${wordOf(part)}`}`;
  };
  const components = new Map([[name, toOpenapi(whole, componentOf)]]);
  for (const [part, definition] of Object.entries({ ...(definitions as object), ...($defs as object) })) {
    components.set(`${name}.${wordOf(part)}`, toOpenapi(definition, componentOf));
  }
  return components;
}

const wordOf = (part: string): string => part.replace(/^_+/, '');

type ComponentOf = (reference: string) => string;

function toOpenapi(node: unknown, componentOf: ComponentOf): Schema {
  if (!isRecord(node)) return {};
  const schema: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    switch (key) {
      case '$schema':
      case 'propertyNames':
      case '~standard':
        break;
      case '$ref':
        schema.$ref = componentOf(String(value));
        break;
      case 'properties':
        schema.properties = mapValues(value, (property) => toOpenapi(property, componentOf));
        break;
      case 'items':
        schema.items = toOpenapi(value, componentOf);
        break;
      case 'additionalProperties':
        if (isRecord(value)) schema.additionalProperties = toOpenapi(value, componentOf);
        else if (value === true) schema.additionalProperties = {};
        break;
      case 'anyOf':
      case 'oneOf':
      case 'allOf':
        schema[key] = (value as readonly unknown[]).map((variant) => toOpenapi(variant, componentOf)); // always lists
        break;
      case 'minimum':
      case 'maximum':
        if (Math.abs(Number(value)) < Number.MAX_SAFE_INTEGER) schema[key] = value; // more only means "integer"
        break;
      default:
        schema[key] = value;
    }
  }
  return joined(schema);
}

/** Merges a choice, or schemas that all apply, into one schema where it is equivalent. */
function joined(schema: Record<string, unknown>): Schema {
  for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
    const variants = schema[key] as readonly Schema[] | undefined; // built by toOpenapi
    if (variants === undefined) continue;
    const { [key]: _, ...own } = schema;
    const one = oneOf(variants, key === 'allOf');
    if (one === null) continue;
    if ('$ref' in one) return Object.keys(own).length === 0 ? one : schema; // a reference cannot have a description
    return joined({ ...one, ...own, ...joinedObject([one, own], true) });
  }
  return schema;
}

function oneOf(variants: readonly Schema[], all: boolean): Schema | null {
  const [first, ...others] = variants;
  if (first === undefined) return null;
  if (others.length === 0) return first;
  if (variants.every(({ type }) => type === 'object')) return { ...joinedObject(variants, all), type: 'object' };
  if (variants.every((one) => one.type === first.type && Array.isArray(one.enum))) {
    return { type: first.type, enum: variants.flatMap((one) => one.enum as readonly unknown[]) }; // checked above
  }
  const types = new Set(variants.map(({ type }) => type));
  if (types.has('string') && types.has('integer') && types.size === 2) return { 'x-kubernetes-int-or-string': true };
  return null;
}

/** Merges the fields of all schemas. Fields required by all are required, or by any if all schemas apply. */
function joinedObject(schemas: readonly Schema[], all: boolean): Schema {
  const properties = Object.assign({}, ...schemas.map((schema) => schema.properties ?? {}));
  const required = schemas.map((schema) => (schema.required ?? []) as readonly string[]); // always a list
  const names = [...new Set(required.flat())].filter((name) => all || required.every((some) => some.includes(name)));
  return {
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(names.length === 0 ? {} : { required: names }),
  };
}

const mapValues = (map: unknown, change: (value: unknown) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(isRecord(map) ? map : {}).map(([key, value]) => [key, change(value)]));
