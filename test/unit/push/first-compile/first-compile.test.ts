import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/lib/logger.ts';
import type { Proxy } from '../../../../src/model/proxy.ts';
import { mapTypes } from '../../../../src/proto/resource.ts';
import { createFirstCompile } from '../../../../src/push/first-compile/first-compile.ts';
import type { View } from '../../../../src/xds/stream/stream.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { FakePush } from '../../../support/fake-push.ts';
import { proxy } from '../../../support/world.ts';

/** A first compile whose visits the test ends by hand. */
function setUp({ ids = ['a', 'b', 'c'] } = {}) {
  const clock = fakeClock(0);
  const state = { registryAwaits: ['files'] as string[], visited: [] as string[], warnings: [] as string[] };
  let settle: { done: () => void; failed: (error: Error) => void } | null = null;
  const stopping = new AbortController();
  const first = createFirstCompile({
    coordinator: {
      readOnce: <T>({ id }: Proxy, _caller: string, read: (view: View) => T) => {
        state.visited.push(id);
        return new Promise<T>((resolve, reject) => {
          const done = () => resolve(read(mapTypes(() => [])));
          settle = { done, failed: reject };
        });
      },
    },
    registryAwaits: () => state.registryAwaits,
    proxies: () => ids.map((id) => proxy({ id })),
    clock,
    log: { ...silentLogger, warn: (_facts: object, message: string) => state.warnings.push(message) },
    elapsed: clock.now,
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    first,
    clock,
    state,
    stopping,
    async synced() {
      state.registryAwaits = [];
      clock.advance(20);
      await turn();
    },
    async compiled() {
      settle?.done();
      await turn();
    },
    async failed() {
      settle?.failed(new Error('cannot compile'));
      await turn();
    },
  };
}

describe('the first compile', () => {
  it('waits for the registry, and delays readiness until it is done', async () => {
    const { first, state, stopping, synced, compiled } = setUp({ ids: ['a', 'b'] });
    first.start(stopping.signal);

    expect([first.awaited(), state.visited]).toEqual([['files'], []]);
    await synced();
    expect([first.awaited(), state.visited]).toEqual([['first compile'], ['a']]);
    await compiled();
    expect([first.awaited(), state.visited]).toEqual([['first compile'], ['a', 'b']]);
    await compiled();
    expect(first.awaited()).toEqual([]);
  });

  it('begins no further scope after half a second', async () => {
    const { first, clock, state, stopping, synced, compiled } = setUp();
    first.start(stopping.signal);
    await synced();
    clock.advance(400);
    await compiled();
    clock.advance(101);
    await compiled();

    expect([first.awaited(), state.visited]).toEqual([[], ['a', 'b']]);
  });

  it('delays readiness for ten seconds at most', async () => {
    const { first, clock, state, stopping, synced, compiled } = setUp();
    first.start(stopping.signal);
    await synced();
    clock.advance(9_999);
    expect(first.awaited()).toEqual(['first compile']);
    clock.advance(1);
    expect(first.awaited()).toEqual([]);
    await compiled();

    expect([first.awaited(), state.visited]).toEqual([[], ['a']]);
  });

  it('is logged if it fails, and the server becomes ready', async () => {
    const { first, state, stopping, synced, failed } = setUp();
    first.start(stopping.signal);
    await synced();
    await failed();

    expect([first.awaited(), state.visited, state.warnings]).toEqual([[], ['a'], ['first compile failed']]);
  });

  it('does not begin in a process that is stopping', async () => {
    const { first, state, stopping, synced } = setUp();
    first.start(stopping.signal);
    stopping.abort();
    await synced();

    expect(state.visited).toEqual([]);
  });

  it('of a mesh without proxies is done at once', async () => {
    const { first, stopping, synced } = setUp({ ids: [] });
    first.start(stopping.signal);
    await synced();

    expect(first.awaited()).toEqual([]);
  });
});

it('prepares a scope that the first client finds compiled', async () => {
  const push = new FakePush();
  push.compiler.put('scope', { cluster: { a: '{}' } });
  const first = createFirstCompile({
    coordinator: push.coordinator,
    registryAwaits: () => [],
    proxies: () => [proxy({ id: 'known' })],
    clock: push.clock,
    log: silentLogger,
    elapsed: push.clock.now,
  });
  first.start(new AbortController().signal);
  await push.rest();
  expect(first.awaited()).toEqual([]);

  const { client } = push.connect('first');

  expect(client.isReady).toBe(true);
});
