import { err, ok, type Result } from '../../lib/result.ts';
import type { RawObject } from '../../model/object.ts';
import { meshConfig } from '../kinds/mesh-config/index.ts';
import { namespace } from '../kinds/namespace/index.ts';
import { type MeshConfig, meshConfigSpec, withMeshConfigSpec } from '../mesh-config.ts';
import { type Problem, type Rule, type RuleId, type RuleKind, type RuleMetadata, ruleId } from '../rule.ts';
import type { ObjectKey, StoredObject } from '../store.ts';
import { schemaProblems } from '../validation/schema-problems.ts';
import { isRecord, validateRule } from '../validation/validate.ts';

/** A validated value of the book: a rule or the mesh configuration. */
export type BookValue =
  | { readonly type: 'rule'; readonly rule: Rule }
  | { readonly type: 'mesh'; readonly mesh: MeshConfig };

/** An object to put into the book. `stored` is the metadata from the store; null for an adapter's object. */
export interface BookObject {
  readonly raw: RawObject;
  readonly stored: RuleMetadata | null;
}

/** Kind of the mesh configuration in adapters and the store. */
export const meshKind = meshConfig.kind;

/** Returns whether the book ignores objects of this kind. Namespaces exist only for their names and labels. */
export const isOutsideBook = (kind: string): boolean => kind === namespace.kind;

/** Returns the id of the object with this key. */
export const idOf = ({ kind, namespace, name }: ObjectKey): RuleId => ruleId({ kind, metadata: { namespace, name } });

/** Wraps an object of an adapter. */
export const bookObjectOfAdapter = (raw: RawObject): BookObject => ({ raw, stored: null });

/** Wraps an object of the store, with the store's metadata. */
export function bookObjectOfStore({ kind, apiVersion, metadata, spec }: StoredObject): BookObject {
  const { name, namespace, labels, annotations, creationTimestamp } = metadata;
  const raw = {
    apiVersion,
    kind,
    metadata: { name, namespace, labels, annotations, creationTimestamp },
    spec,
    origin: 'store',
  };
  return { raw, stored: metadata };
}

/** Validates an object. `configured` supplies the fields that a MeshConfig object leaves out. */
export function bookValueOf(
  { raw, stored }: BookObject,
  kinds: readonly RuleKind[],
  configured: MeshConfig,
): Result<BookValue, readonly Problem[]> {
  if (raw.kind === meshKind) return meshOf(raw, configured);
  const rule = validateRule(raw, kinds, stored);
  return rule.ok ? ok({ type: 'rule', rule: rule.value }) : rule;
}

function meshOf(raw: RawObject, configured: MeshConfig): Result<BookValue, readonly Problem[]> {
  const spec = raw.spec ?? {};
  const misplaced = wrongPlace(raw);
  if (misplaced !== null) return err([misplaced]);
  if (!isRecord(spec)) return err([{ path: 'spec', message: 'must be an object with the fields of MeshConfig' }]);
  const parsed = meshConfigSpec.safeParse(spec, { reportInput: true });
  if (!parsed.success) return err(schemaProblems(meshConfigSpec, parsed.error, 'spec'));
  return ok({ type: 'mesh', mesh: withMeshConfigSpec(configured, parsed.data) });
}

/**
 * Checks the name and version of a MeshConfig object of this project's group. Istio's ConfigMap has another name and
 * one of Istio's versions.
 */
function wrongPlace({ apiVersion, metadata }: RawObject): Problem | null {
  if (!apiVersion.startsWith(`${meshConfig.group}/`)) return null;
  const versions = meshConfig.versions.map((version) => `${meshConfig.group}/${version}`);
  if (!versions.includes(apiVersion)) return { path: 'apiVersion', message: `must be ${versions.join(' or ')}` };
  if (metadata.name === meshConfig.onlyName) return null;
  return { path: 'metadata.name', message: `must be ${meshConfig.onlyName}: there is one mesh configuration` };
}

/** Sort key between sources: creation time (in one form, so that texts compare), then name, then namespace. */
export function precedenceOf({ metadata: { creationTimestamp, name, namespace } }: RawObject): readonly string[] {
  const time = Date.parse(creationTimestamp);
  return [Number.isNaN(time) ? creationTimestamp : new Date(time).toISOString(), name, namespace];
}
