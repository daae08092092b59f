import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { keepRegistered, type NacosProvider, startProvider } from '../support/nacos/client.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';
import { freePort } from '../support/ports.ts';

const host = 'orders.default-group.public.nacos';

describeWith(['nacos3', 'envoy'], 'an Envoy that is served from Nacos', () => {
  let server: NacosServer;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let v1: Backend;
  let v2: Backend;
  let provider: NacosProvider;
  let port: number;
  let endProvider = () => {};

  const answers = async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => get(port, { host })));
    return [...new Set(responses.map(({ status, body }) => `${status} ${body}`))].sort();
  };
  const answer = (want: readonly string[]) =>
    eventually(async () => String(await answers()) === String(want), { what: `answers ${want.join(' and ')}` });
  const instance = (backend: Backend) => ({
    ip: '127.0.0.1',
    port: backend.port,
    metadata: { version: backend.name },
  });
  const adapters = async () => (await get(controlPlane.httpPort, { path: '/debug/adapterz' })).body;

  beforeAll(async () => {
    [v1, v2, port, server] = await Promise.all([startBackend('v1'), startBackend('v2'), freePort(), startNacos()]);
    controlPlane = await startControlPlane({
      config: { adapters: [{ type: 'nacos', servers: [server.address], ports: { http: port }, settleSeconds: 60 }] },
    });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
    provider = await startProvider({ port: server.port });
  }, nacosStartMs);
  afterAll(async () => {
    endProvider();
    provider?.close();
    await envoy?.stop();
    await controlPlane?.stop();
    await server?.close();
    await Promise.all([v1?.stop(), v2?.stop()]);
  });

  it('calls a backend that registers, and another one when that takes its place', async () => {
    await provider.register('orders', instance(v1));
    await answer(['200 v1']);
    await provider.register('orders', instance(v2));
    await answer(['200 v2']);
  });

  it('loses the backend of a provider that was killed', async () => {
    const killed = await startProvider({ port: server.port });
    await killed.register('orders', instance(v1));
    await answer(['200 v1', '200 v2']);
    killed.close();
    await answer(['200 v2']);
  });

  it(
    'keeps its traffic while the server is killed and comes back empty, and follows it again',
    async () => {
      await server.kill();
      await eventually(async () => (await adapters()).includes('degraded'), { what: 'the adapter is degraded' });
      expect(await answers()).toEqual(['200 v2']);
      endProvider = keepRegistered({ port: server.port }, 'orders', instance(v2));
      await server.start();
      await eventually(async () => !(await adapters()).includes('degraded'), { what: 'the adapter has synced' });
      expect(await answers()).toEqual(['200 v2']);
      provider = await startProvider({ port: server.port });
      await provider.register('orders', instance(v1));
      await answer(['200 v1', '200 v2']);
    },
    nacosStartMs,
  );
});
