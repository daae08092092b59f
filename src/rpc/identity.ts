import type { TLSSocket } from 'node:tls';

/** Who a client has proved to be: what its certificate says, verified against the CAs of the server. */
export interface PeerIdentity {
  /** The one URI of the certificate, if it has one and that is a SPIFFE ID (SPIFFE X.509-SVID, 2). */
  readonly spiffeId: string | null;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** Distinguished name, one attribute a line, such as `O=mesh\nCN=reviews`. Empty if the certificate has none. */
  readonly subject: string;
}

/** What a connection's certificate leads to. */
export type Identification =
  | { readonly type: 'none' }
  | { readonly type: 'verified'; readonly identity: PeerIdentity }
  /** There is a certificate and it is not to be trusted. */
  | { readonly type: 'refused'; readonly reason: string };

/** Identifies the other end of a TLS connection whose handshake is done. */
export function identify(socket: TLSSocket): Identification {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { type: 'none' };
  // Node's types say Error; it is the error's code, a string
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
 * Reads Node's text of the subject alternative names, such as `URI:spiffe://mesh/ns/a, DNS:"odd, name"`: a value with
 * characters that could be taken for the next name is a JSON string. Whatever is not of that form is left out.
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

/** A trust domain of lower-case letters, digits and `.-_`, and a path without empty, `.` or `..` segments. */
function isSpiffeId(uri: string): boolean {
  const match = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)*)$/.exec(uri);
  if (match === null || uri.length > 2048) return false;
  return !(match[2] ?? '').split('/').some((segment) => segment === '.' || segment === '..');
}
