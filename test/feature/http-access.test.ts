import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { send, sendJson } from '../support/http.ts';
import { virtualService } from '../support/mesh-dir.ts';

const list = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane?.stop());

/*
 * Requests with the headers that browsers send without a preflight, as the Fetch standard defines them. No browser is
 * needed.
 */
describe('a web page in a browser that can reach the program', () => {
  const page = { origin: 'http://evil.example', referer: 'http://evil.example/', 'user-agent': 'Mozilla/5.0' };
  const object = (status: number) => virtualService('shop.test', [{ directResponse: { status } }]);
  const read = async () =>
    JSON.parse((await send(plane.httpPort, { path: `${list}/${object(200).metadata.name}` })).body).spec;

  it('cannot roll back an object with a form', async () => {
    const { name } = object(200).metadata;
    await sendJson(plane.httpPort, 'POST', list, object(200));
    await sendJson(plane.httpPort, 'PUT', `${list}/${name}`, object(201));
    const path = `${list}/${name}/rollback`;
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const { headers, status } of [
      { headers: {}, status: 415 },
      { headers: form, status: 415 },
      { headers: { 'content-type': 'text/plain' }, status: 415 },
      { headers: { ...page, ...form, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, status: 403 },
      { headers: { ...page, 'content-type': 'application/json' }, status: 403 },
    ]) {
      expect(await send(plane.httpPort, { method: 'POST', path, headers })).toMatchObject({ status });
    }
    expect((await read()).http[0].directResponse.status).toBe(201);
    await sendJson(plane.httpPort, 'POST', path, {});
    expect((await read()).http[0].directResponse.status).toBe(200);
  });

  it('cannot read or write under a foreign name that resolves to the server (DNS rebinding)', async () => {
    const host = `evil.example:${plane.httpPort}`;
    const json = { 'content-type': 'application/json' };
    const samePage = { origin: `http://${host}`, ...json };
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/debug/configz'],
      ['GET', '/metrics'],
      ['GET', list],
      ['GET', '/rules/v1/export'],
      ['GET', '/registry/v1/namespaces/default/services'],
      ['POST', '/rules/v1/batch'],
      ['PUT', '/registry/v1/namespaces/default/services/a.test/instances/1'],
      ['DELETE', `${list}/shop`],
    ] as const) {
      const { status, body } = await send(plane.httpPort, { method, path, host, headers: json });
      expect({ method, path, status, body }).toMatchObject({
        ...{ method, path, status: 403, body: expect.stringContaining('http.allowedHosts') },
      });
    }
    const discovery = { method: 'POST', path: '/v3/discovery:clusters', host, headers: samePage, body: '{}' };
    expect(await send(plane.httpPort, discovery)).toMatchObject({ status: 403 });
  });

  it('is rejected with few log lines, and counted', async () => {
    const before = (await plane.metric('binnacle_http_refusals_total{reason="host"}')) ?? 0;
    for (let at = 0; at < 500; at++) await send(plane.httpPort, { host: 'evil.example' });
    expect(await plane.metric('binnacle_http_refusals_total{reason="host"}')).toBe(before + 500);
    const lines = plane.child.stderr().split('\n');
    expect(lines.filter((line) => line.includes('requests refused')).length).toBeLessThan(10);
  });
});

describe('the names of a server', () => {
  it('include http.allowedHosts', async () => {
    const named = await startControlPlane({ config: { http: { allowedHosts: ['*.mesh.example'] } } });
    try {
      const ask = async (host: string, headers = {}) =>
        (await send(named.httpPort, { path: '/debug', host, headers })).status;
      expect(await ask('rules.mesh.example', { origin: 'https://rules.mesh.example' })).toBe(200);
      expect(await ask('rules.mesh.example.evil.example')).toBe(403);
      expect(await ask('localhost')).toBe(200);
    } finally {
      await named.stop();
    }
  });
});
