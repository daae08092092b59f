import { describe, expect, it } from 'vitest';
import type { Need } from '../../../src/model/access.ts';
import { parseAccess } from '../../../src/security/access/access.ts';
import { createAuthenticator } from '../../../src/security/access/authenticate.ts';
import { createHttpAccess } from '../../../src/security/http-access/http-access.ts';
import { serverNames } from '../../../src/security/http-access/server-names.ts';

const access = parseAccess(`
identities: [{ name: ci, tokens: [a-token-of-the-ci-server], roles: { writeRules: [shop] } }]
anonymous: { discover: true }
`);
const authenticator = access.ok ? createAuthenticator(access.value) : null;
const token = { authorization: 'Bearer a-token-of-the-ci-server' };

function ask(need: Need, headers: Record<string, string> = {}, isOpen = false) {
  const refused: string[] = [];
  const access = createHttpAccess({
    names: serverNames('127.0.0.1', []),
    authenticator: () => (isOpen ? null : authenticator),
    refused: (_asked, { reason }) => refused.push(reason),
  });
  const asked = { need, method: 'GET', url: '/', headers: { host: 'localhost', ...headers }, remote: '127.0.0.1' };
  const { type, caller, ...rest } = access.admit(asked, { type: 'none' });
  return { type, identity: caller?.identity, ...rest, refused };
}

describe('HTTP access', () => {
  it('accept everybody if no authentication is required', () => {
    expect(ask({ type: 'admin' }, {}, true)).toEqual({ type: 'admitted', identity: null, refused: [] });
  });
  it('require authentication', () => {
    expect(ask({ type: 'read' })).toMatchObject({
      type: 'refused',
      reason: 'unauthenticated',
      refused: ['unauthenticated'],
    });
    expect(ask({ type: 'read' }, token)).toEqual({ type: 'admitted', identity: 'ci', refused: [] });
  });
  it('require authentication for anything that anonymous callers may not do', () => {
    const asEnvoy = { host: 'xds_cluster', 'content-type': 'application/json' };
    expect(ask({ type: 'discover' }, asEnvoy)).toEqual({ type: 'admitted', identity: 'anonymous', refused: [] });
    expect(ask({ type: 'admin' })).toMatchObject({
      ...{ type: 'refused', reason: 'unauthenticated', message: expect.stringContaining('say who you are') },
    });
  });
  it('report the missing permission of an authenticated caller', () => {
    expect(ask({ type: 'write-rules', namespace: 'books' }, token)).toEqual({
      type: 'refused',
      identity: 'ci',
      reason: 'forbidden',
      message: '"ci" may not write rules in the namespace "books": the access file does not give it that role',
      refused: ['forbidden'],
    });
  });
  it('answer health checks of everybody, under any name, even with a wrong token', () => {
    const headers = { host: 'evil.example', authorization: 'Bearer wrong' };
    expect(ask({ type: 'nothing' }, headers)).toMatchObject({ type: 'admitted', refused: [] });
  });
  it('check the name before the token', () => {
    expect(ask({ type: 'read' }, { ...token, host: 'evil.example' })).toMatchObject({
      reason: 'host',
      identity: undefined,
    });
  });
});
