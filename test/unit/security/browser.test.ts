import { describe, expect, it } from 'vitest';
import type { Need } from '../../../src/model/access.ts';
import { browserFault } from '../../../src/security/http-access/browser.ts';
import { serverNames } from '../../../src/security/http-access/server-names.ts';

const own = { host: '127.0.0.1:8080' };
const json = { 'content-type': 'application/json' };
const read: Need = { type: 'read' };
const write: Need = { type: 'write-rules', namespace: 'default' };
const discover: Need = { type: 'discover' };

function reasonFor(
  need: Need,
  headers: Record<string, string>,
  { method = 'GET', listening = '127.0.0.1', allowed = [] as readonly string[] } = {},
): string | null {
  const asked = { need, method, url: '/', headers, remote: '127.0.0.1' };
  return browserFault(asked, serverNames(listening, allowed))?.reason ?? null;
}

describe('the Host header', () => {
  for (const { host, listening, allowed, want } of [
    { host: '127.0.0.1:8080', want: null },
    { host: '127.0.0.1', want: null },
    { host: '[::1]:8080', want: null },
    { host: 'localhost:8080', want: null },
    { host: 'LOCALHOST.', want: null },
    { host: 'binnacle.localhost:80', want: null },
    { host: '192.0.2.7:8080', want: null },
    { host: 'evil.example', want: 'host' },
    { host: 'evil.example:8080', want: 'host' },
    { host: 'localhost.evil.example', want: 'host' },
    { host: '127.0.0.1.evil.example', want: 'host' },
    { host: 'user@127.0.0.1', want: 'host' },
    { host: '127.0.0.1:8080:80', want: 'host' },
    { host: '', want: 'host' },
    { host: 'control.mesh', listening: 'control.mesh', want: null },
    { host: 'mesh.example', allowed: ['mesh.example'], want: null },
    { host: 'a.mesh.example', allowed: ['mesh.example'], want: 'host' },
    { host: 'a.mesh.example', allowed: ['*.mesh.example'], want: null },
    { host: 'mesh.example', allowed: ['*.mesh.example'], want: 'host' },
    { host: 'evilmesh.example', allowed: ['*.mesh.example'], want: 'host' },
    { host: 'evil.example', allowed: ['*'], want: null },
  ]) {
    it(`"${host}" is ${want === null ? 'a name of' : 'no name of'} a server with ${allowed ?? 'no further names'}`, () => {
      const names = { ...(listening && { listening }), ...(allowed && { allowed }) };
      expect(reasonFor(read, { host }, names)).toBe(want);
    });
  }
});

describe('the origin', () => {
  for (const { name, headers, method = 'GET', allowed, want } of [
    { name: 'of no browser', headers: {}, want: null },
    { name: 'of the server', headers: { origin: 'http://127.0.0.1:8080' }, want: null },
    { name: 'another', headers: { origin: 'https://evil.example' }, want: 'origin' },
    { name: 'of another port of this machine', headers: { origin: 'http://127.0.0.1:3000' }, want: 'origin' },
    { name: 'of a file or a sandbox', headers: { origin: 'null' }, want: 'origin' },
    { name: 'of an allowed name', headers: { origin: 'https://m.example' }, allowed: ['m.example'], want: null },
    {
      name: 'of another site, with any Host allowed',
      headers: { origin: 'https://m.example' },
      allowed: ['*'],
      want: 'origin',
    },
    { name: 'of another site, for an image', headers: { 'sec-fetch-site': 'cross-site' }, want: 'origin' },
    {
      name: 'of another site, for a link',
      headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      want: null,
    },
    {
      name: 'of another site, for a form',
      headers: { ...json, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      method: 'POST',
      want: 'origin',
    },
    { name: 'of the server, for a page', headers: { 'sec-fetch-site': 'same-origin' }, want: null },
  ]) {
    it(`${name} is ${want === null ? 'accepted' : 'rejected'}`, () => {
      expect(reasonFor(read, { ...own, ...headers }, { method, ...(allowed && { allowed }) })).toBe(want);
    });
  }
});

describe('a write', () => {
  const types = [
    'application/json',
    'application/json; charset=utf-8',
    'application/yaml',
    'text/x-yaml',
    'application/vnd.kubernetes.protobuf',
    'application/merge-patch+json',
  ];
  for (const type of types) {
    it(`is accepted with ${type}`, () => {
      expect(reasonFor(write, { ...own, 'content-type': type }, { method: 'POST' })).toBeNull();
    });
  }
  for (const type of ['', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=json']) {
    it(`is rejected with ${type || 'no content type'}, which forms can send`, () => {
      expect(reasonFor(write, { ...own, 'content-type': type }, { method: 'POST' })).toBe('content-type');
    });
  }
  it('is accepted with a bearer token, which browsers do not add', () => {
    expect(reasonFor(write, { ...own, authorization: 'Bearer abc' }, { method: 'POST' })).toBeNull();
    expect(reasonFor(write, { ...own, authorization: 'Basic abc' }, { method: 'POST' })).toBe('content-type');
  });
  it('needs no content type with a method that requires a preflight', () => {
    for (const method of ['PUT', 'PATCH', 'DELETE']) expect(reasonFor(write, own, { method })).toBeNull();
  });
});

describe('discovery over REST', () => {
  const asEnvoySends = { host: 'xds_cluster', ...json };
  it('accepts the name of a cluster as Host', () => {
    expect(reasonFor(discover, asEnvoySends, { method: 'POST' })).toBeNull();
  });
  it('rejects web pages under any name', () => {
    const page = { host: 'evil.example', origin: 'http://evil.example', ...json };
    expect(reasonFor(discover, page, { method: 'POST' })).toBe('origin');
    expect(reasonFor(discover, { ...own, origin: 'http://127.0.0.1:8080', ...json }, { method: 'POST' })).toBe(
      'origin',
    );
  });
});
