import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';

/*
 * Creates X.509 certificates (RFC 5280) in tests, so that they need no program and no key in the repository: ECDSA on
 * P-256, version 3.
 */

export interface CertificateOptions {
  /** The common name. Without it, the certificate has no subject, as in SPIFFE. */
  readonly commonName?: string;
  readonly organisation?: string;
  readonly dnsNames?: readonly string[];
  readonly ips?: readonly string[];
  readonly uris?: readonly string[];
  /** Lifetime from now; negative: expired. Default: a day. */
  readonly lifetimeMs?: number;
}

/** PEM texts. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Identity {
  /** Issues a certificate with a new key. */
  issue(options: CertificateOptions): Identity;
}

/** Creates a certificate authority. */
export function authority(commonName = 'trial CA'): Authority {
  const own = generateKey();
  const name = distinguishedName({ commonName });
  const cert = certificate({ commonName }, { issuer: name, issuerKey: own, key: own, isAuthority: true });
  return {
    cert,
    key: pemOf(own),
    issue(options) {
      const key = generateKey();
      return { cert: certificate(options, { issuer: name, issuerKey: own, key, isAuthority: false }), key: pemOf(key) };
    },
  };
}

const generateKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

interface Signing {
  readonly issuer: Buffer;
  readonly issuerKey: KeyObject;
  readonly key: KeyObject;
  readonly isAuthority: boolean;
}

function certificate(options: CertificateOptions, { issuer, issuerKey, key, isAuthority }: Signing): string {
  const now = Date.now();
  const until = now + (options.lifetimeMs ?? 86_400_000);
  const body = sequence(
    tagged(0xa0, integer(2)),
    tagged(0x02, serialNumber()),
    ecdsaWithSha256,
    issuer,
    sequence(time(Math.min(now, until) - 86_400_000), time(until)),
    distinguishedName(options),
    createPublicKey(createPrivateKey(pemOf(key))).export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions(options, isAuthority))),
  );
  const signature = sign('sha256', body, issuerKey);
  return new X509Certificate(sequence(body, ecdsaWithSha256, bitString(signature))).toString();
}

function extensions({ dnsNames = [], ips = [], uris = [] }: CertificateOptions, isAuthority: boolean): Buffer[] {
  const names = [
    ...dnsNames.map((name) => tagged(0x82, Buffer.from(name))),
    ...uris.map((uri) => tagged(0x86, Buffer.from(uri))),
    ...ips.map((ip) => tagged(0x87, Buffer.from(ip.split('.').map(Number)))),
  ];
  const basicConstraints = isAuthority ? sequence(tagged(0x01, Buffer.from([0xff]))) : sequence();
  return [
    sequence(identifier('2.5.29.19'), tagged(0x01, Buffer.from([0xff])), tagged(0x04, basicConstraints)),
    ...(names.length === 0 ? [] : [sequence(identifier('2.5.29.17'), tagged(0x04, sequence(...names)))]),
  ];
}

function distinguishedName({ commonName, organisation }: CertificateOptions): Buffer {
  const attribute = (type: string, value: string) =>
    tagged(0x31, sequence(identifier(type), tagged(0x0c, Buffer.from(value))));
  return sequence(
    ...(organisation === undefined ? [] : [attribute('2.5.4.10', organisation)]),
    ...(commonName === undefined ? [] : [attribute('2.5.4.3', commonName)]),
  );
}

/** Positive, without a leading zero. */
const serialNumber = (): Buffer => Buffer.concat([Buffer.from([0x40]), randomBytes(8)]);

// The encoding (DER): a tag, a length, contents

function tagged(tag: number, contents: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(contents.length)]), contents]);
}

/** The shortest encoding of a length: Go rejects longer ones. */
function lengthBytes(length: number): readonly number[] {
  if (length < 128) return [length];
  return length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, Buffer.concat(parts));
/** An integer from 0 to 127, which DER encodes in one byte. */
const integer = (value: number): Buffer => tagged(0x02, Buffer.from([value]));
const bitString = (bytes: Buffer): Buffer => tagged(0x03, Buffer.concat([Buffer.from([0]), bytes]));

/** UTCTime: `YYMMDDhhmmssZ`. */
const time = (ms: number): Buffer =>
  tagged(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

/** An object identifier: the first two numbers in one, the others in base 128. */
function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const number of others) {
    const digits = [number & 0x7f];
    for (let rest = number >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return tagged(0x06, Buffer.from(bytes));
}

const ecdsaWithSha256 = sequence(identifier('1.2.840.10045.4.3.2'));
