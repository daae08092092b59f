import { fieldPath } from '../../lib/field-path.ts';
import { contentHash } from '../../lib/hash.ts';
import { didYouMean } from '../../lib/nearest.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { RawObject } from '../../model/object.ts';
import type { Problem, Rule, RuleKind, RuleMetadata } from '../rule.ts';
import { metadataSchemaOf, type WrittenMetadata } from './metadata.ts';
import { maxSchemaProblems, schemaProblems, unknownField } from './schema-problems.ts';
import { pruneUnknown } from './unknown-fields.ts';
import { illFormedText } from './well-formed.ts';

/** An object of valid form, before a store or an adapter's shard adds metadata. */
export interface ValidObject {
  readonly kind: RuleKind;
  readonly apiVersion: string;
  readonly metadata: WrittenMetadata;
  /** The spec as the author wrote it, without dropped fields. The store keeps and returns it. */
  readonly written: unknown;
  /** The output of the kind's schema, with defaults. Rules contain it. */
  readonly spec: unknown;
  /** Paths of the unknown fields that were dropped; empty when unknown fields are rejected. */
  readonly dropped: readonly string[];
}

type Problems = readonly Problem[];

const objectFields = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

/**
 * Validates an object of a store or an adapter into a rule. `stored` is the metadata from the store. Without it, the
 * version is a hash of the content, as shards count no versions.
 */
export function validateRule(
  raw: RawObject,
  kinds: readonly RuleKind[],
  stored: RuleMetadata | null = null,
): Result<Rule, Problems> {
  const { origin, ...object } = raw;
  const valid = validateObject(object, kinds);
  if (!valid.ok) return valid;
  const { kind, apiVersion, metadata, spec } = valid.value;
  const { name, namespace, labels, annotations } = metadata;
  return ok({
    kind: kind.kind,
    apiVersion,
    metadata: stored ?? {
      name,
      namespace,
      labels,
      annotations,
      // One form of time, so that precedence can compare texts.
      creationTimestamp: new Date(raw.metadata.creationTimestamp).toISOString(),
      generation: 1,
      resourceVersion: contentHash(JSON.stringify(object)),
      uid: metadata.uid ?? contentHash(`${kind.kind}/${namespace}/${name}`),
    },
    spec,
    origin,
  });
}

/**
 * Validates an object of any of the kinds: a request body, a document of a file, a stored object. Ignores `status`.
 * Unknown fields are problems; with `drop` they are left out.
 */
export function validateObject(
  object: unknown,
  kinds: readonly RuleKind[],
  unknownFields: 'refuse' | 'drop' = 'refuse',
): Result<ValidObject, Problems> {
  if (!isRecord(object)) return err([{ path: '', message: `must be an object, not ${nameOfType(object)}` }]);
  const kind = findKind(object, kinds);
  if (!kind.ok) return kind;

  const metadataSchema = metadataSchemaOf(kind.value.scope);
  const check = unknownFields === 'drop' ? pruneUnknown : checkWhole;
  const unknown = Object.keys(object).filter((field) => !objectFields.includes(field));
  const metadata = check(metadataSchema, object.metadata ?? {});
  const spec = check(kind.value.spec, object.spec ?? {});
  const problems = [
    ...(unknownFields === 'drop' ? [] : unknown.slice(0, maxSchemaProblems)).map((path) => ({
      path,
      message: unknownField(path, objectFields),
    })),
    ...(metadata.result.success ? [] : schemaProblems(metadataSchema, metadata.result.error, 'metadata')),
    ...(spec.result.success ? [] : schemaProblems(kind.value.spec, spec.result.error, 'spec', kind.value.formerFields)),
  ];
  if (problems.length > 0 || !metadata.result.success || !spec.result.success) return err(problems);
  const illFormed = illFormedText(spec.result.data, 'spec');
  if (illFormed.length > 0) return err(illFormed);
  return ok({
    kind: kind.value,
    apiVersion: String(object.apiVersion),
    metadata: metadata.result.data,
    written: spec.value,
    spec: spec.result.data,
    dropped: [
      ...(unknownFields === 'drop' ? unknown : []),
      ...metadata.dropped.map((path) => fieldPath('metadata', path)),
      ...spec.dropped.map((path) => fieldPath('spec', path)),
    ],
  });
}

const checkWhole: typeof pruneUnknown = (schema, value) => ({
  result: schema.safeParse(value, { reportInput: true }),
  value,
  dropped: [],
});

/** Kinds of the first versions of Istio (`config.istio.io/v1alpha2`), with those that replaced them. */
const formerKinds: Readonly<Record<string, string | undefined>> = {
  RouteRule: 'VirtualService',
  DestinationPolicy: 'DestinationRule',
  EgressRule: 'ServiceEntry',
  ExternalService: 'ServiceEntry',
};

/** Returns the kind that an object names, if its version is served. */
export function findKind(
  object: Readonly<Record<string, unknown>>,
  kinds: readonly RuleKind[],
): Result<RuleKind, Problems> {
  const { apiVersion, kind: name } = object;
  if (typeof name !== 'string' || name === '')
    return err([{ path: 'kind', message: 'must say the kind of the object' }]);
  const kind = kinds.find((one) => one.kind === name);
  if (kind === undefined) {
    const names = kinds.map((one) => one.kind);
    const now = Object.hasOwn(formerKinds, name) ? formerKinds[name] : undefined;
    const message =
      now === undefined
        ? `unknown kind "${name}"${didYouMean(name, names)}; known are ${names.join(', ')}`
        : `${name} was replaced: write a ${now} of networking.istio.io/v1`;
    return err([{ path: 'kind', message }]);
  }
  const versions = apiVersionsOf(kind);
  if (typeof apiVersion === 'string' && versions.includes(apiVersion)) return ok(kind);
  const given = apiVersion === undefined ? '' : `, not ${JSON.stringify(apiVersion)}`;
  return err([{ path: 'apiVersion', message: `must be ${versions.join(' or ')} for ${name}${given}` }]);
}

/** Returns `networking.istio.io/v1`, …, preferred version first; `v1` for the core group. */
export const apiVersionsOf = ({ group, versions }: Pick<RuleKind, 'group' | 'versions'>): readonly string[] =>
  versions.map((version) => (group === '' ? version : `${group}/${version}`));

/** Returns whether a value is a JSON or YAML map, and not a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the type of a value, in words for its author. */
export const nameOfType = (value: unknown): string =>
  value === null || value === undefined ? 'empty' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
