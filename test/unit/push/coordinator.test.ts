import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { DeltaDiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Proxy } from '../../../src/model/proxy.ts';
import { NamedStream } from '../../../src/xds/named/named-stream.ts';
import { parseDeltaRequest } from '../../../src/xds/wire/request.ts';
import type { Mode } from '../../../src/xds/wire/response.ts';
import { layerKey } from '../../support/fake-compiler.ts';
import { FakePush } from '../../support/fake-push.ts';

const bytesOf = (request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>) =>
  toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request));

describe('a client that connects', () => {
  it('waits for no debounce, and hears nothing before its layers are compiled', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1' } });
    const client = push.connect('p');
    client.asks('cluster');
    expect(client.heard).toEqual([]);
    expect(await client.hears()).toEqual(['CDS a=1']);
  });

  it('in the middle of a flush hears what that flush and the next bring, and nothing twice', async () => {
    const push = new FakePush();
    push.connect('early');
    Object.assign(push.compiler, { steps: 4, stepMs: 5 });
    push.compiler.layersFor = ({ id }) => [id];
    const late = push.connect('late'); // a flush is under way since the first
    late.asks('cluster');
    push.compiler.put('late', { cluster: { a: '1' } });
    await push.turn();
    push.compiler.put('late', { cluster: { b: '1' } });
    push.coordinator.changed('endpoints');
    push.clock.advance(0);
    expect(await late.hears()).toEqual(['CDS a=1 b=1']);
    late.acks('cluster');
    expect(await late.hears()).toEqual([]);
  });

  it('to layers that are compiled already is served without another flush', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1' } });
    push.connect('first');
    await push.rest();
    const { flushes } = push.compiler;
    const second = push.connect('second');
    second.asks('cluster');
    expect(await second.hears()).toEqual(['CDS a=1']);
    expect(push.compiler.flushes).toBe(flushes);
  });

  it('and that the compiler cannot bear leaves nothing behind', async () => {
    const push = new FakePush();
    push.compiler.layersFor = () => {
      throw new Error('what a proxy');
    };
    expect(() => push.connect('p')).toThrow('what a proxy');
    expect(push.coordinator.clients.size).toBe(0);
  });

  for (const mode of ['sotw', 'delta'] as const) {
    it(`and leaves is in no pool any more: ${mode}, with names, siblings, and layers that are not compiled`, async () => {
      const push = new FakePush();
      push.compiler.put('scope', { cluster: { a: '1' }, endpoint: { a: '1' }, route: { 80: 'x:1' } });
      const settled = push.connect('p', mode);
      settled.asks('cluster');
      settled.asks('endpoint', { names: ['a'] });
      settled.asks('route', { names: ['80'] });
      await settled.hears();
      const { client } = settled;
      client.named = new NamedStream(client.stream, push.coordinator.context);
      client.named.receive('virtual-host', parseDeltaRequest(bytesOf({ resourceNamesSubscribe: ['80/x.test'] })));
      push.compiler.layersFor = ({ id }) => [id];
      const [early, sibling] = [push.connect('not compiled', mode), push.connect('p', mode)];
      push.coordinator.wake(client);
      const before = push.coordinator.poolSizes;
      expect(Object.entries(before).filter(([, count]) => count === 0)).toEqual([]);
      for (const one of [settled, early, sibling]) push.coordinator.disconnect(one.client, 'cancelled');
      const { layers: _, ...after } = push.coordinator.poolSizes; // kept for a minute, unheld
      expect(new Set(Object.values(after))).toEqual(new Set([0]));
      expect([...push.coordinator.layers.all()].map(({ users }) => users)).toEqual([0, 0, 0]);
    });
  }

  it('and leaves lets go of everything', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1' } });
    const client = push.connect('p');
    client.asks('cluster');
    push.coordinator.disconnect(client.client, 'cancelled');
    expect(await client.hears()).toEqual([]);
    expect(push.coordinator.clients.size).toBe(0);
    expect(push.coordinator.context.interests.size).toBe(0);
  });
});

describe('changes that come while the last are still being sent', () => {
  /** A client waits to be sent to: its turn has not come. */
  async function sending() {
    const push = new FakePush();
    const { client } = push.connect('p');
    await push.rest();
    push.coordinator.wake(client);
    const before = push.compiler.flushes;
    return { push, flushes: () => push.compiler.flushes - before };
  }

  it('wait until that is done, if they are configuration', async () => {
    const { push, flushes } = await sending();
    push.coordinator.changed('configuration');
    push.clock.advance(500);
    expect(flushes()).toBe(0);
    await push.rest();
    push.clock.advance(20);
    expect(flushes()).toBe(1);
  });

  it('wait a second at most', async () => {
    const { push, flushes } = await sending();
    push.coordinator.changed('configuration');
    push.clock.advance(999);
    expect(flushes()).toBe(0);
    push.clock.advance(1);
    expect(flushes()).toBe(1);
  });

  it('let endpoints go at once', async () => {
    const { push, flushes } = await sending();
    push.coordinator.changed('configuration');
    push.coordinator.changed('endpoints');
    push.clock.advance(0);
    expect(flushes()).toBe(1);
  });
});

describe('changes', () => {
  it('of configuration wait until it is quiet for 20 ms; of endpoints not', async () => {
    const push = new FakePush();
    push.connect('p');
    await push.rest();
    const { flushes } = push.compiler;
    push.coordinator.changed('configuration');
    await push.pass(19);
    expect(push.compiler.flushes).toBe(flushes);
    await push.pass(1);
    expect(push.compiler.flushes).toBe(flushes + 1);
    push.coordinator.changed('endpoints');
    await push.pass(0);
    expect(push.compiler.flushes).toBe(flushes + 2);
  });

  it('reach a client when its socket has room again, as one response of the newest state', async () => {
    const push = new FakePush();
    const client = push.connect('p');
    client.asks('cluster');
    await client.hears();
    client.acks('cluster');
    client.writable = false;
    await push.change('scope', { cluster: { a: '1', b: '1' } });
    await push.change('scope', { cluster: { a: '2' } });
    expect(await client.hears()).toEqual([]);
    client.writable = true;
    push.coordinator.wake(client.client);
    expect(await client.hears()).toEqual(['CDS a=2 b=1']);
  });

  it('of a client whose outlet throws end that client, and reach the others', async () => {
    const push = new FakePush();
    const [bad, good] = [push.connect('bad'), push.connect('good')];
    for (const client of [bad, good]) client.asks('cluster');
    await push.rest();
    bad.write = () => {
      throw new Error('broken');
    };
    for (const client of [bad, good]) client.acks('cluster');
    good.heard.length = 0;
    await push.change('scope', { cluster: { a: '1' } });
    expect(await good.hears()).toEqual(['CDS a=1']);
    expect([bad.ended, good.ended]).toEqual([['internal error'], []]);
    expect(push.errors).toHaveLength(1);
  });
});

describe('layers', () => {
  const ofLayer = (layer: string) => () => [layer];

  it('that a client moves to are compiled before it sees them, and then compared in full', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1', b: '1' } });
    const client = push.connect('p');
    client.asks('cluster');
    await client.hears();
    client.acks('cluster');
    push.compiler.layersFor = ofLayer('other');
    push.compiler.layersMoved = true;
    push.compiler.put('other', { cluster: { a: '1', b: '2' } });
    await push.change('scope', { cluster: { a: 'x' } });
    expect(client.heard).toEqual(['CDS b=2']);
  });

  it('that one client cannot move to end that client; the others move', async () => {
    const push = new FakePush();
    const [bad, good] = [push.connect('bad'), push.connect('good')];
    good.asks('cluster');
    await good.hears();
    good.acks('cluster');
    push.compiler.layersFor = ({ id }) => {
      if (id === 'bad') throw new Error('what a proxy');
      return ['other'];
    };
    push.compiler.layersMoved = true;
    await push.change('other', { cluster: { a: '1' } });
    expect(await good.hears()).toEqual(['CDS a=1']);
    expect(bad.ended).toEqual(['internal error']);
  });

  it('that nobody uses are closed after a minute, and not while a flush runs', async () => {
    const push = new FakePush();
    const client = push.connect('p');
    await push.rest();
    push.coordinator.disconnect(client.client, 'cancelled');
    await push.pass(59_000);
    expect(push.compiler.closed).toEqual([]);
    Object.assign(push.compiler, { steps: 2, stepMs: 5 });
    const flushed = push.coordinator.flush();
    push.clock.advance(2_000);
    expect(push.compiler.closed).toEqual([]);
    await push.rest();
    await flushed;
    await push.pass(1_000);
    expect(push.compiler.closed).toEqual([layerKey('scope')]);
    expect(push.coordinator.layers.get(layerKey('scope'))).toBeUndefined();
  });

  it('are kept for a client that comes back within the minute', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1' } });
    const client = push.connect('p');
    await push.rest();
    push.coordinator.disconnect(client.client, 'cancelled');
    await push.pass(59_000);
    const again = push.connect('p');
    await push.pass(60_000);
    again.asks('cluster');
    expect(await again.hears()).toEqual(['CDS a=1']);
    expect(push.compiler.closed).toEqual([]);
  });
});

describe('time', () => {
  it('ends the wait of listeners for clusters that are not acknowledged', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1' }, listener: { l80: '1' } });
    const client = push.connect('p');
    client.asks('cluster');
    client.asks('listener');
    expect(await client.hears()).toEqual(['CDS a=1']);
    await push.pass(4_999);
    expect(await client.hears()).toEqual([]);
    await push.pass(1_001);
    expect(await client.hears()).toEqual(['LDS l80=1']);
  });

  it('repeats a flush that failed, and reports the failure once', async () => {
    const push = new FakePush();
    push.compiler.failures = 1;
    push.compiler.put('scope', { cluster: { a: '1' } });
    const clients = [push.connect('p'), push.connect('q')];
    for (const client of clients) client.asks('cluster');
    await push.rest();
    expect(push.errors).toHaveLength(1);
    await push.pass(1_000);
    for (const client of clients) expect(await client.hears()).toEqual(['CDS a=1']);
  });

  it('repeats a flush that failed though all clients are served', async () => {
    const push = new FakePush();
    const client = push.connect('p');
    client.asks('cluster');
    await client.hears();
    client.acks('cluster');
    push.compiler.failures = 1;
    await push.change('scope', { cluster: { a: '1' } });
    expect(await client.hears()).toEqual([]);
    await push.pass(1_000);
    expect(await client.hears()).toEqual(['CDS a=1']);
    const { flushes } = push.compiler;
    await push.pass(5_000);
    expect(push.compiler.flushes).toBe(flushes);
  });

  it('drops what was built for a moment that has passed', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1' } });
    const [one, two] = [push.connect('p'), push.connect('q')];
    one.asks('cluster');
    await one.hears();
    const [interest] = push.coordinator.context.interests.all();
    const before = interest?.knownVersionsAt(push.coordinator.context.revision, push.coordinator.context.nextId);
    await push.pass(10_000);
    expect(interest?.knownVersionsAt(push.coordinator.context.revision, push.coordinator.context.nextId)).not.toBe(
      before,
    );
    two.asks('cluster');
    expect(await two.hears()).toEqual(['CDS a=1']);
  });
});

describe('the time from a change to its acknowledgement', () => {
  function timed() {
    const times: (number | null)[] = [];
    const push = new FakePush({ acknowledged: (_client, _response, convergenceMs) => times.push(convergenceMs) });
    return { push, times };
  }

  it('is from the first change to the answer, of what was pushed and not of what was asked for', async () => {
    const { push, times } = timed();
    push.compiler.put('scope', { cluster: { a: '1' } });
    push.coordinator.changed('configuration');
    const client = push.connect('p');
    client.asks('cluster');
    await push.pass(100);
    client.acks('cluster');
    push.compiler.put('scope', { cluster: { a: '2' } });
    push.coordinator.changed('configuration');
    await push.pass(20);
    await push.pass(15);
    client.acks('cluster');
    client.asks('cluster', { names: ['a'] });
    await push.pass(1_000);
    client.acks('cluster');
    expect(times).toEqual([null, 35, null]);
  });

  it('does not begin with a change that made no difference', async () => {
    const { push, times } = timed();
    push.compiler.put('scope', { cluster: { z: '1' } });
    const client = push.connect('p');
    client.asks('cluster');
    await push.rest();
    client.acks('cluster');
    push.coordinator.changed('endpoints');
    await push.pass(60_000);
    await push.change('scope', { cluster: { a: '1' } });
    await push.pass(5);
    client.acks('cluster');
    expect(times).toEqual([null, 5]);
  });

  it('begins for what comes during a flush when it comes', async () => {
    const { push, times } = timed();
    push.compiler.put('scope', { cluster: { z: '1' } });
    const client = push.connect('p');
    client.asks('cluster');
    await push.rest();
    client.acks('cluster');
    Object.assign(push.compiler, { steps: 1, stepMs: 5 });
    push.coordinator.changed('endpoints');
    push.clock.advance(0); // the flush has begun
    push.clock.advance(7);
    push.coordinator.changed('endpoints');
    await push.rest();
    push.compiler.put('scope', { cluster: { a: '1' } });
    await push.pass(3);
    client.acks('cluster');
    expect(times).toEqual([null, 3]);
  });

  it('is forgotten for all but the last thousand revisions', async () => {
    const { push, times } = timed();
    push.compiler.put('scope', { cluster: { a: '1' } });
    const client = push.connect('p');
    client.asks('cluster');
    await push.rest();
    client.acks('cluster');
    await push.change('scope', { cluster: { a: '2' } });
    for (let round = 0; round < 1_000; round++) await push.change('scope', { cluster: { a: `${round + 3}` } });
    client.acks('cluster');
    expect(times).toEqual([null, null]);
  });
});

describe('a proxy without a stream', () => {
  // The compiler filled by hand reads the id alone.
  const proxy = { id: 'p' } as Proxy;
  const clustersOf = (push: FakePush) =>
    push.coordinator.readOnce(proxy, 'test', ({ cluster }) => cluster.flatMap(({ entries }) => [...entries.keys()]));

  it('is shown nothing before its layers are compiled, and waits for no debounce', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1' } });
    Object.assign(push.compiler, { steps: 4, stepMs: 5 });
    const seen: string[][] = [];
    const visiting = clustersOf(push).then((names) => seen.push(names));
    await push.turn();
    expect(seen).toEqual([]);
    await push.rest();
    await visiting;
    expect(seen).toEqual([['a']]);
    expect(push.compiler.flushes).toBe(1);
  });

  it('that a flush moves to layers of its own waits for those', async () => {
    const push = new FakePush();
    Object.assign(push.compiler, { steps: 4, stepMs: 5 });
    const visiting = clustersOf(push);
    push.compiler.put('other', { cluster: { b: '1' } });
    push.compiler.layersFor = () => ['other'];
    await push.rest();
    expect(await visiting).toEqual(['b']);
  });

  it('finds its layers compiled for a minute', async () => {
    const push = new FakePush();
    const visiting = clustersOf(push);
    await push.pass(0);
    await visiting;
    await push.pass(59_000);
    await clustersOf(push);
    expect(push.compiler.flushes).toBe(1);
    await push.pass(59_000);
    expect(push.compiler.closed).toEqual([]);
    await push.pass(2_000);
    expect(push.compiler.closed).toEqual(['scope']);
  });

  it('is told that a compile failed, and served by the next one', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1' } });
    push.compiler.failures = 1;
    const visiting = clustersOf(push).catch((error: Error) => error.message);
    await push.rest();
    expect(await visiting).toBe('cannot compile');
    const again = clustersOf(push);
    await push.rest();
    expect(await again).toEqual(['a']);
    expect([...push.coordinator.layers.all()].map(({ users }) => users)).toEqual([0]);
  });
});

describe('a change that many clients answer', () => {
  /** How many of twelve clients hear of it in each turn, once it is known how long their answers are. */
  async function heardInTurns(mode: Mode): Promise<number[]> {
    const push = new FakePush();
    push.compiler.put('scope', { endpoint: { a: '1' } });
    const clients = Array.from({ length: 12 }, (_, index) => push.connect(`p${index}`, mode));
    for (const client of clients) client.asks('endpoint', { names: ['a'] });
    await push.rest();
    const state = clients[0]?.client.stream.types.get('endpoint');
    if (mode === 'sotw' && state?.interest) state.interest.acknowledgement = new Uint8Array(1 << 20);
    for (const client of clients) {
      const nonce = client.client.stream.types.get('endpoint')?.inFlight?.nonce ?? '';
      client.asks('endpoint', mode === 'sotw' ? { names: ['a'], nonce } : { nonce });
      client.heard.splice(0);
    }
    push.compiler.put('scope', { endpoint: { a: '2' } });
    push.coordinator.changed('endpoints');
    push.clock.advance(0);
    const heard = () => clients.filter((client) => client.heard.length > 0).length;
    const turns = [];
    for (let before = 0, left = 50; before < clients.length && left > 0; before = heard(), left--) {
      await push.turn();
      if (heard() > before) turns.push(heard() - before);
    }
    return turns;
  }

  it('is sent in turns that leave room for the answers, which repeat all names in state of the world', async () => {
    expect(await heardInTurns('sotw')).toEqual([4, 4, 4]);
  });

  it('is sent in one turn where answers are short', async () => {
    expect(await heardInTurns('delta')).toEqual([12]);
  });
});
