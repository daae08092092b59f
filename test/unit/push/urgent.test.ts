import { describe, expect, test } from 'vitest';
import { createCompiler } from '../../../src/compile/compiler.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { Proxy } from '../../../src/model/proxy.ts';
import { recordParts } from '../../../src/proto/resource.ts';
import type { Client } from '../../../src/push/client.ts';
import { Coordinator } from '../../../src/push/coordinator.ts';
import { createFeed } from '../../../src/push/feed.ts';
import { unobserved } from '../../../src/push/observer.ts';
import { ruleBook } from '../../../src/rules/book/rule-book.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import { createServiceEntryIndex } from '../../../src/rules/service-entries/index.ts';
import { createStream } from '../../../src/xds/stream/stream.ts';
import { endpoint, rawObject } from '../../support/model.ts';
import { contents, testRegistry } from '../../support/registry.ts';
import { endpointsOf, proxy, service } from '../../support/world.ts';

const reviews = service('reviews');
const set = (...addresses: string[]) =>
  endpointsOf(
    reviews,
    addresses.map((address) => endpoint(address)),
  );
const toV2 = rawObject('VirtualService', 'reviews', {
  hosts: ['reviews'],
  http: [{ route: [{ destination: { host: 'reviews', subset: 'v2' } }] }],
});
const v2 = rawObject('DestinationRule', 'reviews', {
  host: 'reviews',
  subsets: [{ name: 'v2', labels: { version: 'v2' } }],
});

/** Registry, rules, compiler and coordinator as the program wires them, on one clock that stands still. */
async function program() {
  const { registry, clock } = testRegistry();
  const book = ruleBook({ kinds: ruleKinds, mesh: defaultMeshConfig });
  const shard = registry.shard('mesh', 'test', { savesSnapshot: false });
  const deferred: (() => void)[] = [];
  const feed = createFeed({
    registry,
    book,
    serviceEntries: createServiceEntryIndex(),
    serviceEntryShard: registry.shard('service-entries', 'service-entry', { required: false, savesSnapshot: false }),
  });
  const coordinator = new Coordinator({
    compiler: createCompiler(),
    take: feed.take,
    clock,
    log: silentLogger,
    observer: unobserved,
    timing: { endpointQuietMs: 0, quietMs: 20, maxMs: 1_000 },
    defer: (run) => deferred.push(run),
    elapsed: () => 0,
  });
  feed.start((urgency) => coordinator.changed(urgency));
  const pass = async (ms: number) => {
    clock.advance(ms);
    do {
      for (const run of deferred.splice(0)) run();
      await new Promise((resolve) => setImmediate(resolve));
    } while (deferred.length > 0);
  };
  const connect = (of: Proxy) => {
    const outlet = { writable: false, write: () => {}, end: () => {} };
    return coordinator.connect({ id: of.id, proxy: of, stream: createStream('delta'), peer: 'test', outlet });
  };
  shard.replace(contents({ services: [reviews], endpoints: [set('10.0.0.1')] }));
  await pass(20);
  const client = connect(proxy());
  await pass(0);
  return { book, shard, pass, connect, client };
}

/** Contents of a client's tables: clusters of v2, routes to it, addresses. */
function seen({ layers: [scope] }: Client) {
  const bytes = (type: 'route' | 'endpoint' | 'cluster') =>
    [...(scope?.tables[type].entries.values() ?? [])]
      .map(({ resource }) => Buffer.concat(recordParts(resource, 'delta')).toString('latin1'))
      .join();
  return {
    cluster: bytes('cluster').includes('outbound|80|v2|'),
    route: bytes('route').includes('outbound|80|v2|'),
    moved: bytes('endpoint').includes('10.0.0.2'),
  };
}

describe('endpoints that change while configuration waits', () => {
  test('are sent at once and alone: a rule waits for its related changes', async () => {
    const { book, shard, pass, client } = await program();
    book.apply('files', [{ type: 'object', object: toV2 }]);
    shard.apply([{ type: 'endpoints', set: set('10.0.0.2') }]);
    await pass(0);
    expect(seen(client)).toEqual({ cluster: false, route: false, moved: true });
    await pass(5);
    book.apply('files', [{ type: 'object', object: v2 }]);
    await pass(19);
    expect(seen(client)).toMatchObject({ cluster: false, route: false });
    await pass(1);
    expect(seen(client)).toEqual({ cluster: true, route: true, moved: true });
  });

  test('wait for their service if it changed, too', async () => {
    const { shard, pass, client } = await program();
    const renamed = { ...reviews, ports: [{ name: 'web', number: 80, protocol: 'http' as const }] };
    shard.apply([{ type: 'service', service: renamed }]);
    shard.apply([{ type: 'endpoints', set: endpointsOf(reviews, [endpoint('10.0.0.2', { ports: { web: 8080 } })]) }]);
    await pass(0);
    expect(seen(client)).toMatchObject({ moved: false });
    await pass(20);
    expect(seen(client)).toMatchObject({ moved: true });
  });
});

describe('a client with new layers that connects while configuration waits', () => {
  test('gets them with that configuration, which stays together', async () => {
    const { book, pass, connect, client } = await program();
    book.apply('files', [{ type: 'object', object: toV2 }]);
    await pass(2);
    const late = connect(proxy({ id: 'late', namespace: 'shop', interception: 'none' }));
    await pass(3);
    expect([late.isReady, seen(client).route]).toEqual([false, false]);
    book.apply('files', [{ type: 'object', object: v2 }]);
    await pass(17);
    expect(late.isReady).toBe(true);
    for (const each of [client, late]) expect(seen(each)).toMatchObject({ cluster: true, route: true });
  });
});
