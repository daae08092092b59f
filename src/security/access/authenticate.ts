import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Access, type Identity, maxTokenLength, sha256 } from './access.ts';
import type { Roles } from './roles.ts';

/** What the certificate of a connection proves. */
export type PeerCertificate =
  | { readonly type: 'none' }
  /** Signed by a CA that the server trusts. `commonName` is null where there are none or several. */
  | { readonly type: 'verified'; readonly spiffeId: string | null; readonly commonName: string | null }
  /** There is one, and it is not to be trusted. */
  | { readonly type: 'refused'; readonly reason: string };

export type Authentication =
  | { readonly type: 'known'; readonly identity: string; readonly roles: Roles }
  /** Nothing was sent, and the file says what such callers may do. `message` says how to be more. */
  | { readonly type: 'anonymous'; readonly roles: Roles; readonly message: string }
  | { readonly type: 'unknown'; readonly message: string };

/** Tells who asks. */
export interface Authenticator {
  /** `authorization` is the header of that name, empty for none; a token counts before a certificate. */
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
 * Finds the identity of a token, at a cost that depends on neither their number nor how much of one is right: what is
 * looked up is a hash under a key of this process, which nobody outside can steer, and the rest is compared in constant
 * time.
 */
function createTokenIndex(identities: readonly Identity[]) {
  const key = randomBytes(32);
  const slotOf = (hash: Buffer): string => createHmac('sha256', key).update(hash).digest('base64');
  const slots = new Map(
    identities.flatMap((identity) => identity.tokens.map((hash) => [slotOf(hash), { hash, identity }] as const)),
  );
  return {
    find(token: string): Identity | null {
      const hash = sha256(token);
      const slot = slots.get(slotOf(hash));
      return slot !== undefined && timingSafeEqual(slot.hash, hash) ? slot.identity : null;
    },
  };
}

/** The first identity that the certificate fits. Where many may, the certificate itself says which of them it is. */
function identityOf(
  { spiffeId, commonName }: PeerCertificate & { readonly type: 'verified' },
  identities: readonly Identity[],
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
