import { fieldPath } from '../../../lib/field-path.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { Problem, RuleKind } from '../../../rules/rule.ts';
import type { ObjectDraft } from '../../../rules/store.ts';
import { namespaceSchema } from '../../../rules/validation/metadata.ts';
import { isRecord, nameOfType, validateObject } from '../../../rules/validation/validate.ts';
import { ApiError, failure, invalid } from '../../status.ts';
import type { BodyItem } from '../body/contract.ts';
import { isNamespaceKind } from '../options.ts';
import type { FieldValidation } from '../parameters.ts';
import { sizeProblem } from './object-size.ts';

/** Names that the URL gives to the object in the body. */
export interface UrlNames {
  readonly kind: RuleKind;
  readonly apiVersion: string;
  /** Namespace; empty for cluster-scoped objects. */
  readonly namespace: string;
  /** Name; null on creation, when the body names the object. */
  readonly name: string | null;
}

/** Object that passed all checks. */
export interface CheckedObject {
  readonly draft: ObjectDraft;
  /** Spec as the schema of its kind returned it. */
  readonly spec: unknown;
  /** Version that the author read; null if not given. */
  readonly resourceVersion: string | null;
  /** UID of the intended object; null if not given. */
  readonly uid: string | null;
  readonly creationTimestamp: string | null;
  /** Warnings about possible mistakes. */
  readonly warnings: readonly string[];
}

/**
 * Reads an object from a request body. The URL supplies names that the body omits. A contradiction is a 400, an invalid
 * object a 422 with a cause for each field.
 */
export function readBodyObject(item: BodyItem | null, place: UrlNames, validation: FieldValidation): CheckedObject {
  const body = item?.value ?? null;
  if (item === null || body === null) throw badRequest('the body is empty: send the object');
  if (!isRecord(body)) throw badRequest(`the body must be an object, not ${nameOfType(body)}`);
  const { kind, apiVersion, namespace } = place;
  const metadata = body.metadata ?? {};
  if (!isRecord(metadata)) throw badRequest(`metadata must be an object, not ${nameOfType(metadata)}`);

  const name = place.name ?? metadata.name;
  const given = { kind: body.kind, apiVersion: body.apiVersion, namespace: metadata.namespace, name: metadata.name };
  const wanted = { kind: kind.kind, apiVersion, namespace, name };
  for (const field of ['kind', 'apiVersion', 'namespace', 'name'] as const) {
    const [inBody, inUrl] = [given[field] ?? wanted[field], wanted[field]];
    if (inBody === inUrl || inBody === '') continue;
    throw badRequest(
      `the body says ${field} ${JSON.stringify(inBody)}, the URL ${inUrl === '' ? 'none' : JSON.stringify(inUrl)}`,
    );
  }

  const value = { ...body, kind: kind.kind, apiVersion, metadata: { ...metadata, namespace, name } };
  const read = checkObject({ ...item, value }, kind, validation);
  if (read.ok) return read.value;
  throw new ApiError(invalid({ kind: kind.kind, group: kind.group, name: String(name ?? '') }, read.error));
}

/** Checks an object of a known kind by the rules that apply to every source. */
export function checkObject(
  { value, duplicates }: Pick<BodyItem, 'value' | 'duplicates'>,
  kind: RuleKind,
  validation: FieldValidation,
): Result<CheckedObject, readonly Problem[]> {
  const size = sizeProblem(value);
  if (size !== null) return err([size]);
  const isStrict = validation === 'Strict';
  const twice = duplicates.map((path) => fieldPath('', path));
  const valid = validateObject(value, [kind], isStrict ? 'refuse' : 'drop');
  const problems = [
    ...(valid.ok ? namingProblems(valid.value.metadata.name, kind) : valid.error),
    ...(isStrict ? twice : []).map((path) => ({ path, message: 'duplicate field' })),
  ];
  if (!valid.ok || problems.length > 0) return err(problems);

  const { metadata, written, spec, dropped } = valid.value;
  const { name, namespace, labels, annotations, resourceVersion, uid, creationTimestamp } = metadata;
  const slips = [
    ...dropped.map((path) => `${path}: unknown field, was left out`),
    ...twice.map((path) => `${path}: duplicate field, the last one was taken`),
  ];
  const owners = Array.isArray(metadata.ownerReferences) && metadata.ownerReferences.length > 0;
  return ok({
    draft: {
      kind: kind.kind,
      apiVersion: valid.value.apiVersion,
      metadata: { name, namespace, labels, annotations },
      spec: written,
    },
    spec,
    resourceVersion,
    uid,
    creationTimestamp,
    warnings: [
      ...(validation === 'Warn' ? slips : []),
      ...(owners ? ['metadata.ownerReferences: nothing here acts on owners, was left out'] : []),
      ...kind.pending(spec).map((path) => `${path} has no effect yet`),
      ...(kind.doubts?.(spec) ?? []).map(({ path, message }) => `${path} ${message}`),
    ],
  });
}

function namingProblems(name: string, { kind, group, onlyName }: RuleKind): readonly Problem[] {
  const path = 'metadata.name';
  if (onlyName !== undefined && name !== onlyName) {
    return [{ path, message: `must be ${JSON.stringify(onlyName)}: there is one ${kind} only` }];
  }
  if (!isNamespaceKind({ kind, group })) return [];
  const checked = namespaceSchema.safeParse(name);
  return checked.success ? [] : checked.error.issues.map(({ message }) => ({ path, message }));
}

const badRequest = (message: string): ApiError => new ApiError(failure('BadRequest', message));
