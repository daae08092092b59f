import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Need } from '../../../src/model/access.ts';
import { parseAccess } from '../../../src/security/access/access.ts';
import { createAuthenticator, type PeerCertificate } from '../../../src/security/access/authenticate.ts';
import { mayDo } from '../../../src/security/access/roles.ts';

const annToken = 'ann-token-that-is-long-enough';
const ciToken = 'ci-token-that-is-long-enough';
const file = `
identities:
  - { name: ann, tokens: ["sha256:${createHash('sha256').update(annToken).digest('hex')}"], roles: { admin: true } }
  - { name: ci, tokens: [${ciToken}], roles: { writeRules: [shop, "books-*"] } }
  - { name: deployer, certificates: [spiffe://mesh/ns/ops/sa/deployer], roles: { writeRules: ["*"] } }
  - { name: vms, certificates: ["spiffe://mesh/ns/vms/sa/*", CN=vm-agent], roles: { register: [vms] } }
`;

function parsed(text: string) {
  const access = parseAccess(text);
  if (!access.ok) throw new Error(access.error);
  return access.value;
}
const none: PeerCertificate = { type: 'none' };
const certificate = (spiffeId: string | null, commonName: string | null = null): PeerCertificate => ({
  ...{ type: 'verified', spiffeId, commonName },
});

/** Returns the identity of a caller, or the reason why there is none. */
function whois(authorization: string, peer: PeerCertificate = none, text = file): string {
  const found = createAuthenticator(parsed(text)).authenticate(authorization, peer);
  if (found.type === 'anonymous') return 'anonymous';
  return found.type === 'known' ? found.identity : found.message;
}

describe('a caller', () => {
  for (const { name, header = '', peer = none, want } of [
    { name: 'with a token that is stored as a hash', header: `Bearer ${annToken}`, want: 'ann' },
    { name: 'with a token that is stored in plain text', header: `bearer ${ciToken}`, want: 'ci' },
    { name: 'with the certificate of a name', peer: certificate('spiffe://mesh/ns/ops/sa/deployer'), want: 'deployer' },
    {
      name: 'with a certificate that matches a pattern is called by its own name',
      peer: certificate('spiffe://mesh/ns/vms/sa/a'),
      want: 'spiffe://mesh/ns/vms/sa/a',
    },
    { name: 'with a common name', peer: certificate(null, 'vm-agent'), want: 'vms' },
    {
      name: 'with both is identified by the token',
      header: `Bearer ${ciToken}`,
      peer: certificate(null, 'vm-agent'),
      want: 'ci',
    },
    {
      name: 'with a wrong token and a right certificate',
      header: `Bearer ${ciToken}x`,
      peer: certificate(null, 'vm-agent'),
      want: 'this token is not known here',
    },
    { name: 'with the hash for a token', header: `Bearer ${'a'.repeat(64)}`, want: 'this token is not known here' },
    {
      name: 'with an overlong token',
      header: `Bearer ${'a'.repeat(15_000)}`,
      want: 'this token is not known here',
    },
    { name: 'with a password', header: 'Basic YTpi', want: 'the Authorization header must be "Bearer" and a token' },
    {
      name: 'with an empty token',
      header: 'Bearer ',
      want: 'the Authorization header must be "Bearer" and a token',
    },
    { name: 'with nothing', want: 'say who you are: send a bearer token, or a client certificate' },
    {
      name: 'with a certificate of no identity',
      peer: certificate('spiffe://mesh/ns/vmsx/sa/a', 'other'),
      want: 'the access file names no identity for this client certificate',
    },
    {
      name: 'with an untrusted certificate',
      peer: { type: 'refused', reason: 'CERT_HAS_EXPIRED' } as const,
      want: 'the client certificate is not trusted: CERT_HAS_EXPIRED',
    },
  ]) {
    it(name, () => expect(whois(header, peer)).toBe(want));
  }

  it('with nothing is anonymous if the file gives roles to anonymous callers, but not with a wrong token', () => {
    const text = `${file}anonymous: { discover: true }\n`;
    expect(whois('', none, text)).toBe('anonymous');
    expect(whois('Bearer wrong', none, text)).toBe('this token is not known here');
  });
});

describe('the roles', () => {
  const shop = { namespace: 'shop' };
  const needs = {
    describe: { type: 'describe' },
    read: { type: 'read' },
    discover: { type: 'discover' },
    'rules of shop': { type: 'write-rules', ...shop },
    'rules of shop-a': { type: 'write-rules', namespace: 'shop-a' },
    'some rules': { type: 'write-rules', namespace: null },
    'rules of the cluster': { type: 'write-rules', namespace: '' },
    'registrations of shop': { type: 'read-registrations', ...shop },
    'register in shop': { type: 'register', ...shop },
    'register somewhere': { type: 'register', namespace: null },
    admin: { type: 'admin' },
  } satisfies Record<string, Need>;
  for (const { roles, want } of [
    { roles: '{}', want: [] },
    { roles: '{ read: true }', want: ['read', 'discover', 'registrations of shop'] },
    { roles: '{ discover: true }', want: ['discover'] },
    {
      roles: '{ writeRules: [shop] }',
      want: ['read', 'discover', 'rules of shop', 'some rules', 'registrations of shop'],
    },
    {
      roles: '{ writeRules: ["shop*"] }',
      want: ['read', 'discover', 'rules of shop', 'rules of shop-a', 'some rules', 'registrations of shop'],
    },
    { roles: '{ register: [shop] }', want: ['registrations of shop', 'register in shop', 'register somewhere'] },
    { roles: '{ register: [books] }', want: ['register somewhere'] },
    {
      roles: '{ writeRules: ["*"], register: ["*"] }',
      want: Object.keys(needs).filter((need) => need !== 'rules of the cluster' && need !== 'admin'),
    },
    { roles: '{ admin: true }', want: Object.keys(needs) },
  ]) {
    it(`${roles} permit ${want.join(', ') || 'nothing'}`, () => {
      const { anonymous } = parsed(`anonymous: ${roles}`);
      if (anonymous === null) throw new Error('no roles');
      expect(
        Object.entries(needs)
          .filter(([, need]) => mayDo(anonymous, need))
          .map(([name]) => name),
      ).toEqual(Object.keys(needs).filter((need) => need === 'describe' || (want as string[]).includes(need)));
    });
  }
});

describe('an access file is rejected without repeating any token', () => {
  const one = (fields: string) => `identities: [{ name: a, roles: {}, ${fields} }]`;
  for (const { name, text, says } of [
    {
      name: 'invalid YAML',
      text: 'identities: [SECRETSECRETSECRETSECRET',
      says: 'it is not YAML: BAD_INDENT at line 1, column',
    },
    { name: 'an alias', text: one('tokens: [*SECRETSECRETSECRETSECRET]'), says: 'it has YAML aliases' },
    { name: 'a list', text: '[]', says: 'expected object' },
    { name: 'an unknown key', text: 'SECRET: 1', says: 'has a key that it does not know' },
    {
      name: 'an unknown key of an identity',
      text: one('SECRET: 1'),
      says: 'identities[0]: has a key that it does not know',
    },
    { name: 'no roles', text: 'identities: [{ name: a }]', says: 'identities[0].roles: ' },
    {
      name: 'a short token',
      text: one('tokens: [SECRET]'),
      says: 'identities[0].tokens[0]: must have 20 to 4096 characters',
    },
    {
      name: 'half a hash',
      text: one('tokens: ["sha256:SECRETSECRETSECRET"]'),
      says: '64 hexadecimal digits in lower case',
    },
    { name: 'a number', text: one('tokens: [12345678901234567890]'), says: 'identities[0].tokens[0]: must be sha256:' },
    {
      name: 'a token with a space',
      text: one('tokens: ["SECRET SECRET SECRET SECRET"]'),
      says: 'as a header carries it',
    },
    {
      name: 'a pattern beyond one trust domain',
      text: one('certificates: ["spiffe://mesh*"]'),
      says: 'must be a SPIFFE ID',
    },
    {
      name: 'an invalid namespace',
      text: 'anonymous: { register: ["a*b"] }',
      says: 'anonymous.register[0]: must be a namespace',
    },
    {
      name: 'a token that two identities have, once as a hash',
      text: `identities:
  - { name: a, tokens: [SECRETSECRETSECRETSECRET], roles: {} }
  - { name: b, tokens: ["sha256:${createHash('sha256').update('SECRETSECRETSECRETSECRET').digest('hex')}"], roles: {} }`,
      says: 'identities[1].tokens[0]: is used by a as well',
    },
  ]) {
    it(name, () => {
      const access = parseAccess(text);
      expect(access).toEqual({ ok: false, error: expect.stringContaining(says) });
      expect(JSON.stringify(access)).not.toContain('SECRET');
    });
  }

  it('is rejected if it is empty, as it may be being written; an empty list admits nobody', () => {
    expect(parseAccess('')).toMatchObject({ ok: false, error: expect.stringContaining('it is empty') });
    expect(parsed('identities: []')).toEqual({ identities: [], anonymous: null, hasPlainTokens: false });
  });
});
