import type { FastifyRequest } from 'fastify';
import type { RuleKind } from '../../../rules/rule.ts';
import { isRecord, nameOfType } from '../../../rules/validation/validate.ts';
import { ApiError, failure, invalid } from '../../status.ts';
import { BodyError, type BodyItem } from '../body/contract.ts';
import { mediaType, readBody } from '../body/read-body.ts';
import { checkDepth } from '../body/yaml-text.ts';
import { isNamespaceKind } from '../options.ts';
import type { Subject } from '../refusals.ts';
import { jsonPatch, maxOperations, PatchError } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';

export const mergePatchType = 'application/merge-patch+json';
export const jsonPatchType = 'application/json-patch+json';
export const strategicPatchType = 'application/strategic-merge-patch+json';
export const applyPatchTypes = ['application/apply-patch+yaml', 'application/apply-patch+cbor'];

/** Applies a patch to an object. Throws a 422 with the reason if it cannot. */
export type ObjectPatch = (target: unknown) => Pick<BodyItem, 'value' | 'duplicates'>;

/** Reads the patch of a request. Throws a 415 for an unsupported type of patch and a 400 for an invalid one. */
export async function readPatch(request: FastifyRequest, { kind, key }: Subject): Promise<ObjectPatch> {
  const type = mediaType(request);
  if (!supportedTypes(kind).includes(type)) throw unsupported(type, kind);
  const item = await readBody(request);
  const patch = item?.value;
  const duplicates = item?.duplicates ?? [];
  if (type === jsonPatchType) {
    const operations = operationsOf(patch);
    return (target) => ({ value: applied(() => jsonPatch(target, operations), { kind, key }), duplicates });
  }
  if (!isRecord(patch)) throw badRequest(`the body must be an object, not ${nameOfType(patch)}`);
  if (type === strategicPatchType) refuseDirectives(patch);
  return (target) => ({ value: mergePatch(target, patch), duplicates });
}

const supportedTypes = (kind: RuleKind): readonly string[] => [
  mergePatchType,
  jsonPatchType,
  ...(isNamespaceKind(kind) ? [strategicPatchType] : []),
];

function unsupported(type: string, kind: RuleKind): ApiError {
  const supported = `send ${supportedTypes(kind).join(' or ')}, or the whole object with PUT`;
  const message = applyPatchTypes.includes(type)
    ? `server-side apply is not supported yet: leave out --server-side, or ${supported}`
    : `${type} is not supported here: ${supported}`;
  return new ApiError(failure('UnsupportedMediaType', message));
}

function operationsOf(patch: unknown): readonly unknown[] {
  if (!Array.isArray(patch)) throw badRequest(`the body must be a list of operations, not ${nameOfType(patch)}`);
  if (patch.length <= maxOperations) return patch;
  const message = `a JSON patch may have ${maxOperations} operations at most, not ${patch.length}`;
  throw new ApiError(failure('RequestEntityTooLarge', message));
}

function applied(apply: () => unknown, { kind, key }: Subject): unknown {
  try {
    const value = apply();
    checkDepth(value);
    return value;
  } catch (cause) {
    if (!(cause instanceof PatchError || cause instanceof BodyError)) throw cause;
    const problems = [{ path: '', message: `the patch cannot be applied: ${cause.message}` }];
    throw new ApiError(invalid({ kind: kind.kind, group: kind.group, name: key.name }, problems));
  }
}

/** Rejects directives of strategic merge patches: only namespaces are patched so, and they have no lists to merge. */
function refuseDirectives(patch: unknown): void {
  if (typeof patch !== 'object' || patch === null) return;
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) throw badRequest(`the directive ${key} is not supported: send ${mergePatchType}`);
    refuseDirectives(value);
  }
}

const badRequest = (message: string): ApiError => new ApiError(failure('BadRequest', message));
