import { err, ok, type Result } from '../../lib/result.ts';
import type { RawObject } from '../../model/object.ts';
import { type MeshConfig, meshConfigSchema } from '../mesh-config.ts';
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

/** The kind under which adapters pass the mesh configuration on. */
export const meshKind = 'MeshConfig';

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
  const rule = validateRule(raw, kinds);
  if (!rule.ok) return rule;
  return ok({ type: 'rule', rule: stored === null ? rule.value : { ...rule.value, metadata: stored } });
}

function meshOf(raw: RawObject, configured: MeshConfig): Result<BookValue, readonly Problem[]> {
  const spec = raw.spec ?? {};
  if (!isRecord(spec)) return err([{ path: 'spec', message: 'must be an object with the fields of MeshConfig' }]);
  const parsed = meshConfigSchema.safeParse({ ...configured, ...spec }, { reportInput: true });
  if (!parsed.success) return err(schemaProblems(meshConfigSchema, parsed.error, 'spec'));
  return ok({ type: 'mesh', mesh: parsed.data });
}

/** What decides between sources: creation time (in one form, so that text compares), then name, then namespace. */
export function precedenceOf({ metadata: { creationTimestamp, name, namespace } }: RawObject): readonly string[] {
  const time = Date.parse(creationTimestamp);
  return [Number.isNaN(time) ? creationTimestamp : new Date(time).toISOString(), name, namespace];
}
