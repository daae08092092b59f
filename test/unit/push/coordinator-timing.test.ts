import { describe, expect, it } from 'vitest';
import type { Mode } from '../../../src/xds/wire/response.ts';
import { FakePush } from '../../support/fake-push.ts';

describe('changes while earlier ones are still being sent', () => {
  /** A client waits to be sent to: its turn has not come. */
  async function sending() {
    const push = new FakePush();
    const { client } = push.connect('p');
    await push.rest();
    push.coordinator.wake(client);
    const before = push.compiler.flushes;
    return { push, flushes: () => push.compiler.flushes - before };
  }

  it('wait for that if they are configuration', async () => {
    const { push, flushes } = await sending();
    push.coordinator.changed('configuration');
    push.clock.advance(500);
    expect(flushes()).toBe(0);
    await push.rest();
    push.clock.advance(20);
    expect(flushes()).toBe(1);
  });

  it('wait one second at most', async () => {
    const { push, flushes } = await sending();
    push.coordinator.changed('configuration');
    push.clock.advance(999);
    expect(flushes()).toBe(0);
    push.clock.advance(1);
    expect(flushes()).toBe(1);
  });

  it('are sent at once if they are endpoints', async () => {
    const { push, flushes } = await sending();
    push.coordinator.changed('configuration');
    push.coordinator.changed('endpoints');
    push.clock.advance(0);
    expect(flushes()).toBe(1);
  });
});

describe('the periodic tick', () => {
  it('sends listeners whose wait for unacknowledged clusters is over', async () => {
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

  it('repeats a failed flush, and logs the failure once', async () => {
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

  it('repeats a failed flush even if all clients are served', async () => {
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

  it('drops cached comparisons of past states', async () => {
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

  it('is measured from the first change, for pushed responses only', async () => {
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

  it('does not begin with a change without effect', async () => {
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

  it('begins with the change itself if that comes during a flush', async () => {
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

  it('is known for the last thousand revisions only', async () => {
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

describe('a change that many clients acknowledge', () => {
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

  it('is sent in several turns if acknowledgements repeat all names (state of the world)', async () => {
    expect(await heardInTurns('sotw')).toEqual([4, 4, 4]);
  });

  it('is sent in one turn if acknowledgements are short', async () => {
    expect(await heardInTurns('delta')).toEqual([12]);
  });
});
