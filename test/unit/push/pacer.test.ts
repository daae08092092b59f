import { expect, it } from 'vitest';
import { Pacer } from '../../../src/push/pacer.ts';
import type { Sender } from '../../../src/xds/tables/sender.ts';

/** Builds a pacer whose turns the test runs. */
function paced(limits: { bytesPerTurn?: number; sendersPerTurn?: number } = {}) {
  const turns: (() => void)[] = [];
  const failed: unknown[] = [];
  const pacer = new Pacer({
    defer: (run) => turns.push(run),
    failed: (_sender, error) => failed.push(error),
    ...limits,
  });
  return { pacer, turns, failed, turn: () => turns.shift()?.() };
}

/** Builds a sender of pieces of these sizes, which logs its name for each. */
function sender(name: string, log: string[], pieces: number[]): Sender {
  return {
    isQueued: false,
    sendNext() {
      const size = pieces.shift();
      if (size === undefined) return null;
      log.push(name);
      return size;
    },
  };
}

it('does not serve senders before the next turn', () => {
  const log: string[] = [];
  const { pacer, turn } = paced();
  pacer.add(sender('a', log, [1]));
  expect(log).toEqual([]);
  turn();
  expect(log).toEqual(['a']);
});

it('serves each sender once per turn, even if it was added twice', () => {
  const log: string[] = [];
  const { pacer, turns, turn } = paced();
  const [a, b] = [sender('a', log, [1, 1]), sender('b', log, [1])];
  for (const each of [a, b, a]) pacer.add(each);
  expect(turns).toHaveLength(1);
  turn();
  expect(log).toEqual(['a', 'a', 'b']);
  expect(turns).toHaveLength(0);
});

it('limits the senders of a turn, and serves the rest in the next', () => {
  const log: string[] = [];
  const { pacer, turn } = paced({ sendersPerTurn: 2 });
  for (const name of ['a', 'b', 'c']) pacer.add(sender(name, log, [1]));
  turn();
  expect(log).toEqual(['a', 'b']);
  expect(pacer.waiting).toBe(1);
  turn();
  expect(log).toEqual(['a', 'b', 'c']);
  expect(pacer.waiting).toBe(0);
});

it('ends a turn when its bytes are used up, and queues its last sender behind the others', () => {
  const log: string[] = [];
  const { pacer, turn } = paced({ bytesPerTurn: 10 });
  pacer.add(sender('large', log, [6, 6, 6]));
  pacer.add(sender('small', log, [1]));
  turn();
  expect(log).toEqual(['large', 'large']);
  turn();
  expect(log).toEqual(['large', 'large', 'small', 'large']);
});

it('does not serve removed senders, also between turns', () => {
  const log: string[] = [];
  const { pacer, turn } = paced({ sendersPerTurn: 1 });
  const [a, b] = [sender('a', log, [1]), sender('b', log, [1])];
  pacer.add(a);
  pacer.add(b);
  turn();
  pacer.remove(b);
  turn();
  expect(log).toEqual(['a']);
});

it('serves a sender that was removed and added again once, in its first position', () => {
  const log: string[] = [];
  const { pacer, turn } = paced();
  const [a, b] = [sender('a', log, [1]), sender('b', log, [1])];
  for (const each of [a, b]) pacer.add(each);
  pacer.remove(a);
  pacer.add(a);
  expect(pacer.waiting).toBe(2);
  turn();
  expect(log).toEqual(['a', 'b']);
  expect(pacer.waiting).toBe(0);
});

it('keeps the order of thousands of senders while others are added', () => {
  const log: string[] = [];
  const { pacer, turns, turn } = paced({ sendersPerTurn: 700 });
  const all = Array.from({ length: 5_000 }, (_, index) => `${index}`);
  for (const name of all.slice(0, 2_500)) pacer.add(sender(name, log, [1]));
  turn();
  turn();
  for (const name of all.slice(2_500)) pacer.add(sender(name, log, [1]));
  while (turns.length > 0) turn();
  expect(log).toEqual(all);
  expect(pacer.waiting).toBe(0);
});

it('reports a sender that throws, and serves the others', () => {
  const log: string[] = [];
  const { pacer, turn, failed } = paced();
  const error = new Error('broken');
  pacer.add({
    isQueued: false,
    sendNext() {
      throw error;
    },
  });
  pacer.add(sender('b', log, [1]));
  turn();
  expect(log).toEqual(['b']);
  expect(failed).toEqual([error]);
});
