import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { openAds, sidecarId } from '../support/ads-client.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createMeshDir, serviceEntry } from '../support/mesh-dir.ts';

/** Namespace with a Sidecar, so that its proxies have a separate scope. */
const ownNamespace = 'shop';
const ownSidecar = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'Sidecar',
  metadata: { name: 'own', namespace: ownNamespace },
  spec: { egress: [{ hosts: ['*/*'] }] },
};

let meshDir: string;
let dataDir: string;

beforeEach(async () => {
  const mesh = await createMeshDir();
  onTestFinished(() => mesh.delete());
  await mesh.write('mesh.yaml', serviceEntry('shop.test', 8000, [{ port: 9000 }]), ownSidecar);
  meshDir = mesh.path;
  dataDir = await mkdtemp(join(tmpdir(), 'binnacle-first-compile-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
});

async function start(): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ dataDir, args: ['--mesh-dir', meshDir] });
  onTestFinished(() => controlPlane.stop());
  return controlPlane;
}

const hostsCompiled = (of: ControlPlane) => of.metric('binnacle_flush_work_total{part="hosts_compiled"}');

/** Connects a sidecar of a namespace, waits until it is served, and returns the number of hosts compiled for it. */
async function compiledFor(controlPlane: ControlPlane, namespace: string): Promise<number> {
  const before = (await hostsCompiled(controlPlane)) ?? 0;
  const nodeId = sidecarId(namespace);
  const { resources } = await openAds(controlPlane.xdsPort, { nodeId, interception: 'REDIRECT' }).subscribe('cluster');
  expect([...resources.keys()]).toContain('outbound|8000||shop.test');
  return ((await hostsCompiled(controlPlane)) ?? 0) - before;
}

it('serves an ordinary sidecar without a further compilation at the first start', async () => {
  const controlPlane = await start();

  expect(await hostsCompiled(controlPlane)).toBeGreaterThan(0);
  expect(await compiledFor(controlPlane, 'default')).toBe(0);
});

it('compiles for previously connected clients before it is ready again', async () => {
  const first = await start();
  expect(await compiledFor(first, ownNamespace)).toBeGreaterThan(0);
  await first.stop();
  const second = await start();

  expect(await compiledFor(second, ownNamespace)).toBe(0);
});

it('compiles for them even after a crash', async () => {
  const first = await start();
  await compiledFor(first, ownNamespace);
  await eventually(() => existsSync(join(dataDir, 'known-proxies.json')), { what: 'the file of known proxies' });
  await first.kill();
  const second = await start();

  expect(await compiledFor(second, ownNamespace)).toBe(0);
});
