import { beforeEach, expect, test } from 'vitest';
import type { RegistrationState } from '../../../adapters/registration/contract.ts';
import { createKeeper, type Keeper } from '../../../adapters/registration/registries/keeper.ts';
import type { RegistryEntry } from '../../../src/adapter-contract/registry-writer.ts';
import { hostname } from '../../../src/model/names.ts';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';
import { type FakeRegistry, fakeRegistry } from '../../support/fake-registry.ts';

let registry: FakeRegistry = fakeRegistry();
let clock: FakeClock = fakeClock();
let keeper: Keeper;
let states: Record<string, RegistrationState> = {};
beforeEach(() => {
  registry = fakeRegistry();
  clock = fakeClock();
  states = {};
  keeper = createKeeper({
    clock,
    writer: registry.writer,
    changed: ({ hostname: host }, id, state) => {
      states[`${host}/${id}`] = state;
    },
  });
});

const service = (host: string) => ({ namespace: 'shop', hostname: hostname(host) });
const entry = (id: string, address = '10.0.0.1'): RegistryEntry => ({
  id,
  address,
  ports: [{ name: 'dubbo', protocol: 'tcp', port: 20_882 }],
  labels: {},
  weight: 1,
  locality: '',
  registeredAtMs: 0,
});
const orders = service('orders.registry');

/** Lets all promises settle that wait for nothing else. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('each entry of a service is registered, and a removed one is not', async () => {
  keeper.put(orders, entry('a'));
  keeper.put(orders, entry('b', '10.0.0.2'));
  await settled();
  expect(registry.contents()).toEqual(['orders.registry: 10.0.0.1:20882 10.0.0.2:20882']);
  expect(states).toEqual({ 'orders.registry/a': { type: 'registered' }, 'orders.registry/b': { type: 'registered' } });
  keeper.remove(orders, 'a');
  await settled();
  expect(registry.contents()).toEqual(['orders.registry: 10.0.0.2:20882']);
  keeper.remove(orders, 'b');
  await settled();
  expect(registry.contents()).toEqual([]);
});

test('while the registry is out of reach, attempts follow at growing intervals, and the reason is known', async () => {
  registry.down('connection refused');
  keeper.put(orders, entry('a'));
  await settled();
  expect(states).toEqual({ 'orders.registry/a': { type: 'pending', reason: 'connection refused' } });
  for (let minutes = 0; minutes < 10; minutes += 1) {
    clock.advance(60_000);
    await settled();
  }
  expect(registry.writes).toBeGreaterThan(5);
  expect(registry.writes).toBeLessThan(40);
  registry.down(null);
  clock.advance(30_000);
  await settled();
  expect(registry.contents()).toEqual(['orders.registry: 10.0.0.1:20882']);
  expect(states).toEqual({ 'orders.registry/a': { type: 'registered' } });
});

test('a refused entry is not tried again by itself, and keeps no other out', async () => {
  registry.refuse('a', 'the service is persistent');
  keeper.put(orders, entry('a'));
  keeper.put(orders, entry('b', '10.0.0.2'));
  await settled();
  const { writes } = registry;
  clock.advance(86_400_000);
  await settled();
  expect(registry.writes).toBe(writes);
  expect(states).toEqual({
    'orders.registry/a': { type: 'failed', reason: 'the service is persistent' },
    'orders.registry/b': { type: 'registered' },
  });
  registry.refuse('a', null);
  keeper.put(orders, entry('b', '10.0.0.3'));
  await settled();
  expect(registry.contents()).toEqual(['orders.registry: 10.0.0.3:20882']);
  keeper.retry(orders, 'a');
  await settled();
  expect(registry.contents()).toEqual(['orders.registry: 10.0.0.1:20882 10.0.0.3:20882']);
});

test('a registry that has lost everything is given all entries anew, also those that it refused', async () => {
  registry.refuse('a', 'not permitted');
  keeper.put(orders, entry('a'));
  keeper.put(service('ratings.registry'), entry('b', '10.0.0.2'));
  await settled();
  registry.refuse('a', null);
  registry.lose();
  expect(states).toMatchObject({ 'ratings.registry/b': { type: 'pending' } });
  await settled();
  expect(registry.contents()).toEqual(['orders.registry: 10.0.0.1:20882', 'ratings.registry: 10.0.0.2:20882']);
});

test('changes during a write are written after it', async () => {
  registry.hold();
  keeper.put(orders, entry('a'));
  await settled();
  keeper.put(orders, entry('a', '10.0.0.9'));
  keeper.put(orders, entry('b', '10.0.0.2'));
  registry.release();
  await settled();
  expect(registry.contents()).toEqual(['orders.registry: 10.0.0.2:20882 10.0.0.9:20882']);
  expect(registry.writes).toBe(2);
});

test('many services are written a few at a time', async () => {
  registry.hold();
  for (let index = 0; index < 100; index += 1) keeper.put(service(`s${index}.registry`), entry('a'));
  await settled();
  expect(registry.writes).toBe(16);
  registry.release();
  await settled();
  expect(registry.contents()).toHaveLength(100);
});

test('a removal that fails is repeated', async () => {
  keeper.put(orders, entry('a'));
  await settled();
  registry.down('connection refused');
  keeper.remove(orders, 'a');
  await settled();
  registry.down(null);
  clock.advance(1_000);
  await settled();
  expect(registry.contents()).toEqual([]);
});

test('a closed keeper writes nothing more', async () => {
  registry.down('connection refused');
  keeper.put(orders, entry('a'));
  await settled();
  keeper.close();
  const { writes } = registry;
  clock.advance(86_400_000);
  registry.lose();
  await settled();
  expect(registry.writes).toBe(writes);
});
