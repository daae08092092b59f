import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { config } from '../../../../adapters/nacos/config.ts';
import { nacos } from '../../../../adapters/nacos/index.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { createRegistry } from '../../../../src/registry/registry.ts';
import { adapterContext } from '../../../support/adapter-context.ts';
import { type FakeNacos, type FakeNacosOptions, startFakeNacos } from '../../../support/nacos/fake-server.ts';

const patience = { timeout: 60_000, interval: 10 };
let ends: (() => Promise<void> | void)[] = [];
let dataDir = '';

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'binnacle-nacos-'));
});
afterEach(async () => {
  for (const end of ends.toReversed()) await end();
  ends = [];
  await rm(dataDir, { recursive: true, force: true });
});

async function start(options: FakeNacosOptions = {}): Promise<FakeNacos> {
  const server = await startFakeNacos(options);
  ends.push(server.stop);
  return server;
}

/** Follows these servers. Returns what the registry then has. */
function follow(servers: readonly FakeNacos[], settings: object = {}) {
  const registry = createRegistry({ clock: systemClock, log: silentLogger, snapshotDir: null });
  const given = { servers: servers.map(({ address }) => address), grpcPortOffset: 0, settleSeconds: 0.05, ...settings };
  const adapter = nacos.create(config.parse(given), adapterContext({ dataDir }));
  const abort = new AbortController();
  const running = adapter.run(registry.shard('nacos', 'nacos'), abort.signal);
  ends.push(async () => {
    abort.abort();
    await running;
    await registry.close();
  });
  const shard = () => registry.shards()[0];
  return {
    registry,
    services: () => {
      const sets = [...registry.endpointShards()].map(({ set }) => {
        const addresses = set.endpoints.filter(({ health }) => health === 'healthy').map(({ address }) => address);
        return [set.hostname.split('.')[0], ...addresses].join(' ');
      });
      return sets.sort();
    },
    state: () => shard()?.state,
    reason: () => shard()?.reason,
    problems: () => registry.problems().map(({ origin, message }) => `${origin}: ${message}`),
  };
}

const at = (...ips: readonly string[]) => ips.map((ip) => ({ ip, port: 80 }));

for (const version of [2, 3] as const) {
  test(`services of a ${version}.x server are followed: those that are there, that come, change and go`, async () => {
    const server = await start({ version });
    server.set('orders', at('10.0.0.1'));
    const mesh = follow([server], { groups: ['G'], listSeconds: 0.05 });
    await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
    expect(mesh.services()).toEqual(['orders 10.0.0.1']);
    server.set('ratings', at('10.0.0.2'));
    server.set('orders', at('10.0.0.1', '10.0.0.3'));
    await vi.waitFor(() => expect(mesh.services()).toEqual(['orders 10.0.0.1 10.0.0.3', 'ratings 10.0.0.2']), patience);
    expect(server.requests.includes('NamingFuzzyWatchRequest')).toBe(version === 3);
    await vi.waitFor(() => expect(server.requests).toContain('NotifySubscriberResponse'), patience);
  });
}

test('services beyond the limit of a fuzzy watch are found by lists', async () => {
  const server = await start({ watchLimit: 1 });
  for (const name of ['a', 'b', 'c']) server.set(name, at('10.0.0.1'));
  const mesh = follow([server], { listSeconds: 0.05, emptyServiceSeconds: 0.1 });
  await vi.waitFor(() => expect(mesh.services()).toEqual(['a 10.0.0.1', 'b 10.0.0.1', 'c 10.0.0.1']), patience);
  server.set('d', at('10.0.0.2'));
  await vi.waitFor(() => expect(mesh.services()).toContain('d 10.0.0.2'), patience);
  server.set('b', null);
  await vi.waitFor(() => expect(mesh.services()).toEqual(['a 10.0.0.1', 'c 10.0.0.1', 'd 10.0.0.2']), patience);
});

test('chosen services are followed, others are not asked for', async () => {
  const server = await start();
  server.set('orders', at('10.0.0.1'));
  server.set('ratings', at('10.0.0.2'));
  const mesh = follow([server], { services: ['G@@orders', 'G@@missing'] });
  await vi.waitFor(() => expect(mesh.services()).toEqual(['missing', 'orders 10.0.0.1']), patience);
  expect(server.requests).not.toContain('ServiceListRequest');
});

describe('a cluster of two servers', () => {
  test('of which one starts anew and lists a service as empty keeps it, because the other one has it', async () => {
    const [fresh, other] = [await start(), await start()];
    for (const server of [fresh, other]) server.set('orders', at('10.0.0.1'));
    const mesh = follow([fresh, other]);
    await vi.waitFor(() => expect(mesh.services()).toEqual(['orders 10.0.0.1']), patience);
    const seen = vi.fn();
    mesh.registry.onChange(seen);
    fresh.set('orders', []);
    await vi.waitFor(() => expect(other.requests).toContain('ServiceQueryRequest'), patience);
    await vi.waitFor(() => expect(other.connections).toBe(0), patience);
    expect(mesh.services()).toEqual(['orders 10.0.0.1']);
    other.set('orders', []);
    await vi.waitFor(() => expect(mesh.services()).toEqual(['orders']), patience);
  });

  test('of which one lists far too few instances keeps them, because the other one has them', async () => {
    const [fresh, other] = [await start(), await start()];
    const all = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
    for (const server of [fresh, other]) server.set('orders', at(...all));
    const mesh = follow([fresh, other]);
    await vi.waitFor(() => expect(mesh.services()).toEqual([`orders ${all.join(' ')}`]), patience);
    fresh.set('orders', at('10.0.0.3'));
    await vi.waitFor(() => expect(other.requests).toContain('ServiceQueryRequest'), patience);
    await vi.waitFor(() => expect(other.connections).toBe(0), patience);
    expect(mesh.services()).toEqual([`orders ${all.join(' ')}`]);
    other.set('orders', at('10.0.0.3'));
    await vi.waitFor(() => expect(mesh.services()).toEqual(['orders 10.0.0.3']), patience);
  });

  test('goes on with the other one when the first ends', async () => {
    const [first, second] = [await start(), await start()];
    for (const server of [first, second]) server.set('orders', at('10.0.0.1'));
    const mesh = follow([first, second]);
    await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
    first.stop();
    second.set('orders', at('10.0.0.1', '10.0.0.2'));
    await vi.waitFor(() => expect(mesh.services()).toEqual(['orders 10.0.0.1 10.0.0.2']), patience);
    await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
  });

  test('goes on with the other one when the first hangs', async () => {
    const [first, second] = [await start(), await start()];
    for (const server of [first, second]) server.set('orders', at('10.0.0.1'));
    const mesh = follow([first, second]);
    await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
    first.hang();
    await vi.waitFor(() => expect(second.connections).toBe(1), patience);
    await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
    expect(mesh.services()).toEqual(['orders 10.0.0.1']);
  });

  test('goes on with the other one when the first asks for that', async () => {
    const [first, second] = [await start(), await start()];
    const mesh = follow([first, second]);
    await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
    first.tell('ConnectResetRequest', {});
    await vi.waitFor(() => expect([first.connections, second.connections]).toEqual([0, 1]), patience);
  });
});

test('while the only server is away everything stays, with a reason', async () => {
  const server = await start();
  server.set('orders', at('10.0.0.1'));
  const mesh = follow([server]);
  await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
  server.stop();
  await vi.waitFor(() => expect(mesh.state()).toBe('degraded'), patience);
  expect(mesh.reason()).toContain(`namespace public: ${server.address}`);
  expect(mesh.services()).toEqual(['orders 10.0.0.1']);
});

test('an entry that is no instance is named, and the rest is served', async () => {
  const server = await start();
  server.set('orders', [...at('10.0.0.1'), { ip: '10.0.0.2', port: 70_000 }]);
  const mesh = follow([server]);
  await vi.waitFor(
    () => expect(mesh.problems()).toEqual([expect.stringContaining('public@@G@@orders: instance 2')]),
    patience,
  );
  expect(mesh.services()).toEqual(['orders 10.0.0.1']);
  server.set('orders', at('10.0.0.1', '10.0.0.2'));
  await vi.waitFor(() => expect(mesh.problems()).toEqual([]), patience);
});

test('a service that may not be read is named, and the others are served', async () => {
  const server = await start();
  server.set('orders', at('10.0.0.1'));
  server.refuse(403, 'SubscribeServiceRequest');
  const mesh = follow([server]);
  await vi.waitFor(
    () => expect(mesh.problems()).toEqual([expect.stringContaining('it cannot be read: refused')]),
    patience,
  );
  expect(mesh.state()).toBe('synced');
});

test('a message that nobody knows is acknowledged and does no harm', async () => {
  const server = await start();
  server.set('orders', at('10.0.0.1'));
  const mesh = follow([server]);
  await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
  server.tell('NotifySubscriberRequest', { serviceInfo: 'x' });
  server.tell('SomethingNewRequest', {});
  await vi.waitFor(() => expect(server.requests).toContain('SomethingNewResponse'), patience);
  server.set('orders', at('10.0.0.2'));
  await vi.waitFor(() => expect(mesh.services()).toEqual(['orders 10.0.0.2']), patience);
});
