import { err, ok, type Result } from '../../lib/result.ts';
import type { RawObject } from '../../model/object.ts';
import { meshConfig } from '../kinds/mesh-config/index.ts';
import { namespace } from '../kinds/namespace/index.ts';
import { type MeshConfig, meshConfigSpec, withMeshConfigSpec } from '../mesh-config.ts';
import { type Problem, type Rule, type RuleId, type RuleKind, type RuleMetadata, ruleId } from '../rule.ts';
import type { ObjectKey, StoredObject } from '../store/store.ts';
import { schemaProblems } from '../validation/schema-problems.ts';
import { isRecord, validateRule } from '../validation/validate.ts';

/** What a good object puts into effect. */
export type BookValue =
  | { readonly type: 'rule'; readonly rule: Rule }
  | { readonly type: 'mesh'; readonly mesh: MeshConfig };

/** An object on its way into the book. `stored` is the metadata that a store gave it, null for an adapter's. */
export interface BookObject {
  readonly raw: RawObject;
  readonly stored: RuleMetadata | null;
}

/** The kind under which adapters and the store pass the mesh configuration on. */
export const meshKind = meshConfig.kind;

/** Whether an object of this kind is nothing to the book: a namespace is there for its name and labels. */
export const isOutsideBook = (kind: string): boolean => kind === namespace.kind;

/** The id of the object that a key names. */
export const idOf = ({ kind, namespace, name }: ObjectKey): RuleId => ruleId({ kind, metadata: { namespace, name } });

/** An object that an adapter told of. */
export const adapterObject = (raw: RawObject): BookObject => ({ raw, stored: null });

/** An object of the store; its metadata is the store's. */
export function storedObject({ kind, apiVersion, metadata, spec }: StoredObject): BookObject {
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

/** Validates an object. `configured` is what a MeshConfig object leaves unsaid. */
export function valueOf(
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

/** What Istio's ConfigMap carries has that object's name and a version of Istio's; ours is held to its own. */
function wrongPlace({ apiVersion, metadata }: RawObject): Problem | null {
  if (!apiVersion.startsWith(`${meshConfig.group}/`)) return null;
  const versions = meshConfig.versions.map((version) => `${meshConfig.group}/${version}`);
  if (!versions.includes(apiVersion)) return { path: 'apiVersion', message: `must be ${versions.join(' or ')}` };
  if (metadata.name === meshConfig.onlyName) return null;
  return { path: 'metadata.name', message: `must be ${meshConfig.onlyName}: there is one mesh configuration` };
}

/** What decides between sources: creation time (in one form, so that text compares), then name, then namespace. */
export function precedenceOf({ metadata: { creationTimestamp, name, namespace } }: RawObject): readonly string[] {
  const time = Date.parse(creationTimestamp);
  return [Number.isNaN(time) ? creationTimestamp : new Date(time).toISOString(), name, namespace];
}
