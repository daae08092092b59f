import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AdsStream, openAds } from '../support/ads-client.ts';
import { endpointAddresses } from '../support/ads-resources.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { type Disk, fillableDisk } from '../support/full-disk.ts';
import { get, send } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry, virtualService } from '../support/mesh-dir.ts';

const cluster = 'outbound|8000||shop.test';
const virtualServices = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';
const instances = '/registry/v1/namespaces/default/services/vm.test/instances';
const instance = { address: '10.0.0.7', ports: [{ name: 'http', port: 7, protocol: 'http', servicePort: 8000 }] };
const shop = (port: number) => serviceEntry('shop.test', 8000, [{ port }]);
const rule = (host: string) => virtualService(host, [{ directResponse: { status: 418 } }]);

let mesh: MeshDir;
let dataDir: string;
let disk: Disk;
let controlPlane: ControlPlane;
let stream: AdsStream;

const post = (path: string, body: object, method = 'POST') =>
  send(controlPlane.httpPort, {
    method,
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const endpoints = () => endpointAddresses(stream.has.endpoint.get(cluster)).join();
const servesOn = async (port: number) => {
  await mesh.write('shop.yaml', shop(port));
  await eventually(() => endpoints() === `127.0.0.1:${port}`, { what: `a change of the mesh directory, ${port}` });
};

beforeEach(async () => {
  mesh = await createMeshDir();
  dataDir = await mkdtemp(join(tmpdir(), 'binnacle-disk-'));
  disk = fillableDisk(dataDir);
  await mesh.write('shop.yaml', shop(1));
  controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path], dataDir, through: disk.through });
  stream = openAds(controlPlane.xdsPort, { mode: 'delta', follow: true });
  await Promise.all([stream.subscribe('cluster'), stream.subscribe('listener')]);
  await eventually(() => endpoints() === '127.0.0.1:1', { what: 'the first endpoints' });
});
afterEach(async () => {
  await controlPlane?.stop();
  await Promise.all([mesh?.delete(), rm(dataDir, { recursive: true, force: true })]);
});

it('on a full disk a write of a rule fails without effect, and serving continues; with space it succeeds', async () => {
  expect((await post(virtualServices, rule('first.test'))).status).toBe(201);
  await disk.fill(controlPlane.child.pid);

  const refused = await post(virtualServices, rule('second.test'));
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.body)).toMatchObject({
    reason: 'ServiceUnavailable',
    message: expect.stringMatching(/^the rules database .*rules\.db cannot /),
  });
  const names = async () =>
    JSON.parse((await get(controlPlane.httpPort, { path: virtualServices })).body).items.map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    );
  expect(await names()).toEqual(['first-test']);
  await servesOn(2);
  expect((await get(controlPlane.httpPort, { path: '/readyz' })).status).toBe(200);

  await disk.makeRoom(controlPlane.child.pid);
  expect((await post(virtualServices, rule('third.test'))).status).toBe(201);
  expect(await names()).toEqual(['first-test', 'third-test']);
});

it('on a full disk a batch fails completely, and serving continues; with space it succeeds completely', async () => {
  const batch = { apiVersion: 'v1', kind: 'List', items: Array.from({ length: 50 }, (_, n) => rule(`h${n}.test`)) };
  const names = async () =>
    JSON.parse((await get(controlPlane.httpPort, { path: virtualServices })).body).items.map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    );
  expect((await post(virtualServices, rule('first.test'))).status).toBe(201);
  await disk.fill(controlPlane.child.pid);

  const refused = await post('/rules/v1/batch', batch);
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.body)).toMatchObject({
    reason: 'ServiceUnavailable',
    message: expect.stringMatching(/^the rules database .*rules\.db cannot /),
  });
  expect(await names()).toEqual(['first-test']);
  await servesOn(2);

  await disk.makeRoom(controlPlane.child.pid);
  expect((await post('/rules/v1/batch', batch)).status).toBe(200);
  expect(await names()).toHaveLength(51);
});

it('on a full disk a registration is rejected, the adapter is degraded, and serving continues; with space it recovers', async () => {
  const state = (name: string) => controlPlane.metric(`binnacle_adapter_state{adapter="registration",state="${name}"}`);
  expect((await post(`${instances}/one`, instance, 'PUT')).status).toBe(201);
  await disk.fill(controlPlane.child.pid);

  // The rest of the journal's last block has space for a few more.
  let last = 0;
  const refused = await eventually(
    async () => {
      const response = await post(`${instances}/i${++last}`, instance, 'PUT');
      return response.status !== 201 && response;
    },
    { what: 'a refusal' },
  );
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.body).error).toContain('nothing was registered');
  await eventually(async () => (await state('degraded')) === 1, { what: 'the adapter degraded' });
  expect((await get(controlPlane.httpPort, { path: `${instances}/i${last}` })).status).toBe(404);
  expect((await post(`${instances}/one/heartbeat`, {}, 'PUT')).status).toBe(200);
  await servesOn(2);

  await disk.makeRoom(controlPlane.child.pid);
  await eventually(async () => (await state('synced')) === 1, { what: 'the adapter synced again' });
  expect((await post(`${instances}/i${last}`, instance, 'PUT')).status).toBe(201);
});
