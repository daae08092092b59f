import { z } from 'zod';
import type { WorkloadIdentity } from '../../model/caller-authentication.ts';

/** Result of a token review. Reasons are for people. */
export type TokenVerdict =
  | { readonly type: 'valid'; readonly workload: WorkloadIdentity }
  | { readonly type: 'invalid'; readonly reason: string }
  /** The reviewing server did not answer. */
  | { readonly type: 'unavailable'; readonly reason: string };

/** Builds a TokenReview: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/ */
export const tokenReview = (token: string, audiences: readonly string[]): object => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenReview',
  spec: { token, audiences },
});

const reviewed = z.looseObject({
  status: z.looseObject({
    authenticated: z.boolean().default(false),
    error: z.string().default(''),
    audiences: z.array(z.string()).default([]),
    user: z
      .looseObject({
        username: z.string().default(''),
        extra: z.record(z.string(), z.array(z.string())).default({}),
      })
      .prefault({}),
  }),
});

/**
 * Reads the result of a TokenReview. API servers without support for audiences omit them: such a token may be meant for
 * another server, and is invalid here.
 */
export function readTokenReview(answer: unknown, audiences: readonly string[]): TokenVerdict {
  const parsed = reviewed.safeParse(answer);
  if (!parsed.success)
    return { type: 'unavailable', reason: 'the API server answered with something else than a TokenReview' };
  const { authenticated, error, audiences: confirmed, user } = parsed.data.status;
  if (!authenticated) return invalid(error === '' ? 'the API server does not know it' : error);
  if (!confirmed.some((audience) => audiences.includes(audience))) {
    return invalid(`it is not for the audience ${audiences.join(' or ')}`);
  }
  const [, namespace, serviceAccount] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user.username) ?? [];
  if (namespace === undefined || serviceAccount === undefined) {
    return invalid(`it is of "${user.username}", which is no service account`);
  }
  const [name] = user.extra['authentication.kubernetes.io/pod-name'] ?? [];
  const [uid] = user.extra['authentication.kubernetes.io/pod-uid'] ?? [];
  const pod = name === undefined || uid === undefined ? null : { name, uid };
  return { type: 'valid', workload: { namespace, serviceAccount, pod } };
}

const invalid = (reason: string): TokenVerdict => ({ type: 'invalid', reason });
