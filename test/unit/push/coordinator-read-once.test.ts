import { describe, expect, it } from 'vitest';
import type { Proxy } from '../../../src/model/proxy.ts';
import { FakePush } from '../../support/fake-push.ts';

describe('a proxy without a stream', () => {
  // The compiler filled by hand reads the id alone.
  const proxy = { id: 'p' } as Proxy;
  const clustersOf = (push: FakePush) =>
    push.coordinator.readOnce(proxy, 'test', ({ cluster }) => cluster.flatMap(({ entries }) => [...entries.keys()]));

  it('is read without a debounce, once its layers are compiled', async () => {
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

  it('that a flush moves to other layers waits for these', async () => {
    const push = new FakePush();
    Object.assign(push.compiler, { steps: 4, stepMs: 5 });
    const visiting = clustersOf(push);
    push.compiler.put('other', { cluster: { b: '1' } });
    push.compiler.layersFor = () => ['other'];
    await push.rest();
    expect(await visiting).toEqual(['b']);
  });

  it('finds its layers compiled within a minute', async () => {
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

  it('gets the error of a failed compile, and the result of the next', async () => {
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
