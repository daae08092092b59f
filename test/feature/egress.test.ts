import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createMeshDir, type MeshDir } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

/** A host outside the mesh with an HTTP port. */
const external = (host: string, number: number, spec: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
  spec: { hosts: [host], location: 'MESH_EXTERNAL', ports: [{ name: 'http', number, protocol: 'HTTP' }], ...spec },
});

describeWith(['envoy'], 'hosts outside the mesh, through a sidecar', () => {
  let folder: string;
  let mesh: MeshDir;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let port: number;
  const backends: Backend[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'binnacle-egress-'));
    const socket = join(folder, 'backend.sock');
    const [named, fixed, local] = await Promise.all([
      startBackend('named'),
      startBackend('fixed', { address: '127.0.0.2' }),
      startBackend('local', { socket }),
    ]);
    backends.push(named, fixed, local);
    [mesh, port] = await Promise.all([createMeshDir(), freePort()]);
    const older = { resolution: 'STATIC', endpoints: [{ address: '127.0.0.2', ports: { http: fixed.port } }] };
    await mesh.write(
      'external.yaml',
      external('named.test', port, {
        resolution: 'DNS',
        endpoints: [{ address: 'localhost', ports: { http: named.port } }],
      }),
      external('fixed.test', port, older),
      external('local.test', port, { resolution: 'STATIC', endpoints: [{ address: `unix://${socket}` }] }),
    );
    controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    await Promise.all([...backends.map((backend) => backend.stop()), mesh?.delete()]);
    await rm(folder, { recursive: true, force: true });
  });

  for (const { host, want, how } of [
    { host: 'named.test', want: 'named', how: 'by a name that the sidecar looks up' },
    { host: 'fixed.test', want: 'fixed', how: 'by a static address' },
    { host: 'local.test', want: 'local', how: 'by a Unix domain socket' },
  ]) {
    it(`are reached ${how}`, async () => {
      await eventually(async () => (await get(port, { host })).status === 200, { what: `an answer of ${host}` });
      expect((await get(port, { host })).body).toBe(want);
    });
  }

  it('get the traffic of both ServiceEntries that define them', async () => {
    const second = await startBackend('second');
    backends.push(second);
    const more = external('fixed.test', port, {
      resolution: 'STATIC',
      endpoints: [{ address: '127.0.0.1', ports: { http: second.port } }],
    });
    await mesh.write('more.yaml', { ...more, metadata: { ...more.metadata, name: 'more' } });
    const bodies = async () =>
      new Set(
        await Promise.all(Array.from({ length: 10 }, async () => (await get(port, { host: 'fixed.test' })).body)),
      );
    await eventually(async () => (await bodies()).size === 2, { what: 'both backends' });
    expect(await bodies()).toEqual(new Set(['fixed', 'second']));
  });
});
