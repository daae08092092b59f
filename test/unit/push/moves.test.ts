import { describe, expect, it } from 'vitest';
import { createCompiler } from '../../../src/compile/compiler.ts';
import type { Compiler, LayerKey, WorldChange } from '../../../src/compile/contract.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { Proxy } from '../../../src/model/proxy.ts';
import { Coordinator } from '../../../src/push/coordinator.ts';
import { unobserved } from '../../../src/push/observer.ts';
import { createStream } from '../../../src/xds/stream/stream.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { layerKey } from '../../support/fake-compiler.ts';
import { FakePush } from '../../support/fake-push.ts';
import { endpoint } from '../../support/model.ts';
import { endpointsOf, proxy, rule, service } from '../../support/world.ts';

const web = service('web');
const serving = (...addresses: string[]): WorldChange => ({
  type: 'endpoints',
  set: endpointsOf(
    web,
    addresses.map((address) => endpoint(address)),
  ),
});

/** The real compiler and coordinator, with a note of which proxies the compiler is asked about; each takes `askMs`. */
async function program(proxies: readonly Partial<Proxy>[], ...world: readonly WorldChange[]) {
  const waiting: WorldChange[] = [...world];
  const deferred: (() => void)[] = [];
  const asked: string[] = [];
  const cost = { askMs: 0, elapsedMs: 0 };
  const compiler = createCompiler();
  const noting: Compiler = {
    ...compiler,
    layersOf(of) {
      asked.push(of.name);
      cost.elapsedMs += cost.askMs;
      return compiler.layersOf(of);
    },
  };
  const coordinator = new Coordinator({
    compiler: noting,
    take: () => waiting.splice(0),
    clock: fakeClock(),
    log: silentLogger,
    observer: unobserved,
    timing: { endpointQuietMs: 0, quietMs: 0, maxMs: 0 },
    defer: (run) => deferred.push(run),
    elapsed: () => cost.elapsedMs,
  });
  const turn = async () => {
    for (const run of deferred.splice(0)) run();
    await new Promise((resolve) => setImmediate(resolve));
  };
  await coordinator.flush();
  const outlet = { writable: false, write: () => {}, end: () => {} };
  const clients = proxies.map((of) =>
    coordinator.connect({ id: of.name ?? '', proxy: proxy(of), stream: createStream('delta'), peer: 'test', outlet }),
  );
  await coordinator.flush();
  asked.length = 0;
  const change = async (...changes: readonly WorldChange[]) => {
    asked.length = 0;
    waiting.push(...changes);
    const flushed = coordinator.flush();
    await turn();
    return { flushed, turn };
  };
  return { change, asked, cost, clients, coordinator };
}

const named = (...names: readonly string[]) => names.map((name, index) => ({ name, addresses: [`10.0.0.${index}`] }));

describe('a change that may move clients to other layers', () => {
  it('recomputes only clients at its addresses', async () => {
    const { change, asked } = await program(named('a', 'b', 'c'), { type: 'service', service: web });
    await change(serving('10.0.0.1'));
    expect(asked).toEqual(['b']);
    await change(serving('10.0.0.1', '10.0.0.2', '10.0.9.9'));
    expect(asked).toEqual(['c']);
    await change(serving('10.0.0.2', '10.0.9.9'));
    expect(asked).toEqual(['b']);
    await change({ type: 'service', service: { ...web, labels: { any: 'label' } } });
    expect(asked).toEqual([]);
    await change({ type: 'service', service: { ...web, ports: [] } });
    expect(asked).toEqual([]);
  });

  it('recomputes only clients of its namespace, its DNS domain or its labels', async () => {
    const proxies = [
      { name: 'a', namespace: 'shop', dnsDomain: 'x' },
      { name: 'b', namespace: 'other', dnsDomain: 'example' },
      { name: 'c', namespace: 'other', dnsDomain: 'x', labels: { app: 'web' } },
    ];
    const { change, asked } = await program(proxies);
    await change({ type: 'rule', rule: rule('Sidecar', 'shop/default', { egress: [{ hosts: ['./*'] }] }) });
    expect(asked).toEqual(['a']);
    await change({ type: 'service', service: service('api.example') });
    expect(asked).toEqual(['b']);
    const sourceLabels = { app: 'web' };
    const http = [{ match: [{ sourceLabels }], redirect: { uri: '/' } }];
    await change({ type: 'rule', rule: rule('VirtualService', 'far/v', { hosts: ['ghost.test'], http }) });
    expect(asked).toEqual(['c']);
    await change({ type: 'rule', rule: rule('Sidecar', 'istio-system/root', { egress: [{ hosts: ['./*'] }] }) });
    expect(asked).toEqual(['a', 'b', 'c']);
  });

  it('works in slices, and publishes nothing until all clients have moved', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
    const world: WorldChange[] = [{ type: 'service', service: web }];
    const { change, asked, cost, clients, coordinator } = await program(named(...names), ...world);
    cost.askMs = 2;
    const before = coordinator.context.revision;
    const { flushed, turn } = await change(serving(...names.map((_, index) => `10.0.0.${index}`)));
    expect(asked).toHaveLength(3); // 5 ms each slice
    expect(coordinator.context.revision).toBe(before);
    for (let slice = 0; slice < 6; slice++) await turn();
    await flushed;
    expect(asked).toHaveLength(12);
    expect(coordinator.context.revision).toBeGreaterThan(before);
    for (const client of clients) expect(client.isReady).toBe(true);
  });

  it('skips clients that disconnected meanwhile', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const { change, asked, cost, clients, coordinator } = await program(named(...names), {
      type: 'service',
      service: web,
    });
    cost.askMs = 5;
    const { flushed, turn } = await change(serving(...names.map((_, index) => `10.0.0.${index}`)));
    expect(asked).toEqual(['a']);
    for (const client of clients.slice(1, 4)) coordinator.disconnect(client, 'gone');
    for (let slice = 0; slice < 8; slice++) await turn();
    await flushed;
    expect(asked).toEqual(['a', 'e']);
    for (const { users } of coordinator.layers.all()) expect(users).toBeLessThanOrEqual(2);
  });
});

describe('a client that is moved to another scope', () => {
  it('rejects responses of its old scope: the rules of that scope are to be corrected', async () => {
    const push = new FakePush();
    push.compiler.layersFor = () => ['before'];
    push.compiler.partsOf = (layer: LayerKey) => [{ part: '', origins: [`VirtualService/a/${layer}`], since: 1 }];
    const client = push.connect('client');
    client.asks('route', { names: ['80'] });
    await push.change('before', { route: { 80: 'a:1' } });
    client.acks('route');
    await push.change('before', { route: { 80: 'a:bad' } });
    expect(client.client.appliedLayers.map(({ key }) => key)).toEqual(['before']);

    // Moved, and not compiled yet.
    client.client.layers = [push.coordinator.layers.acquire(layerKey('after'), Number.POSITIVE_INFINITY)];
    client.nacks('route', 'no');
    expect([...push.coordinator.quarantine.parts()].map(({ toCorrect }) => toCorrect)).toEqual([
      ['VirtualService/a/before'],
    ]);
  });
});
