import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startBackend } from '../support/backend.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { createEndings } from '../support/endings.ts';
import { startEnvoy } from '../support/envoy.ts';
import { restBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get, type HttpRequest, sendJson } from '../support/http.ts';
import { createMeshDir, destinationRule, serviceEntry, to, virtualService } from '../support/mesh-dir.ts';
import { freePorts } from '../support/ports.ts';

const [shop, late] = ['shop.test', 'late.test'];
const rules = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';

const { ending } = createEndings();

/** Starts a mesh with a service of two versions, the program, and an Envoy that polls it. */
async function start(refers: 'ads' | 'rest', accessFile: string | null = null) {
  const [port = 0, latePort = 0] = await freePorts(2);
  const [v1, v2] = [
    await ending(startBackend('v1'), (backend) => backend.stop()),
    await ending(startBackend('v2'), (backend) => backend.stop()),
  ];
  const mesh = await ending(createMeshDir(), (made) => made.delete());
  const backends = [v1, v2].map(({ name, port: own }) => ({ port: own, labels: { version: name } }));
  const [first = { port: 0 }] = backends;
  await mesh.write('shop.yaml', serviceEntry(shop, port, [first]), destinationRule(shop, ['v1', 'v2']));
  const access = accessFile === null ? [] : ['--access-file', accessFile];
  const plane = await ending(startControlPlane({ args: ['--mesh-dir', mesh.path, ...access] }), (one) => one.stop());
  const { httpPort, xdsPort } = plane;
  const bootstrap = restBootstrap({ httpPort, xdsPort, refers });
  const envoy = await ending(startEnvoy({ bootstrap }), (one) => one.stop());
  const answers = (name: string, request: HttpRequest = {}, at = port) =>
    eventually(async () => (await get(at, { host: shop, ...request })).body === name, { what: `an answer of ${name}` });
  return { mesh, plane, envoy, answers, backends, port, latePort };
}

describeWith(['envoy'], 'the program and an Envoy that polls it over REST', () => {
  it('carry traffic without gRPC, and follow endpoints, routes, clusters and listeners', async () => {
    const { mesh, plane, envoy, answers, backends, port, latePort } = await start('rest');
    await answers('v1');
    await mesh.write('shop.yaml', serviceEntry(shop, port, backends.slice(1)), destinationRule(shop, ['v1', 'v2']));
    await answers('v2');

    await mesh.write('shop.yaml', serviceEntry(shop, port, backends), destinationRule(shop, ['v1', 'v2']));
    const match = [{ headers: { 'x-version': { exact: 'v1' } } }];
    const http = [{ match, route: to(shop, { v1: 100 }) }, { route: to(shop, { v2: 100 }) }];
    await sendJson(plane.httpPort, 'POST', rules, virtualService(shop, http));
    await answers('v1', { headers: { 'x-version': 'v1' } });
    await answers('v2');

    await mesh.write('late.yaml', serviceEntry(late, latePort, backends.slice(0, 1)));
    await answers('v1', { host: late }, latePort);
    await mesh.remove('late.yaml');
    const listenerOf = async (name: string) => [...(await envoy.listeners()).keys()].find((key) => key.includes(name));
    await eventually(async () => (await listenerOf(`${latePort}`)) === undefined, { what: 'the end of its listener' });

    expect((await plane.metric('binnacle_clients{mode="sotw"}')) ?? 0).toBe(0);
    const stats = await envoy.stats('update_(rejected|failure)$');
    expect([...stats].filter(([, count]) => count > 0)).toEqual([]);
  });

  it('send nothing while nothing changes', async () => {
    const { envoy, answers } = await start('rest');
    await answers('v1');
    const count = async (what: string) =>
      (await envoy.stats(`cluster_manager.cds.${what}$`)).values().next().value ?? 0;
    const [attempts, successes] = [await count('update_attempt'), await count('update_success')];
    await eventually(async () => (await count('update_attempt')) >= attempts + 3, { what: 'three more polls' });
    expect(await count('update_success')).toBe(successes);
    expect(await count('update_failure')).toBe(0);
  });

  it('work with an access file that permits everybody to fetch only', async () => {
    const folder = await ending(mkdtemp(join(tmpdir(), 'binnacle-access-')), (one) => rm(one, { recursive: true }));
    await writeFile(join(folder, 'access.yaml'), 'anonymous: { discover: true }');
    const { plane, answers } = await start('rest', join(folder, 'access.yaml'));
    await answers('v1');
    expect((await get(plane.httpPort, { path: '/debug/configz' })).status).toBe(401);
  });

  it('combine clusters and listeners over REST with the rest over ADS', async () => {
    const { mesh, plane, answers, backends, port } = await start('ads');
    await answers('v1');
    await mesh.write('shop.yaml', serviceEntry(shop, port, backends.slice(1)), destinationRule(shop, ['v1', 'v2']));
    await answers('v2');
    expect(await plane.metric('binnacle_clients{mode="sotw"}')).toBe(1);
  });
});
