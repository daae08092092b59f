import { mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get, sendJson } from '../support/http.ts';
import { createMeshDir, destinationRule, type MeshDir, serviceEntry, to, virtualService } from '../support/mesh-dir.ts';
import { freePorts } from '../support/ports.ts';

const host = 'shop.test';

describeWith(['envoy'], 'after the loss of the control plane or its registry', () => {
  let mesh: MeshDir;
  let backend: Backend;
  let dataDir: string;
  let ports: { readonly service: number; readonly httpPort: number; readonly xdsPort: number };
  const running: { stop(): Promise<void> }[] = [];

  /** Starts the same control plane again: ports, data and configuration are kept. */
  async function start({ waitReady = true } = {}): Promise<ControlPlane> {
    const controlPlane = await startControlPlane({
      waitReady,
      ...ports,
      dataDir,
      args: ['--config', join(dataDir, 'binnacle.yaml')],
    });
    running.push(controlPlane);
    return controlPlane;
  }
  async function sidecar(protocol: 'sotw' | 'delta'): Promise<Envoy> {
    const envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: ports.xdsPort, protocol }) });
    running.push(envoy);
    return envoy;
  }
  const status = async () => (await get(ports.service, { host })).status;

  beforeEach(async () => {
    const [service = 0, httpPort = 0, xdsPort = 0] = await freePorts(3);
    ports = { service, httpPort, xdsPort };
    backend = await startBackend('v1');
    mesh = await createMeshDir();
    dataDir = await mkdtemp(join(tmpdir(), 'binnacle-restart-'));
    const file = { type: 'file', path: mesh.path, syncTimeoutSeconds: 0.5 };
    await writeFile(join(dataDir, 'binnacle.yaml'), JSON.stringify({ adapters: [file, { type: 'registration' }] }));
    await mesh.write(
      'mesh.yaml',
      serviceEntry(host, service, [{ port: backend.port, labels: { version: 'v1' } }]),
      destinationRule(host, ['v1']),
      virtualService(host, [{ route: to(host, { v1: 100 }) }]),
    );
  });
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.stop();
    await backend.stop();
    await mesh.delete();
    await rm(dataDir, { recursive: true, force: true });
  });

  for (const protocol of ['sotw', 'delta'] as const) {
    it(`traffic of a ${protocol} sidecar continues without the control plane, and changes arrive after its return`, async () => {
      const first = await start();
      await sidecar(protocol);
      expect(await status()).toBe(200);
      await first.kill();
      expect(await status()).toBe(200);
      const second = await start();
      await eventually(async () => (await second.metric(`binnacle_clients{mode="${protocol}"}`)) === 1, {
        what: 'the sidecar coming back',
      });
      expect(await status()).toBe(200);
      await mesh.write('later.yaml', virtualService(host, [{ directResponse: { status: 418 } }]));
      await mesh.remove('mesh.yaml');
      await mesh.write('mesh.yaml', serviceEntry(host, ports.service, [{ port: backend.port }]));
      await eventually(async () => (await status()) === 418, { what: 'a rule sent after the restart' });
    });
  }

  it('a delta sidecar that reconnects to a restarted control plane gets nothing that it has', async () => {
    const first = await start();
    const envoy = await sidecar('delta');
    await eventually(async () => (await status()) === 200, { what: 'traffic' });
    const before = await envoy.stats(
      'cluster_manager.cluster_(added|modified|removed)|listener_manager.listener_(added|modified)$',
    );
    await first.kill();
    const second = await start();
    await eventually(async () => (await second.metric('binnacle_clients{mode="delta"}')) === 1, {
      what: 'the sidecar',
    });
    await eventually(
      async () => ((await get(ports.httpPort, { path: '/debug/syncz' })).body.match(/"SYNCED"/g) ?? []).length === 4,
      { what: 'all four types in sync' },
    );
    const sent = await Promise.all(
      ['cluster', 'endpoint', 'listener', 'route'].map((type) =>
        second.metric(`binnacle_push_bytes_total{type="${type}"}`),
      ),
    );
    // Wildcard types are answered once, without resources: less than 100 bytes each.
    expect(sent.map((bytes) => (bytes ?? 0) < 100)).toEqual([true, true, true, true]);
    expect(sent[1]).toBe(0);
    expect(sent[3]).toBe(0);
    expect(
      await envoy.stats('cluster_manager.cluster_(added|modified|removed)|listener_manager.listener_(added|modified)$'),
    ).toEqual(before);
  });

  it('registrations are on disk once: they are restored from their journal, other shards from snapshots', async () => {
    const first = await start();
    const registered = '/registry/v1/namespaces/shop/services/pay.shop/instances/i-0';
    await sendJson(ports.httpPort, 'PUT', registered, { address: '10.0.0.1', ports: [{ name: 'http', port: 80 }] });
    await first.stop();
    expect(await readdir(join(dataDir, 'shards'))).toEqual(['file.json']);
    await start();
    expect((await get(ports.httpPort, { path: registered })).status).toBe(200);
    await eventually(async () => (await get(ports.httpPort, { path: '/debug/registryz' })).body.includes('pay.shop'), {
      what: 'the registered service',
    });
  });

  it('unreadable registrations delay the start with a message, until they are readable', async () => {
    const first = await start();
    const registered = '/registry/v1/namespaces/shop/services/pay.shop/instances/i-0';
    await sendJson(ports.httpPort, 'PUT', registered, { address: '10.0.0.1', ports: [{ name: 'http', port: 80 }] });
    await first.stop();
    const journal = join(dataDir, 'adapters/registration/instances.ndjson');
    await rename(journal, `${journal}.aside`);
    await mkdir(journal);
    const second = await start({ waitReady: false });
    await eventually(
      async () => (await get(ports.httpPort, { path: '/debug/adapterz' })).body.includes('cannot be read: EISDIR'),
      { what: 'the reason' },
    );
    const { status: ready, body } = await get(ports.httpPort, { path: '/readyz' });
    expect([ready, body]).toEqual([503, expect.stringContaining('registration')]);
    await rmdir(journal);
    await rename(`${journal}.aside`, journal);
    await second.ready();
    expect((await get(ports.httpPort, { path: registered })).status).toBe(200);
  });

  it('a new sidecar gets its configuration from a control plane that starts while the registry is down', async () => {
    const first = await start();
    await eventually(async () => (await get(ports.httpPort, { path: '/debug/registryz' })).body.includes(host), {
      what: 'the service',
    });
    await first.stop();
    await mesh.hide();
    await start();
    await sidecar('delta');
    await eventually(async () => (await status()) === 200, { what: 'traffic by the last good contents' });
    const adapters = (await get(ports.httpPort, { path: '/debug/adapterz' })).body;
    expect(adapters).toContain('"state":"stale"');
    await mesh.restore();
    await eventually(
      async () => !(await get(ports.httpPort, { path: '/debug/adapterz' })).body.includes('"state":"stale"'),
      { what: 'the registry coming back' },
    );
    expect(await status()).toBe(200);
  });

  it('registered instances survive the crash of the control plane', async () => {
    await mesh.remove('mesh.yaml');
    const first = await start();
    const path = '/registry/v1/namespaces/default/services/vm.test/instances/one';
    const port = { name: 'http', port: backend.port, protocol: 'http', servicePort: ports.service };
    await sendJson(ports.httpPort, 'PUT', path, { address: '127.0.0.1', ports: [port], ttlSeconds: 60 });
    await first.kill();
    await start();
    await sidecar('sotw');
    await eventually(async () => (await get(ports.service, { host: 'vm.test' })).status === 200, { what: 'traffic' });
  });
});
