import type { CallerAuthentication, CallerVerdict } from '../../model/caller-authentication.ts';
import { claimFault } from './claims.ts';
import type { TokenReviews } from './token-reviews.ts';

/** Counted results. `mismatch`: the node differs from its token. */
export const authenticationResults = ['token', 'certificate', 'unauthenticated', 'unavailable', 'mismatch'] as const;

export type AuthenticationResult = (typeof authenticationResults)[number];

export interface TokenAuthenticationOptions {
  readonly reviews: TokenReviews;
  /** Audiences of which a token must have one; for messages. */
  readonly audiences: readonly string[];
  /** Accepts tokens without a pod; the pod in their nodes is not checked. */
  readonly allowTokensWithoutPod: boolean;
  readonly observe: (result: AuthenticationResult) => void;
}

/**
 * Creates the authentication of `xds.auth: kubernetes`. Callers send a service account token in `authorization`, or
 * have a client certificate that the TLS listener verified. A sent token must be valid, whatever the certificate.
 */
export function createTokenAuthentication(options: TokenAuthenticationOptions): CallerAuthentication {
  const { reviews, audiences, allowTokensWithoutPod, observe } = options;

  const decide = async (header: string, hasCertificate: boolean): Promise<CallerVerdict> => {
    if (header === '') {
      return hasCertificate ? { type: 'admitted', workload: null } : unauthenticated(askForToken(audiences));
    }
    const token = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1];
    if (token === undefined) return unauthenticated('the metadata "authorization" must be "Bearer" and a token');
    const verdict = await reviews.verdictOf(token);
    if (verdict.type === 'unavailable') {
      const message = `the token cannot be checked now (${verdict.reason}): try again`;
      return { type: 'refused', reason: 'unavailable', message };
    }
    if (verdict.type === 'invalid') return unauthenticated(`the token is not valid: ${verdict.reason}`);
    if (verdict.workload.pod === null && !allowTokensWithoutPod) return unauthenticated(withoutPod);
    return { type: 'admitted', workload: verdict.workload };
  };

  return {
    async authenticate({ metadata, identity }) {
      const { authorization = '' } = metadata;
      const verdict = await decide(typeof authorization === 'string' ? authorization : '', identity !== null);
      if (verdict.type === 'refused') observe(verdict.reason);
      else observe(verdict.workload === null ? 'certificate' : 'token');
      return verdict;
    },
    claimFault(workload, claims) {
      const fault = claimFault(workload, claims);
      if (fault !== null) observe('mismatch');
      return fault;
    },
  };
}

const unauthenticated = (message: string): CallerVerdict => ({ type: 'refused', reason: 'unauthenticated', message });

const askForToken = (audiences: readonly string[]): string =>
  `send a service account token with the audience ${audiences.join(' or ')} as the metadata "authorization: Bearer TOKEN"`;

const withoutPod =
  'the token is bound to no pod: mount a projected token (serviceAccountToken), or set xds.auth.allowTokensWithoutPod';
