import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { DeltaDiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { NamedStream } from '../../../src/xds/named/named-stream.ts';
import { parseDeltaRequest } from '../../../src/xds/wire/request.ts';
import { layerKey } from '../../support/fake-compiler.ts';
import { FakePush } from '../../support/fake-push.ts';

const bytesOf = (request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>) =>
  toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request));

describe('a client that connects', () => {
  it('is served without a debounce, and nothing before its layers are compiled', async () => {
    const push = new FakePush();
    push.compiler.put('scope', { cluster: { a: '1' } });
    const client = push.connect('p');
    client.asks('cluster');
    expect(client.heard).toEqual([]);
    expect(await client.hears()).toEqual(['CDS a=1']);
  });

  it('during a flush is sent the results of that flush and the next, without duplicates', async () => {
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

  it('with compiled layers is served without another flush', async () => {
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

  it('and whose layers throw leaves no state', async () => {
    const push = new FakePush();
    push.compiler.layersFor = () => {
      throw new Error('what a proxy');
    };
    expect(() => push.connect('p')).toThrow('what a proxy');
    expect(push.coordinator.clients.size).toBe(0);
  });

  for (const mode of ['sotw', 'delta'] as const) {
    it(`and leaves is removed from all pools: ${mode}, with names, siblings, and layers that are not compiled`, async () => {
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

  it('and leaves releases its layers and interests', async () => {
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

describe('changes', () => {
  it('of configuration wait for 20 ms without changes; those of endpoints do not wait', async () => {
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

  it('reach a client with a full socket later, as one response with the newest state', async () => {
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

  it('end a client whose outlet throws, and reach the others', async () => {
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

  it('that a client moves to are compiled before it sees them, and compared in full', async () => {
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

  it('whose assignment throws for one client end that client; the others move', async () => {
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

  it('without users are closed after a minute, but not during a flush', async () => {
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

  it('are kept for a client that reconnects within a minute', async () => {
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
