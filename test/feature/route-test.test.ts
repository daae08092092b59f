import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { cli } from '../support/cli.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { get, type HttpRequest } from '../support/http.ts';
import { createMeshDir, destinationRule, type MeshDir, serviceEntry, to, virtualService } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const host = 'shop.test';

describeWith(['envoy'], 'route-test', () => {
  let mesh: MeshDir;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let port: number;
  let backends: readonly Backend[];

  beforeAll(async () => {
    backends = await Promise.all([startBackend('v1'), startBackend('v2')]);
    port = await freePort();
    mesh = await createMeshDir();
    const endpoints = backends.map((backend) => ({ port: backend.port, labels: { version: backend.name } }));
    await mesh.write(
      'mesh.yaml',
      serviceEntry(host, port, endpoints),
      destinationRule(host, ['v1', 'v2']),
      virtualService(host, [
        { match: [{ uri: { exact: '/gone' } }], directResponse: { status: 410 } },
        { match: [{ uri: { prefix: '/old' } }], redirect: { uri: '/new' } },
        { name: 'gray', match: [{ headers: { 'x-env': { exact: 'gray' } } }], route: to(host, { v2: 100 }) },
        { match: [{ queryParams: { v: { regex: '[2-9]' } } }], route: to(host, { v2: 100 }) },
        { route: to(host, { v1: 100 }) },
      ]),
    );
    controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
    const bootstrap = sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta', name: 'web' });
    envoy = await startEnvoy({ bootstrap });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    await Promise.all([...(backends ?? []).map((backend) => backend.stop()), mesh?.delete()]);
  });

  const onServer = async (...words: string[]) =>
    cli(['route-test', 'web.default', ...words], {
      env: { BINNACLE_SERVER: `http://127.0.0.1:${controlPlane.httpPort}` },
    });
  const onDump = async (...words: string[]) =>
    cli(['route-test', '-f', '-', ...words], { input: JSON.stringify(await envoy.configDump()) });

  const calls: readonly { title: string; path?: string; header?: string; called?: string }[] = [
    { title: 'without a condition' },
    { title: 'with a header', header: 'x-env: gray' },
    { title: 'with another value of the header', header: 'x-env: blue' },
    { title: 'with a query', path: '/?v=3' },
    { title: 'with a longer query', path: '/?v=33' },
    { title: 'that is redirected', path: '/old/1' },
    { title: 'that the proxy answers', path: '/gone?x=1' },
    { title: 'for an unknown host', called: 'nobody.test' },
  ];
  for (const { title, path = '/', header, called = host } of calls) {
    it(`says what a real Envoy does with a call ${title}`, async () => {
      const [name = '', value = ''] = header?.split(': ') ?? [];
      const request: HttpRequest = {
        host: called,
        path,
        ...(header === undefined ? {} : { headers: { [name]: value } }),
      };
      const { status, body } = await get(port, request);

      const words = [
        `http://127.0.0.1:${port}${path}`,
        ...['-H', `Host: ${called}`, '-o', 'json'],
        ...(header === undefined ? [] : ['-H', header]),
      ];
      const { code, out } = await onServer(...words);
      const { outcome } = JSON.parse(out);
      const forwarded = `outbound|${port}|${body}|${called}`;
      expect(code).toBe(0);
      if (status === 200)
        expect(outcome).toMatchObject({ type: 'forward', clusters: [{ name: forwarded, exists: true }] });
      else if (called !== host) expect(outcome).toMatchObject({ clusters: [{ name: 'PassthroughCluster' }] });
      else expect(outcome).toMatchObject({ status });

      const ofDump = JSON.parse((await onDump(...words)).out);
      expect(withoutOrigins(ofDump)).toEqual(withoutOrigins(JSON.parse(out)));
    });
  }

  it('names the rules and services of each step', async () => {
    const { out } = await onServer(`http://${host}:${port}/`, '-H', 'x-env: gray');

    const service = `service/default/${host}`;
    const rows = out.split('\n').map((line) => line.split(/ {3,}/));
    expect(rows).toEqual([
      ['STEP', 'NAME', 'FROM'],
      ['listener', `127.0.0.1_${port}`, service],
      ['filter chain', '(unnamed)'],
      ['route configuration', String(port)],
      ['virtual host', `${host}:${port}`, expect.stringContaining('VirtualService/default/shop-test')],
      ['route', 'gray (number 3)'],
      ['cluster', `outbound|${port}|v2|${host}`, expect.stringContaining('DestinationRule/default/shop-test')],
      [''],
    ]);
  });

  it('rejects a view of a resource that does not exist', async () => {
    const view = (resource: string) =>
      get(controlPlane.httpPort, { path: `/debug/config_dump?proxyID=web.default&resource=${resource}` });

    expect(await view('route/1')).toMatchObject({ status: 404, body: expect.stringContaining('no route 1') });
    for (const wrong of ['route', 'route/', 'routes/80']) {
      expect(await view(wrong)).toMatchObject({ status: 400, body: expect.stringContaining('<type>/<name>') });
    }
  });

  it('says which proxies are connected if the named one is not', async () => {
    const { code, errors } = await cli(['route-test', 'nobody.default', 'http://shop.test/'], {
      env: { BINNACLE_SERVER: `http://127.0.0.1:${controlPlane.httpPort}` },
    });

    expect(code).not.toBe(0);
    expect(errors.join('\n')).toContain('connected are: web.default');
  });
});

/** Removes the origins, which a dump of Envoy does not have. */
function withoutOrigins({ from: _from, outcome, ...rest }: Readonly<Record<string, unknown>>) {
  return { ...rest, outcome: JSON.parse(JSON.stringify(outcome).replaceAll(/,"from":\[[^\]]*\]/g, '')) };
}
