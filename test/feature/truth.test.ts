import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { get, sendJson } from '../support/http.ts';

/** Self-reports of the program (metrics, views, log), compared with its actual state. */

const rules = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';
const virtualService = (name: string, host: string) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace: 'default' },
  spec: { hosts: ['reviews.test'], http: [{ route: [{ destination: { host } }] }] },
});

let folder: string;
let controlPlane: ControlPlane;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binnacle-truth-'));
  await mkdir(join(folder, 'mesh'));
  await writeFile(join(folder, 'mesh/from-file.yaml'), JSON.stringify(virtualService('from-file', 'reviews.test')));
  controlPlane = await startControlPlane({ args: ['--mesh-dir', join(folder, 'mesh')] });
});
afterAll(async () => {
  await controlPlane?.stop();
  await rm(folder, { recursive: true, force: true });
});

const metricBecomes = (name: string, value: number | null) =>
  eventually(async () => (await controlPlane.metric(name)) === value, { what: `${name} is ${value}` });
const answer = async (path: string) => JSON.parse((await get(controlPlane.httpPort, { path })).body);

it('metrics decrease when a registry becomes empty, and count expired leases', async () => {
  const path = '/registry/v1/namespaces/default/services/reviews.test/instances/one';
  const port = { name: 'http', port: 9080, protocol: 'http' };
  await sendJson(controlPlane.httpPort, 'PUT', path, { address: '127.0.0.1', ports: [port], ttlSeconds: 1 });
  await metricBecomes('binnacle_expired_leases_total{adapter="registration"}', 1);
  await metricBecomes('binnacle_adapter_services{adapter="registration"}', 0);
  await metricBecomes('binnacle_adapter_empty_services{adapter="registration"}', 1);
  await metricBecomes('binnacle_adapter_endpoints{adapter="registration"}', 0);
});

it('a rule without effect is counted and listed with its reason until it is repaired', async () => {
  await sendJson(controlPlane.httpPort, 'POST', rules, virtualService('idle', 'ghost.test'));
  const name = 'binnacle_rule_problems{kind="VirtualService",reason="HostNotFound"}';
  await metricBecomes(name, 1);
  expect((await answer('/debug/problemz')).idle).toContainEqual({
    id: 'VirtualService/default/idle',
    origin: 'store',
    reason: 'HostNotFound',
    message: 'spec.http[0].route[0].destination: there is no service ghost.test',
  });
  await sendJson(controlPlane.httpPort, 'PUT', `${rules}/idle`, virtualService('idle', 'reviews.test'));
  await metricBecomes(name, null);
});

it('a rule of a file is shown with its file and logged', async () => {
  expect((await answer(`${rules}/from-file`)).metadata.annotations).toEqual({
    'binnacle.io/defined-in': 'from-file.yaml#1',
  });
  const said = () =>
    controlPlane.child
      .stderr()
      .split('\n')
      .filter((line) => line.includes('rules changed'));
  await eventually(() => said().some((line) => line.includes('VirtualService/default/from-file (from-file.yaml#1)')), {
    what: 'the line of the rule',
  });
  await writeFile(
    join(folder, 'mesh/from-file.yaml'),
    JSON.stringify({ ...virtualService('from-file', 'a'), spec: { hosts: 'a' } }),
  );
  await metricBecomes('binnacle_rule_problems{kind="VirtualService",reason="Invalid"}', 1);
  await eventually(() => controlPlane.child.stderr().includes('rule of a file not in effect'), { what: 'the mistake' });
  const { conditions } = (await answer(`${rules}/from-file`)).status;
  expect(conditions).toMatchObject([
    { type: 'Accepted', status: 'False', reason: 'Invalid' },
    { type: 'Programmed', status: 'False', reason: 'Shadowed' },
  ]);
});
