import { createKubernetesClient, type KubernetesClient } from '../kubernetes/client.ts';
import { createCredentials } from '../kubernetes/credentials.ts';
import type { Clock } from '../lib/clock.ts';
import type { CallerAuthentication } from '../model/caller-authentication.ts';
import {
  type AuthenticationResult,
  authenticationResults,
  createTokenAuthentication,
} from '../security/workloads/token-authentication.ts';
import { readTokenReview, type TokenVerdict, tokenReview } from '../security/workloads/token-review.ts';
import { createTokenReviews, type TokenReviewer } from '../security/workloads/token-reviews.ts';
import { requiredAccess } from './cluster-access.ts';
import type { XdsAuthConfig } from './config.ts';

/** Values of the labels that `observer` is called with. */
export { authenticationResults };
export const tokenVerdicts = ['valid', 'invalid', 'unavailable'] as const satisfies readonly TokenVerdict['type'][];

export interface XdsAuthenticationOptions {
  readonly clock: Clock;
  readonly observer: {
    authenticated(result: AuthenticationResult): void;
    reviewed(verdict: TokenVerdict['type']): void;
  };
  /** Stack that closes the client at the end. */
  readonly closing: AsyncDisposableStack;
}

/**
 * Creates the authentication of xDS clients by the API server of a cluster. Does not connect yet. Rejects with
 * CONFIG_INVALID for an unusable kubeconfig.
 */
export async function createXdsAuthentication(
  auth: XdsAuthConfig,
  { clock, observer, closing }: XdsAuthenticationOptions,
): Promise<CallerAuthentication> {
  const access = () => requiredAccess(auth, { key: 'xds.auth', does: 'reviews tokens' });
  await access();
  const client = createKubernetesClient(createCredentials(access, clock), { clock });
  closing.defer(() => client.close());
  const { audiences, allowTokensWithoutPod } = auth;
  return createTokenAuthentication({
    reviews: createTokenReviews({
      review: reviewerOf(client, audiences),
      clock,
      reviewed: ({ type }) => observer.reviewed(type),
    }),
    audiences,
    allowTokensWithoutPod,
    observe: observer.authenticated,
  });
}

const reviewerOf =
  (client: KubernetesClient, audiences: readonly string[]): TokenReviewer =>
  async (token, signal) => {
    const path = '/apis/authentication.k8s.io/v1/tokenreviews';
    const answer = await client.request({ method: 'POST', path, body: tokenReview(token, audiences), signal });
    return readTokenReview(answer, audiences);
  };
