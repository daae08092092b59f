import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { err, ok, type Result } from '../../lib/result.ts';
import type { RuleKind } from '../../rules/rule.ts';
import { findKind, isRecord } from '../../rules/validation/validate.ts';
import { checkObject } from '../rules/objects/read-object.ts';
import type { RulesApiOptions } from '../rules/options.ts';
import { unresolvedIn } from '../rules/unresolved.ts';
import { type ApiStatus, invalid } from '../status.ts';

const reviewSchema = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string(),
    operation: z.string(),
    object: z.unknown(),
    oldObject: z.unknown(),
  }),
});

export type AdmissionRequest = z.infer<typeof reviewSchema>['request'];

/** Answer to an admission request. https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response */
export interface AdmissionReview {
  readonly apiVersion: 'admission.k8s.io/v1';
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    /** Refusal, as the rules API answers it. */
    readonly status?: ApiStatus;
    readonly warnings?: readonly string[];
  };
}

export interface WebhookAdmissionOptions extends Pick<RulesApiOptions, 'unresolved'> {
  /** Kinds that are checked. Objects of others are allowed. */
  readonly kinds: readonly RuleKind[];
}

/** Reads a review; the error says what it must be. */
export function readAdmission(body: unknown): Result<AdmissionRequest, string> {
  const review = reviewSchema.safeParse(body);
  return review.success ? ok(review.data.request) : err('the body must be an AdmissionReview of admission.k8s.io/v1');
}

/**
 * Checks an object as the rules API does. An update that leaves its spec alone is allowed, so that an object which is
 * invalid already can be relabelled, released and deleted.
 */
export async function admit(request: AdmissionRequest, options: WebhookAdmissionOptions): Promise<AdmissionReview> {
  const { uid, operation, object, oldObject } = request;
  const answer = (response: Omit<AdmissionReview['response'], 'uid'>): AdmissionReview => ({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, ...response },
  });
  const kind = isRecord(object) ? options.kinds.find((one) => one.kind === object.kind) : undefined;
  if (!isRecord(object) || kind === undefined || (operation !== 'CREATE' && operation !== 'UPDATE')) {
    return answer({ allowed: true });
  }
  if (isRecord(oldObject) && isDeepStrictEqual(object.spec, oldObject.spec)) return answer({ allowed: true });
  const known = findKind(object, options.kinds);
  const checked = known.ok
    ? checkObject({ value: withoutClusterFields(object), duplicates: [] }, known.value, 'Strict')
    : known;
  if (!checked.ok) {
    const name = isRecord(object.metadata) ? String(object.metadata.name ?? '') : '';
    const status = invalid({ kind: kind.kind, group: kind.group, name }, checked.error);
    return answer({ allowed: false, status });
  }
  const [unresolved = []] = await unresolvedIn([checked.value], options);
  return answer({ allowed: true, warnings: shortened([...checked.value.warnings, ...unresolved]) });
}

/** Leaves out what the cluster acts on and the rules API does not know: owners and finalizers. */
function withoutClusterFields(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (!isRecord(object.metadata)) return object;
  const { finalizers: _finalizers, ownerReferences: _owners, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** The API server passes on 4,096 characters, and recommends at most 120 for each warning. */
const maxWarnings = 15;
const maxWarningLength = 250;

function shortened(warnings: readonly string[]): readonly string[] {
  const more = warnings.length - maxWarnings;
  const shown = more > 0 ? [...warnings.slice(0, maxWarnings), `and ${more} more of this sort`] : warnings;
  return shown.map((text) => (text.length > maxWarningLength ? `${text.slice(0, maxWarningLength)}...` : text));
}
