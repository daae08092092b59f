import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';
import { type RegistrationAdapter, startRegistrationAdapter } from '../../support/registration-adapter.ts';

let parent = '';
let dataDir = '';
let clock: FakeClock = fakeClock();
let api: RegistrationAdapter;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'binnacle-subscriptions-'));
  dataDir = join(parent, 'data');
  clock = fakeClock();
  api = await start();
});
afterEach(async () => {
  await api.close();
  await rm(parent, { recursive: true, force: true });
});

const start = () => startRegistrationAdapter({ dataDir, clock, registryWriters: () => new Map() });

const workload = (id: string, namespace = 'shop') => `/registry/v1/namespaces/${namespace}/workloads/${id}`;
const of = (id: string, namespace?: string) => `${workload(id, namespace)}/subscriptions`;

/** Returns `workload host` for each subscription of a namespace. */
async function subscribed(query = '', namespace = 'shop'): Promise<readonly string[]> {
  const { body } = await api.call('GET', `/registry/v1/namespaces/${namespace}/subscriptions${query}`);
  return body.subscriptions.map((one: { workload: string; host: string }) => `${one.workload} ${one.host}`);
}

test('a workload says which services it calls, and that it no longer does', async () => {
  expect(await api.call('PUT', `${of('vm-1')}/Ratings.example`, { address: 'FD00:0::7' })).toEqual({
    status: 201,
    body: {
      ...{ namespace: 'shop', workload: 'vm-1', host: 'ratings.example', address: 'fd00::7', ttlSeconds: 30 },
      subscribedAt: new Date(clock.now()).toISOString(),
      expiresAt: new Date(clock.now() + 30_000).toISOString(),
    },
  });
  await api.call('PUT', `${of('vm-1')}/demo._greet.g-g1.dubbo`);
  await api.call('PUT', `${of('vm-2')}/ratings.example`);
  await api.call('PUT', `${of('vm-1', 'books')}/ratings.example`);
  expect(await subscribed()).toEqual(['vm-1 demo._greet.g-g1.dubbo', 'vm-1 ratings.example', 'vm-2 ratings.example']);
  expect(await subscribed('?host=RATINGS.example')).toEqual(['vm-1 ratings.example', 'vm-2 ratings.example']);
  expect((await api.call('GET', of('vm-2'))).body.subscriptions).toMatchObject([{ host: 'ratings.example' }]);
  expect((await api.call('GET', '/debug/subscriptionz')).body.subscriptions).toHaveLength(4);
  expect(await api.call('DELETE', `${of('vm-1')}/ratings.example`)).toMatchObject({ status: 204 });
  expect(await api.call('DELETE', `${of('vm-1')}/ratings.example`)).toMatchObject({ status: 404 });
  expect(await subscribed()).toEqual(['vm-1 demo._greet.g-g1.dubbo', 'vm-2 ratings.example']);
  expect(await api.call('DELETE', of('vm-2'))).toMatchObject({ status: 204 });
  expect(await subscribed()).toEqual(['vm-1 demo._greet.g-g1.dubbo']);
  expect(await subscribed('', 'books')).toEqual(['vm-1 ratings.example']);
});

test('a subscription ends with its lease, which a heartbeat and a repetition renew', async () => {
  await api.call('PUT', `${of('vm-1')}/a.example`);
  await api.call('PUT', `${of('vm-1')}/b.example`, { ttlSeconds: 300 });
  await api.call('PUT', `${of('vm-2')}/a.example`);
  await api.call('PUT', `${of('vm-3')}/a.example`);
  const before = await readFile(join(dataDir, 'subscriptions.ndjson'), 'utf8');
  clock.advance(20_000);
  expect(await api.call('PUT', `${workload('vm-1')}/heartbeat`)).toEqual({ status: 200, body: { subscriptions: 2 } });
  expect(await api.call('PUT', `${of('vm-2')}/a.example`)).toMatchObject({ status: 200 });
  expect(await readFile(join(dataDir, 'subscriptions.ndjson'), 'utf8')).toBe(before);
  clock.advance(15_000);
  expect(await subscribed()).toEqual(['vm-1 a.example', 'vm-1 b.example', 'vm-2 a.example']);
  clock.advance(40_000);
  expect(await subscribed()).toEqual(['vm-1 b.example']);
  expect(await api.call('PUT', `${workload('vm-2')}/heartbeat`)).toMatchObject({ status: 404 });
});

test('a changed subscription keeps its age', async () => {
  const first = await api.call('PUT', `${of('vm-1')}/a.example`);
  clock.advance(5_000);
  const second = await api.call('PUT', `${of('vm-1')}/a.example`, { address: '10.0.0.1' });
  expect(second).toMatchObject({ status: 200, body: { subscribedAt: first.body.subscribedAt, address: '10.0.0.1' } });
});

test('subscriptions survive a restart, with one full lease', async () => {
  await api.call('PUT', `${of('vm-1')}/a.example`, { address: '10.0.0.1' });
  await api.call('PUT', `${of('vm-1')}/b.example`);
  await api.call('DELETE', `${of('vm-1')}/b.example`);
  await api.close();
  clock.advance(3_600_000);
  api = await start();
  expect((await api.call('GET', of('vm-1'))).body.subscriptions).toMatchObject([
    { host: 'a.example', address: '10.0.0.1', expiresAt: new Date(clock.now() + 30_000).toISOString() },
  ]);
  clock.advance(31_000);
  expect(await subscribed()).toEqual([]);
});

test('a subscription that cannot be stored changes nothing', async () => {
  await api.call('PUT', `${of('vm-1')}/a.example`);
  await rm(dataDir, { recursive: true });
  await writeFile(dataDir, 'in the way');
  expect(await api.call('PUT', `${of('vm-1')}/b.example`)).toMatchObject({ status: 503 });
  expect(await api.call('DELETE', `${of('vm-1')}/a.example`)).toMatchObject({ status: 503 });
  expect(await subscribed()).toEqual(['vm-1 a.example']);
});

for (const { name, url, payload, field } of [
  { name: 'an invalid host', url: `${of('vm-1')}/-a`, field: 'host' },
  { name: 'an invalid workload', url: `${of('-vm')}/a.example`, field: 'id' },
  { name: 'an invalid address', url: `${of('vm-1')}/a.example`, payload: { address: 'x' }, field: 'address' },
  { name: 'an unknown field', url: `${of('vm-1')}/a.example`, payload: { port: 1 }, field: 'port' },
  { name: 'a lease of no time', url: `${of('vm-1')}/a.example`, payload: { ttlSeconds: 0 }, field: 'ttlSeconds' },
]) {
  test(`${name} is rejected`, async () => {
    expect(await api.call('PUT', url, payload)).toMatchObject({ status: 400, body: { problems: [{ field }] } });
    expect(await subscribed()).toEqual([]);
  });
}
