import { describe, expect, test } from 'vitest';
import type { WorldChange } from '../../../src/compile/contract.ts';
import { type Logger, silentLogger } from '../../../src/lib/logger.ts';
import type { Endpoint } from '../../../src/model/endpoint.ts';
import { hostname, serviceKey } from '../../../src/model/names.ts';
import type { RegistryChange } from '../../../src/registry/contract.ts';
import { endpoint, endpointSet, rawObject, service, workload } from '../../support/model.ts';
import { contents, story, testRegistry } from '../../support/registry.ts';

const reviews = serviceKey('default', hostname('reviews'));

test('a registry change is assignable to the compiler’s', () => {
  const changes: readonly RegistryChange[] = [];
  const world: readonly WorldChange[] = changes;
  expect(world).toEqual([]);
});

test('a service appears with its endpoints and is removed with them', () => {
  const { registry } = testRegistry();
  const sink = registry.shard('a', 'file');
  sink.replace(contents({ services: [service('reviews')], endpoints: [endpointSet('reviews', endpoint('10.0.0.1'))] }));
  expect(story(registry)).toEqual(['service reviews of test', 'endpoints reviews: 10.0.0.1']);
  sink.apply([{ type: 'service-removed', namespace: 'default', hostname: 'reviews' }]);
  expect(story(registry)).toEqual(['gone default/reviews']);
  expect(registry.endpoints(reviews)).toBeUndefined();
});

test('equal contents are no change, whatever the order of endpoints', () => {
  const { registry } = testRegistry();
  const sink = registry.shard('a', 'file');
  const urgencies: string[] = [];
  registry.onChange((urgency) => urgencies.push(urgency));
  const set = () => endpointSet('reviews', endpoint('10.0.0.2'), endpoint('10.0.0.1'));
  sink.replace(contents({ services: [service('reviews')], endpoints: [set()] }));
  registry.takeChanges();
  const before = registry.endpoints(reviews);
  sink.replace(contents({ services: [service('reviews')], endpoints: [set()] }));
  sink.apply([{ type: 'endpoints', set: endpointSet('reviews', endpoint('10.0.0.1'), endpoint('10.0.0.2')) }]);
  expect(story(registry)).toEqual([]);
  expect(urgencies).toEqual(['configuration']);
  expect(registry.endpoints(reviews)).toBe(before);
});

test('an endpoint that is not ready is reported as such at once', () => {
  const { registry } = testRegistry();
  const sink = registry.shard('a', 'file');
  sink.replace(contents({ services: [service('reviews')], endpoints: [endpointSet('reviews', endpoint('10.0.0.1'))] }));
  registry.takeChanges();
  const urgencies: string[] = [];
  registry.onChange((urgency) => urgencies.push(urgency));
  for (const { health, want } of [
    { health: 'unhealthy', want: '10.0.0.2(unhealthy)' },
    { health: 'healthy', want: '10.0.0.2' },
    { health: 'draining', want: '10.0.0.2' },
  ] as const) {
    const set = endpointSet('reviews', endpoint('10.0.0.1'), endpoint('10.0.0.2', { health }));
    sink.apply([{ type: 'endpoints', set }]);
    expect(story(registry)).toEqual([`endpoints reviews: 10.0.0.1 ${want}`]);
  }
  expect(urgencies).toEqual(['endpoints', 'endpoints', 'endpoints']);
});

describe('an endpoint that its adapter no longer lists', () => {
  /** Creates a service with one endpoint, removes the endpoint and records the reports. */
  function program() {
    const { registry, clock } = testRegistry();
    const sink = registry.shard('a', 'file');
    const set = (...endpoints: Endpoint[]) =>
      sink.apply([{ type: 'endpoints', set: endpointSet('reviews', ...endpoints) }]);
    sink.replace(
      contents({ services: [service('reviews')], endpoints: [endpointSet('reviews', endpoint('10.0.0.1'))] }),
    );
    registry.takeChanges();
    set();
    expect(story(registry)).toEqual(['endpoints reviews: 10.0.0.1(departed)']);
    return { registry, clock, sink, set };
  }

  test('stays as departed for ten seconds, then is removed', () => {
    const { registry, clock } = program();
    const urgencies: string[] = [];
    registry.onChange((urgency) => urgencies.push(urgency));
    clock.advance(9_999);
    expect(story(registry)).toEqual([]);
    clock.advance(1);
    expect(urgencies).toEqual(['endpoints']);
    expect(story(registry)).toEqual(['endpoints reviews: none']);
    expect([...registry.services()]).toHaveLength(1);
  });

  test('regains its state if it returns in time, even as another workload on that port', () => {
    const { registry, clock, set } = program();
    clock.advance(2_000);
    set(endpoint('10.0.0.1', { labels: { version: 'v2' } }));
    expect(story(registry)).toEqual(['endpoints reviews: 10.0.0.1']);
    clock.advance(60_000);
    expect(story(registry)).toEqual([]);
  });

  test('stays for ten seconds from its removal, whatever changes meanwhile', () => {
    const { registry, clock, set } = program();
    clock.advance(6_000);
    set(endpoint('10.0.0.2'));
    set();
    registry.takeChanges();
    set(endpoint('10.0.0.2'));
    registry.takeChanges();
    set();
    expect(story(registry)).toEqual(['endpoints reviews: 10.0.0.2(departed) 10.0.0.1(departed)']);
    clock.advance(4_000);
    expect(story(registry)).toEqual(['endpoints reviews: 10.0.0.2(departed)']);
    clock.advance(6_000);
    expect(story(registry)).toEqual(['endpoints reviews: none']);
  });

  test('is removed with its service', () => {
    const { registry, clock, sink } = program();
    sink.apply([{ type: 'service-removed', namespace: 'default', hostname: 'reviews' }]);
    expect(story(registry)).toEqual(['gone default/reviews']);
    sink.apply([{ type: 'service', service: service('reviews') }]);
    expect(story(registry)).toEqual(['service reviews of test', 'endpoints reviews: none']);
    clock.advance(60_000);
    expect(story(registry)).toEqual([]);
  });
});

test('invalid parts of a service are dropped and reported; the service stays', () => {
  const { registry } = testRegistry();
  const http = (number: number, name = 'http') => ({ name, number, protocol: 'http' as const });
  const ports = [http(80), http(81), http(80, 'again'), http(15_001, 'out'), http(0, 'none'), http(15_006, '')];
  const vips = ['0.0.0.0', '::', '0:0::0', '10.0.0.0/0', 'nowhere', '10.0.0.1', 'FD00:0::1', 'fd00::1', 'FD00::/64'];
  const sink = registry.shard('a', 'file');
  sink.replace(contents({ services: [service('reviews', { ports, vips })] }));
  registry.takeChanges();
  expect([...registry.services()]).toMatchObject([
    { ports: [http(80), http(81, '81')], vips: ['10.0.0.1', 'fd00::1', 'fd00::/64'] },
  ]);
  expect(registry.problems().map(({ message }) => message.replace('reviews has ', ''))).toEqual([
    "reviews names two ports 'http': port 81 is called by its number",
    'port 80 twice: the second is left out',
    "port 15001, which is the sidecars' own: it is left out",
    'port number 0; it must be 1 to 65535: it is left out',
    "port 15006, which is the sidecars' own: it is left out",
    "the address '0.0.0.0', which stands for every address: it is left out",
    "the address '::', which stands for every address: it is left out",
    "the address '0:0::0', which stands for every address: it is left out",
    "the address '10.0.0.0/0', which stands for every address: it is left out",
    "the address 'nowhere', which is not an IP address: it is left out",
  ]);
  sink.apply([{ type: 'service', service: service('reviews') }]);
  expect(registry.problems()).toEqual([]);
});

test('addresses are canonical: endpoints of one address are one, and equal sets are no change', () => {
  const { registry } = testRegistry();
  const sink = registry.shard('a', 'file');
  const set = (...addresses: string[]) => endpointSet('reviews', ...addresses.map((address) => endpoint(address)));
  sink.replace(contents({ services: [service('reviews')], endpoints: [set('FD00:0::1', '10.0.0.1', 'fd00::1')] }));
  expect(story(registry)).toEqual(['service reviews of test', 'endpoints reviews: 10.0.0.1 fd00::1']);
  sink.apply([{ type: 'endpoints', set: set('fd00:0:0::1', '10.0.0.1') }]);
  expect(story(registry)).toEqual([]);
});

for (const { name, first, second, want } of [
  {
    name: 'the oldest is used',
    first: { createdAtMs: 2_000, labels: { by: 'a' } },
    second: { createdAtMs: 1_000, labels: { by: 'b' } },
    want: 'b',
  },
  {
    name: 'of equal age the first shard is used',
    first: { labels: { by: 'a' } },
    second: { labels: { by: 'b' } },
    want: 'a',
  },
  {
    name: 'Kubernetes precedes an older one',
    first: { createdAtMs: 1, labels: { by: 'a' } },
    second: { registry: 'kubernetes', labels: { by: 'b' } },
    want: 'b',
  },
]) {
  test(`two shards define one service: ${name}`, () => {
    const { registry } = testRegistry();
    registry.shard('b', 'test').replace(contents({ services: [service('reviews', second)] }));
    registry.shard('a', 'test').replace(contents({ services: [service('reviews', first)] }));
    registry.takeChanges();
    expect([...registry.services()].map(({ labels }) => labels)).toEqual([{ by: want }]);
  });
}

test('a Kubernetes service of two clusters has the addresses of both', () => {
  const { registry } = testRegistry();
  for (const [shard, vip] of [
    ['east', '10.1.0.1'],
    ['west', '10.2.0.1'],
  ] as const) {
    registry
      .shard(shard, 'kubernetes')
      .replace(contents({ services: [service('reviews', { registry: 'kubernetes', vips: [vip] })] }));
  }
  registry.takeChanges();
  expect([...registry.services()].map(({ vips }) => vips)).toEqual([['10.1.0.1', '10.2.0.1']]);
});

test('endpoints of several shards are merged in the order of shard names, without duplicate addresses', () => {
  const { registry } = testRegistry();
  const west = registry.shard('west', 'test');
  const east = registry.shard('east', 'test');
  west.replace(contents({ services: [service('reviews')], endpoints: [endpointSet('reviews', endpoint('10.0.0.1'))] }));
  east.replace(contents({ endpoints: [endpointSet('reviews', endpoint('10.0.0.9'), endpoint('10.0.0.1'))] }));
  expect(story(registry)).toEqual(['service reviews of test', 'endpoints reviews: 10.0.0.1 10.0.0.9']);
});

test('a hostname among the endpoints of a static service is dropped, because Envoy would reject all of them', () => {
  const { registry } = testRegistry();
  const set = endpointSet('reviews', endpoint('10.0.0.1'), endpoint('db.example.com'));
  registry.shard('a', 'test').replace(contents({ services: [service('reviews')], endpoints: [set] }));
  expect(story(registry)).toEqual(['service reviews of test', 'endpoints reviews: 10.0.0.1']);
});

test('an invalid entry affects only itself, is reported, and is cleared once it is valid', () => {
  const { registry } = testRegistry();
  const sink = registry.shard('a', 'test');
  sink.replace(
    contents({
      services: [service('no spaces please'), service('reviews')],
      endpoints: [endpointSet('reviews', endpoint('10.0.0.1', { ports: { http: 0 } }), endpoint('10.0.0.2'))],
    }),
  );
  expect(story(registry)).toEqual(['service reviews of test', 'endpoints reviews: 10.0.0.2']);
  expect(registry.problems().map(({ origin, message }) => `${origin}: ${message}`)).toEqual([
    'service default/no spaces please: no spaces please is not a valid hostname; the service stays as it was',
    "endpoints default/reviews: endpoint 10.0.0.1 has number 0 for port 'http'",
  ]);
  sink.apply([
    { type: 'service-removed', namespace: 'default', hostname: 'no spaces please' },
    { type: 'endpoints', set: endpointSet('reviews', endpoint('10.0.0.2')) },
  ]);
  expect(registry.problems()).toEqual([]);
});

test('stored problems are limited; their count is exact', () => {
  const { registry } = testRegistry();
  const sink = registry.shard('a', 'test');
  for (let index = 0; index < 1_500; index += 1) sink.problem(`file.yaml#${index}`, 'is wrong');
  expect(registry.problems()).toHaveLength(1_000);
  expect(registry.shards()[0]?.refused).toBe(1_500);
});

test('objects and workloads are passed on in their current state', () => {
  const { registry } = testRegistry();
  const sink = registry.shard('a', 'test');
  let calls = 0;
  registry.onRawChange(() => {
    calls += 1;
  });
  sink.replace(contents({ objects: [rawObject('VirtualService', 'v', { a: 1 })], workloads: [workload('w')] }));
  sink.replace(contents({ objects: [rawObject('VirtualService', 'v', { a: 2 })] }));
  expect(registry.takeRawChanges()).toEqual([
    { type: 'workload-removed', adapter: 'a', namespace: 'default', name: 'w' },
    { type: 'object', adapter: 'a', object: rawObject('VirtualService', 'v', { a: 2 }) },
  ]);
  expect(calls).toBe(2);
  sink.replace(contents({ objects: [rawObject('VirtualService', 'v', { a: 2 })] }));
  expect(registry.takeRawChanges()).toEqual([]);
});

test('a shard reports its state and its time', () => {
  const { registry, clock } = testRegistry();
  const sink = registry.shard('a', 'nacos');
  const state = () =>
    registry.shards().map(({ state, reason, sinceMs }) => ({ state, reason, ago: clock.now() - sinceMs }));
  clock.advance(5);
  sink.degraded('connection refused');
  expect(state()).toEqual([{ state: 'degraded', reason: 'connection refused', ago: 0 }]);
  expect(registry.awaited()).toEqual(['a']);
  expect(registry.troubles()).toEqual([{ name: 'a', state: 'degraded', reason: 'connection refused' }]);
  sink.replace(contents({ services: [service('reviews')] }));
  expect(state()).toEqual([{ state: 'synced', reason: null, ago: 0 }]);
  expect(registry.awaited()).toEqual([]);
  clock.advance(7);
  sink.degraded('connection reset');
  expect(state()).toEqual([{ state: 'degraded', reason: 'connection reset', ago: 0 }]);
  expect([...registry.services()]).toEqual([]);
  expect(story(registry)).toEqual(['service reviews of test', 'endpoints reviews: none']);
  sink.recovered();
  expect(state()).toEqual([{ state: 'synced', reason: null, ago: 0 }]);
  expect(registry.troubles()).toEqual([]);
});

test('a registry that becomes empty shows in its counts, although its services stay', () => {
  const { registry } = testRegistry();
  const sink = registry.shard('a', 'registration');
  const counts = () =>
    registry.shards().map(({ services, emptyServices, endpoints }) => ({ services, emptyServices, endpoints }));
  const reviews = service('reviews');
  const external = service('api.example.com', { resolution: 'dns' });
  sink.replace(contents({ services: [reviews, external], endpoints: [endpointSet('reviews', endpoint('10.0.0.1'))] }));
  expect(counts()).toEqual([{ services: 2, emptyServices: 0, endpoints: 1 }]);
  sink.apply([{ type: 'endpoints', set: endpointSet('reviews') }]);
  expect(counts()).toEqual([{ services: 1, emptyServices: 1, endpoints: 0 }]);
  sink.apply([{ type: 'endpoints', set: endpointSet('reviews', endpoint('10.0.0.1', { health: 'unhealthy' })) }]);
  expect(counts()).toEqual([{ services: 1, emptyServices: 1, endpoints: 1 }]);
});

test('an invalid entry is logged once while it is invalid, and many are counted', () => {
  const lines: string[] = [];
  const log: Logger = { ...silentLogger, warn: (facts, message) => lines.push(`${message}: ${JSON.stringify(facts)}`) };
  const { registry } = testRegistry(null, log);
  const sink = registry.shard('a', 'test');
  const wrong = { type: 'endpoints', set: endpointSet('reviews', endpoint('not an address')) } as const;
  const reason = "endpoint address 'not an address' is neither an IP address nor a hostname";
  const line = `registry entry refused: ${JSON.stringify({ shard: 'a', origin: `endpoints ${reviews}`, reason })}`;
  sink.replace(contents({ services: [service('reviews')] }));
  sink.apply([wrong]);
  sink.apply([wrong]);
  expect(lines.splice(0)).toEqual([line]);
  sink.apply([{ type: 'endpoints', set: endpointSet('reviews') }]);
  sink.apply([wrong]);
  expect(lines.splice(0)).toEqual([line]);
  const many = Array.from({ length: 500 }, (_, index) => endpointSet(`s${index}`, endpoint('-')));
  sink.apply(many.map((set) => ({ type: 'endpoints', set })));
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toContain('"entries":480');
});

test('readiness does not wait for an optional adapter', () => {
  const { registry } = testRegistry();
  registry.shard('a', 'consul', { required: false });
  expect(registry.awaited()).toEqual([]);
});

describe('a shard that is removed', () => {
  const eastern = contents({
    services: [service('reviews'), service('ratings')],
    endpoints: [endpointSet('reviews', endpoint('10.0.0.2')), endpointSet('ratings', endpoint('10.0.0.3'))],
    workloads: [workload('w')],
    objects: [rawObject('VirtualService', 'v', { http: [] })],
  });

  test('takes its contents with it, and leaves those of others', async () => {
    const { registry, clock } = testRegistry();
    const own = endpointSet('reviews', endpoint('10.0.0.1'));
    registry.shard('a', 'kubernetes').replace(contents({ services: [service('reviews')], endpoints: [own] }));
    const sink = registry.shard('a/east', 'kubernetes');
    sink.replace(eastern);
    registry.takeChanges();
    registry.takeRawChanges();
    await registry.removeShard('a/east');
    expect(story(registry)).toEqual(['gone default/ratings', 'endpoints reviews: 10.0.0.1 10.0.0.2(departed)']);
    expect(registry.takeRawChanges().map(({ type }) => type)).toEqual(['workload-removed', 'object-removed']);
    expect(registry.shards().map(({ name }) => name)).toEqual(['a']);
    sink.replace(eastern);
    clock.advance(60_000);
    expect(story(registry)).toEqual(['endpoints reviews: 10.0.0.1']);
    await registry.removeShard('a/east');
  });

  test('may be opened again', async () => {
    const { registry } = testRegistry();
    registry.shard('a/east', 'kubernetes').replace(eastern);
    await registry.removeShard('a/east');
    registry.shard('a/east', 'kubernetes').replace(eastern);
    expect(registry.shards()).toMatchObject([{ name: 'a/east', state: 'synced', services: 2 }]);
  });
});

test('readiness waits for a shard only until its time has passed, where that is enough', async () => {
  const { registry, clock } = testRegistry();
  registry.shard('a', 'kubernetes', { syncTimeoutMs: 1_000 });
  registry.shard('a/east', 'kubernetes', { syncTimeoutMs: 1_000, isAwaitedBriefly: true });
  expect(registry.awaited()).toEqual(['a', 'a/east']);
  clock.advance(1_000);
  await expect.poll(() => registry.awaited()).toEqual(['a']);
});
