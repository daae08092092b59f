import type { TLSSocket } from 'node:tls';

/** Identity of a client, from a certificate that the server's CAs verified. */
export interface PeerIdentity {
  /** The URI of the certificate, if it has exactly one and that is a SPIFFE ID (SPIFFE X.509-SVID, 2). */
  readonly spiffeId: string | null;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** Distinguished name, one attribute per line, such as `O=mesh\nCN=reviews`. Empty if the certificate has none. */
  readonly subject: string;
}

/** Result of checking a connection's certificate. */
export type Identification =
  | { readonly type: 'none' }
  | { readonly type: 'verified'; readonly identity: PeerIdentity }
  /** The certificate is not trusted. */
  | { readonly type: 'refused'; readonly reason: string };

/** Identifies the client of a TLS connection after the handshake. */
export function identify(socket: TLSSocket): Identification {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { type: 'none' };
  // Node's types say Error; the value is the error's code, a string
  if (!socket.authorized) return { type: 'refused', reason: String(socket.authorizationError) };
  const names = alternativeNames(certificate.subjectAltName ?? '');
  const uris = names.filter(({ type }) => type === 'URI').map(({ value }) => value);
  const dnsNames = names.filter(({ type }) => type === 'DNS').map(({ value }) => value);
  const [uri] = uris;
  const spiffeId = uris.length === 1 && uri !== undefined && isSpiffeId(uri) ? uri : null;
  return { type: 'verified', identity: { spiffeId, uris, dnsNames, subject: certificate.subject ?? '' } };
}

interface AlternativeName {
  readonly type: string;
  readonly value: string;
}

/**
 * Parses Node's text of the subject alternative names, such as `URI:spiffe://mesh/ns/a, DNS:"odd, name"`. A value with
 * ambiguous characters is a JSON string. Ignores text of any other form.
 */
export function alternativeNames(text: string): readonly AlternativeName[] {
  const names: AlternativeName[] = [];
  const one = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;
  for (let match = one.exec(text); match !== null && match[0] !== ''; match = one.exec(text)) {
    const [, type = '', value = ''] = match;
    const plain = value.startsWith('"') ? unquote(value) : value;
    if (plain !== null) names.push({ type, value: plain });
  }
  return names;
}

function unquote(json: string): string | null {
  try {
    return String(JSON.parse(json));
  } catch {
    return null;
  }
}

/**
 * Returns whether a URI is a SPIFFE ID: a trust domain of lower-case letters, digits and `.-_`, and a path without
 * empty, `.` or `..` segments.
 */
function isSpiffeId(uri: string): boolean {
  const match = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)*)$/.exec(uri);
  if (match === null || uri.length > 2048) return false;
  return !(match[2] ?? '').split('/').some((segment) => segment === '.' || segment === '..');
}
