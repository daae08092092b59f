import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { partProgram } from './parts.ts';

/** A JSON schema, as far as CRDs and zod use it. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly nullable?: boolean;
  readonly format?: string;
  readonly pattern?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string; readonly rule: string }[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly [keyword: string]: unknown;
}

/** The parts of a CustomResourceDefinition that tests compare. */
export interface Crd {
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: {
      readonly kind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema: { readonly openAPIV3Schema: JsonSchema };
    }[];
  };
}

/** Reads Istio's published CRDs. */
export async function readCrds(): Promise<readonly Crd[]> {
  const text = readFileSync(await partProgram('istioCrds'), 'utf8');
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Crd | null); // the file holds CRDs for kubectl
  return objects.filter((object) => object !== null);
}

/** Returns the schema of `spec` in one version. */
export function specSchema(crd: Crd, version: string): JsonSchema {
  const schema = crd.spec.versions.find(({ name }) => name === version)?.schema.openAPIV3Schema.properties?.spec;
  if (schema === undefined) throw new Error(`${crd.spec.names.kind} has no version ${version}`);
  return schema;
}

/** A CEL rule and its path: `spec.ports[].number`, `spec.labels{}`. */
export interface CelRule {
  readonly path: string;
  readonly message: string;
}

/** Returns every CEL rule in a schema. */
export function celRules(schema: JsonSchema, path = 'spec'): readonly CelRule[] {
  const { items, additionalProperties: map } = schema;
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map(({ message }) => ({ path, message })),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => celRules(field, `${path}.${name}`)),
    ...(items === undefined ? [] : celRules(items, `${path}[]`)),
    ...(typeof map === 'object' ? celRules(map, `${path}{}`) : []),
  ];
}
