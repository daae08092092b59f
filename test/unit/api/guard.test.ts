import { describe, expect, it } from 'vitest';
import { createHttpServer } from '../../../src/api/server.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { AccessRequest, Need } from '../../../src/model/access.ts';
import { rulesServer, urls } from '../../support/rules-server.ts';

/** Returns the permission of a request, recorded by an access check that rejects everything. */
async function needed(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string): Promise<Need | undefined> {
  const asked: AccessRequest[] = [];
  const routes = [
    '/healthz',
    '/debug/adsz',
    '/metrics',
    '/v3/discovery::clusters',
    '/rules/v1/batch',
    '/rules/v1/export',
    '/rules/v1/import',
    '/apis/a.b/v1/namespaces/:namespace/:plural/:name',
    '/apis/a.b/v1/namespaces/:namespace/:plural/:name/rollback',
    '/apis/a.b/v1/meshes/:name',
    '/api/v1/namespaces/:name',
    '/api/v1/:plural',
    '/api/v1',
    '/apis',
    '/apis/a.b',
    '/apis/a.b/v1',
    '/apis/*',
    '/openapi/v3/apis/a.b/v1',
  ];
  const server = createHttpServer({
    log: silentLogger,
    accessCheck: {
      admit(one) {
        asked.push(one);
        return { type: 'refused', reason: 'host', message: 'nobody', caller: null };
      },
      onChange: () => {},
    },
    routes: [(scope) => routes.forEach((route) => void scope.all(route, async () => 'let in'))],
  });
  const response = await server.inject({ method, url });
  expect([response.statusCode, response.body.includes('let in')]).toEqual([403, false]);
  await server.close();
  return asked[0]?.need;
}

describe('the permission that a request needs', () => {
  const shop = { namespace: 'shop' };
  for (const { method, url, want } of [
    { method: 'GET', url: '/healthz', want: { type: 'nothing' } },
    { method: 'GET', url: '/debug/adsz', want: { type: 'read' } },
    { method: 'GET', url: '/metrics', want: { type: 'read' } },
    { method: 'GET', url: '/nowhere', want: { type: 'read' } },
    { method: 'POST', url: '/nowhere', want: { type: 'admin' } },
    { method: 'POST', url: '/v3/discovery:clusters', want: { type: 'discover' } },
    { method: 'GET', url: '/apis', want: { type: 'describe' } },
    { method: 'GET', url: '/apis/a.b/v1', want: { type: 'describe' } },
    { method: 'GET', url: '/openapi/v3/apis/a.b/v1', want: { type: 'describe' } },
    { method: 'GET', url: '/api/v1', want: { type: 'describe' } },
    { method: 'GET', url: '/api/v1/things', want: { type: 'read' } },
    { method: 'GET', url: '/apis/other', want: { type: 'read' } },
    { method: 'GET', url: '/rules/v1/export', want: { type: 'read' } },
    { method: 'POST', url: '/rules/v1/batch', want: { type: 'write-rules', namespace: null } },
    { method: 'POST', url: '/rules/v1/import', want: { type: 'admin' } },
    { method: 'GET', url: '/apis/a.b/v1/namespaces/shop/things/x', want: { type: 'read' } },
    { method: 'PUT', url: '/apis/a.b/v1/namespaces/shop/things/x', want: { type: 'write-rules', ...shop } },
    { method: 'PUT', url: '/apis/a.b/v1/namespaces/sh%6Fp/things/x', want: { type: 'write-rules', ...shop } },
    { method: 'POST', url: '/apis/a.b/v1/namespaces/shop/things/x/rollback', want: { type: 'write-rules', ...shop } },
    { method: 'DELETE', url: '/apis/a.b/v1/meshes/x', want: { type: 'write-rules', namespace: '' } },
    { method: 'DELETE', url: '/api/v1/namespaces/shop', want: { type: 'write-rules', namespace: '' } },
  ] as const) {
    it(`${method} ${url} is ${want.type}`, async () => expect(await needed(method, url)).toEqual(want));
  }
});

it('a rejected request gets a Status before its body is read, and leaves no audit entry', async () => {
  const { send, store, close } = rulesServer({
    accessCheck: {
      admit: () => ({ type: 'refused', reason: 'content-type', message: 'send JSON', caller: null }),
      onChange: () => {},
    },
  });
  const { code, body } = await send('POST', `${urls.one}/rollback`, { body: 'not read' });
  expect({ code, body }).toMatchObject({
    code: 415,
    body: { kind: 'Status', reason: 'UnsupportedMediaType', message: 'send JSON' },
  });
  expect((await store.audit({ limit: 10 })).items).toEqual([]);
  await close();
});
