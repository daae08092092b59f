import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Access, type AccessIdentity, maxTokenLength, sha256 } from './access.ts';
import type { Roles } from './roles.ts';

/** Identity that a connection's certificate proves. */
export type PeerCertificate =
  | { readonly type: 'none' }
  /** Signed by a trusted CA. `commonName` is null without exactly one. */
  | { readonly type: 'verified'; readonly spiffeId: string | null; readonly commonName: string | null }
  /** Sent, but not trusted. */
  | { readonly type: 'refused'; readonly reason: string };

export type Authentication =
  | { readonly type: 'known'; readonly identity: string; readonly roles: Roles }
  /** Nothing was sent, and the access file grants roles to such callers. `message` explains how to authenticate. */
  | { readonly type: 'anonymous'; readonly roles: Roles; readonly message: string }
  | { readonly type: 'unknown'; readonly message: string };

/** Authenticates callers. */
export interface Authenticator {
  /** Authenticates by the `authorization` header (empty if absent) or a certificate; the token takes precedence. */
  authenticate(authorization: string, certificate: PeerCertificate): Authentication;
}

export function createAuthenticator({ identities, anonymous }: Access): Authenticator {
  const tokens = createTokenIndex(identities);

  return {
    authenticate(authorization, certificate) {
      if (authorization !== '') {
        const token = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization)?.[1];
        if (token === undefined) return unknown('the Authorization header must be "Bearer" and a token');
        const identity = token.length > maxTokenLength ? null : tokens.find(token);
        return identity === null ? unknown('this token is not known here') : known(identity.name, identity.roles);
      }
      if (certificate.type === 'refused')
        return unknown(`the client certificate is not trusted: ${certificate.reason}`);
      const proved = certificate.type === 'verified' ? identityOf(certificate, identities) : null;
      if (proved !== null) return proved;
      const message =
        certificate.type === 'verified'
          ? 'the access file names no identity for this client certificate'
          : 'say who you are: send a bearer token, or a client certificate';
      return anonymous === null ? unknown(message) : { type: 'anonymous', roles: anonymous, message };
    },
  };
}

const unknown = (message: string): Authentication => ({ type: 'unknown', message });

const known = (identity: string, roles: Roles): Authentication => ({ type: 'known', identity, roles });

/**
 * Finds the identity of a token in constant time, whatever the number of identities or the length of a correct prefix.
 * The lookup uses a hash under a random key of this process; the rest is compared in constant time.
 */
function createTokenIndex(identities: readonly AccessIdentity[]) {
  const key = randomBytes(32);
  const slotOf = (hash: Buffer): string => createHmac('sha256', key).update(hash).digest('base64');
  const slots = new Map(
    identities.flatMap((identity) => identity.tokens.map((hash) => [slotOf(hash), { hash, identity }] as const)),
  );
  return {
    find(token: string): AccessIdentity | null {
      const hash = sha256(token);
      const slot = slots.get(slotOf(hash));
      return slot !== undefined && timingSafeEqual(slot.hash, hash) ? slot.identity : null;
    },
  };
}

/**
 * Returns the first identity that matches the certificate. If its pattern matches many, the certificate's own name
 * identifies the caller.
 */
function identityOf(
  { spiffeId, commonName }: PeerCertificate & { readonly type: 'verified' },
  identities: readonly AccessIdentity[],
): Authentication | null {
  for (const { name, certificates, roles } of identities) {
    for (const pattern of certificates) {
      if (pattern === spiffeId || (commonName !== null && pattern === `CN=${commonName}`)) return known(name, roles);
      const isMany = pattern.startsWith('spiffe://') && pattern.endsWith('*');
      if (isMany && spiffeId?.startsWith(pattern.slice(0, -1))) return known(spiffeId, roles);
    }
  }
  return null;
}
