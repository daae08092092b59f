import type { z } from 'zod';

/** Keys that have a value, with the schema's default; undefined without one. */
export type ConfigKeys = ReadonlyMap<string, unknown>;

/** Returns the keys of a configuration's schema by path: `xds.tls.certFile`, `adapters[].type`. */
export function configKeys(schema: z.ZodType, path = '', fallback?: unknown): ConfigKeys {
  // zod's own classes: each type has the fields that are read here
  const { def } = schema as unknown as { def: Definition };
  switch (def.type) {
    case 'default':
    case 'prefault':
      return configKeys(def.innerType, path, def.defaultValue);
    case 'optional':
      return configKeys(def.innerType, path);
    case 'pipe': // the output of `z.preprocess` describes the value; the input of a transformation does
      return configKeys(def.in.def.type === 'transform' ? def.out : def.in, path, fallback);
    case 'object':
      return joined(
        Object.entries(def.shape).map(([key, value]) =>
          configKeys(value, path === '' ? key : `${path}.${key}`, isRecord(fallback) ? fallback[key] : undefined),
        ),
      );
    case 'union':
      return joined(def.options.map((option) => configKeys(option, path, fallback)));
    case 'array':
      if (def.element.def.type === 'object') return configKeys(def.element, `${path}[]`);
      return new Map([[path, fallback]]);
    default:
      return new Map([[path, fallback]]);
  }
}

type Schema = z.ZodType & { readonly def: Definition };

type Definition =
  | { readonly type: 'default' | 'prefault'; readonly innerType: Schema; readonly defaultValue: unknown }
  | { readonly type: 'optional'; readonly innerType: Schema }
  | { readonly type: 'pipe'; readonly in: Schema; readonly out: Schema }
  | { readonly type: 'object'; readonly shape: Readonly<Record<string, Schema>> }
  | { readonly type: 'union'; readonly options: readonly Schema[] }
  | { readonly type: 'array'; readonly element: Schema }
  | { readonly type: 'string' | 'number' | 'boolean' | 'enum' | 'literal' | 'transform' };

const joined = (parts: readonly ConfigKeys[]): ConfigKeys => new Map(parts.flatMap((part) => [...part]));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
