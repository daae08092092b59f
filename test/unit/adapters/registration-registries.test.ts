import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';
import { type FakeRegistry, fakeRegistry } from '../../support/fake-registry.ts';
import {
  type RegistrationAdapter,
  type RegistrationAdapterOptions,
  startRegistrationAdapter,
} from '../../support/registration-adapter.ts';

let dataDir = '';
let clock: FakeClock = fakeClock();
let registry: FakeRegistry = fakeRegistry();
let running: RegistrationAdapter[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'binnacle-registries-'));
  clock = fakeClock();
  registry = fakeRegistry();
});
afterEach(async () => {
  for (const one of running) await one.close();
  running = [];
  await rm(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<RegistrationAdapterOptions> = {}): Promise<RegistrationAdapter> {
  const registryWriters = () => new Map([['zk', registry.writer]]);
  const started = await startRegistrationAdapter({ dataDir, clock, registryWriters, ...options });
  running.push(started);
  return started;
}

const orders = '/registry/v1/namespaces/shop/services/orders.registry';
const body = { address: '10.0.0.7', ports: [{ name: 'dubbo', port: 20_880, protocol: 'tcp' }], registry: 'zk' };

test('an instance is registered with the port of its sidecar, and its state is shown', async () => {
  const api = await start();
  expect(await api.call('PUT', `${orders}/instances/one`, body)).toMatchObject({
    status: 201,
    body: { registry: 'zk', ports: [{ port: 20_880 }], registration: { state: 'registered' } },
  });
  expect(registry.contents()).toEqual(['orders.registry: 10.0.0.7:20882']);
  const registered = { registration: { state: 'registered' } };
  expect((await api.call('GET', `${orders}/instances/one`)).body).toMatchObject(registered);
  expect((await api.call('PUT', `${orders}/instances/one/heartbeat`)).body).toMatchObject(registered);
  expect((await api.call('GET', `${orders}/instances`)).body).toMatchObject({ instances: [registered] });
  expect((await api.call('GET', '/debug/registrationz')).body).toEqual({
    instances: [{ namespace: 'shop', host: 'orders.registry', id: 'one', registry: 'zk', state: 'registered' }],
  });
});

for (const { name, settings, port, want } of [
  { name: 'its own', settings: {}, port: { sidecarPort: 21_000 }, want: 21_000 },
  { name: 'that of its name', settings: { sidecarPorts: { tri: 1_234 } }, port: { name: 'tri' }, want: 1_234 },
  { name: 'none', settings: {}, port: { name: 'tri' }, want: 20_880 },
  { name: 'none by configuration', settings: { sidecarPorts: {} }, port: {}, want: 20_880 },
  { name: 'none, by its own number', settings: {}, port: { sidecarPort: 20_880 }, want: 20_880 },
]) {
  test(`a port whose sidecar has ${name} is registered as ${want}`, async () => {
    const api = await start({ settings });
    await api.call('PUT', `${orders}/instances/one`, { ...body, ports: [{ ...body.ports[0], ...port }] });
    expect(registry.contents()).toEqual([`orders.registry: 10.0.0.7:${want}`]);
  });
}

test('an instance in a registry is not in the shard of the API, though it is a workload', async () => {
  const api = await start();
  await api.call('PUT', `${orders}/instances/one`, body);
  expect(api.services()).toEqual([]);
  expect(api.workloads()).toEqual(['orders.registry/one']);
  expect((await api.call('GET', '/registry/v1/namespaces/shop/services')).body).toMatchObject({
    services: [{ host: 'orders.registry', instances: 1 }],
  });
  const { registry: _, ...own } = body;
  await api.call('PUT', `${orders}/instances/two`, { ...own, address: '10.0.0.8' });
  expect(api.services()).toEqual(['orders.registry 10.0.0.8']);
  await api.call('DELETE', `${orders}/instances/two`);
  await api.call('PUT', `${orders}/instances/one`, own);
  expect(api.services()).toEqual(['orders.registry 10.0.0.7']);
  await vi.waitFor(() => expect(registry.contents()).toEqual([]));
});

test('the end of a lease, a deletion and the removal of a service deregister', async () => {
  const api = await start();
  for (const id of ['one', 'two', 'three']) {
    await api.call('PUT', `${orders}/instances/${id}`, { ...body, address: `10.0.0.${id.length}` });
  }
  await api.call('DELETE', `${orders}/instances/three`);
  await vi.waitFor(() => expect(registry.contents()).toEqual(['orders.registry: 10.0.0.3:20882 10.0.0.3:20882']));
  clock.advance(20_000);
  await api.call('PUT', `${orders}/instances/two/heartbeat`);
  clock.advance(11_000);
  await vi.waitFor(() => expect(registry.entries('orders.registry').map(({ id }) => id)).toEqual(['two']));
  await api.call('DELETE', orders);
  await vi.waitFor(() => expect(registry.contents()).toEqual([]));
});

test('a registry out of reach is answered as accepted, and the instance is registered later', async () => {
  registry.down('connection refused');
  const api = await start();
  const pending = { registration: { state: 'pending', reason: 'connection refused' } };
  expect(await api.call('PUT', `${orders}/instances/one`, body)).toMatchObject({ status: 202, body: pending });
  expect((await api.call('PUT', `${orders}/instances/one/heartbeat`)).body).toMatchObject(pending);
  registry.down(null);
  clock.advance(1_000);
  await vi.waitFor(() => expect(registry.contents()).toEqual(['orders.registry: 10.0.0.7:20882']));
});

test('a registry that does not answer is not waited for', async () => {
  registry.hold();
  const api = await start();
  const asked = api.call('PUT', `${orders}/instances/one`, body);
  await vi.waitFor(() => expect(registry.writes).toBe(1));
  clock.advance(3_000);
  expect(await asked).toMatchObject({ status: 202, body: { registration: { state: 'pending' } } });
});

test('a refusal is answered to who asked, shown, and tried again only when asked again', async () => {
  registry.refuse('one', 'the service is persistent');
  const api = await start();
  const refused = { status: 409, body: { error: 'zk refuses the instance: the service is persistent' } };
  expect(await api.call('PUT', `${orders}/instances/one`, body)).toMatchObject(refused);
  expect(await api.call('GET', `${orders}/instances/one`)).toMatchObject({
    body: { registration: { state: 'failed', reason: 'the service is persistent' } },
  });
  expect(api.problems()).toEqual(['instance shop/orders.registry/one in zk: the service is persistent']);
  const { writes } = registry;
  clock.advance(20_000);
  await api.call('PUT', `${orders}/instances/one/heartbeat`);
  expect(registry.writes).toBe(writes);
  expect(await api.call('PUT', `${orders}/instances/one`, body)).toMatchObject(refused);
  expect(registry.writes).toBe(writes + 1);
  registry.refuse('one', null);
  expect(await api.call('PUT', `${orders}/instances/one`, body)).toMatchObject({ status: 200 });
  expect(api.problems()).toEqual([]);
});

test('a refused instance that is deleted is no longer reported', async () => {
  registry.refuse('one', 'the service is persistent');
  const api = await start();
  await api.call('PUT', `${orders}/instances/one`, body);
  await api.call('DELETE', `${orders}/instances/one`);
  expect(api.problems()).toEqual([]);
});

for (const { name, url, payload, field, message } of [
  { name: 'an unknown registry', payload: { ...body, registry: 'eureka' }, field: 'registry', message: /zk do/ },
  {
    name: 'a name that the registry cannot have',
    url: '/registry/v1/namespaces/shop/services/orders.example/instances/one',
    payload: body,
    field: 'registry',
    message: /no name of this registry/,
  },
  {
    name: "a sidecar's port without a registry",
    payload: { ...body, registry: undefined, ports: [{ ...body.ports[0], sidecarPort: 1 }] },
    field: 'ports[0].sidecarPort',
    message: /needs a registry/,
  },
]) {
  test(`${name} is rejected, and nothing is stored`, async () => {
    const api = await start();
    expect(await api.call('PUT', url ?? `${orders}/instances/one`, payload)).toMatchObject({
      status: 400,
      body: { problems: [{ field, message: expect.stringMatching(message) }] },
    });
    expect((await api.call('GET', '/registry/v1/namespaces/shop/services')).body).toEqual({ services: [] });
  });
}

test('a batch is stored as a whole, and its answer has the state of each instance', async () => {
  registry.refuse('two', 'the service is persistent');
  const api = await start();
  const item = (id: string) => ({ ...body, namespace: 'shop', host: 'Orders.registry', id });
  expect(await api.call('POST', '/registry/v1/batch', { put: [item('one'), item('two')] })).toMatchObject({
    status: 200,
    body: {
      put: [{ registration: { state: 'registered' } }, { registration: { state: 'failed' } }],
      problems: [{ field: 'put[1].registry', message: 'zk refuses the instance: the service is persistent' }],
    },
  });
  const wrong = { put: [item('three'), { ...item('four'), registry: 'eureka' }] };
  expect(await api.call('POST', '/registry/v1/batch', wrong)).toMatchObject({
    status: 400,
    body: { problems: [{ field: 'put[1].registry' }] },
  });
  expect((await api.call('GET', `${orders}/instances`)).body.instances).toHaveLength(2);
});

test('services that only other adapters define are refused, except by the registry itself', async () => {
  const registrationRefusal = ({ registry: into }: { registry?: string | undefined }) =>
    into === 'zk' ? null : 'defined in Kubernetes';
  const api = await start({ registrationRefusal });
  expect(await api.call('PUT', `${orders}/instances/one`, body)).toMatchObject({ status: 201 });
  expect(await api.call('PUT', `${orders}/instances/two`, { ...body, registry: undefined })).toMatchObject({
    status: 409,
  });
});

test('after a restart everything is registered again, and nothing that has ended', async () => {
  const first = await start();
  await first.call('PUT', `${orders}/instances/one`, body);
  await first.call('PUT', `${orders}/instances/two`, { ...body, address: '10.0.0.8' });
  await first.call('DELETE', `${orders}/instances/two`);
  await first.close();
  running = [];
  registry = fakeRegistry();
  const second = await start();
  await vi.waitFor(() => expect(registry.contents()).toEqual(['orders.registry: 10.0.0.7:20882']));
  expect(second.services()).toEqual([]);
  clock.advance(31_000);
  await vi.waitFor(() => expect(registry.contents()).toEqual([]));
});

test('after a restart, sidecars are not served before what the journal has is registered, at most for a while', async () => {
  const first = await start();
  await first.call('PUT', `${orders}/instances/one`, { ...body, ttlSeconds: 3_600 });
  await first.close();
  running = [];
  registry = fakeRegistry();
  registry.hold();
  let isListed = false;
  const starting = start().then((second) => {
    isListed = true;
    return second;
  });
  await vi.waitFor(() => expect(registry.writes).toBe(1));
  expect(isListed).toBe(false);
  registry.release();
  await (await starting).close();
  running = [];
  registry.hold();
  const hanging = start();
  await vi.waitFor(() => expect(registry.writes).toBe(2));
  clock.advance(3_000);
  expect((await (await hanging).call('GET', `${orders}/instances/one`)).body.registration).toEqual({
    state: 'pending',
  });
});

test('an instance whose registry is no longer configured is kept, and reported', async () => {
  const first = await start();
  await first.call('PUT', `${orders}/instances/one`, body);
  await first.close();
  running = [];
  const second = await start({ registryWriters: () => new Map() });
  expect(second.problems()).toEqual([
    'instance shop/orders.registry/one in zk: no adapter "zk" takes registrations; none does',
  ]);
  expect(second.services()).toEqual([]);
});
