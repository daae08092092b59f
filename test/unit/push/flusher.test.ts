import { describe, expect, it } from 'vitest';
import type { FlushResult, WorldChange } from '../../../src/compile/contract.ts';
import { Flusher } from '../../../src/push/flusher.ts';
import type { RuleId } from '../../../src/rules/rule.ts';
import { FakeCompiler } from '../../support/fake-compiler.ts';

// A change is a change here: which one does not matter.
const change = (id: string): WorldChange => ({ type: 'rule-removed', id: id as RuleId });

/** A flusher whose pauses end when the test says so. */
function flusher() {
  const compiler = new FakeCompiler();
  const waiting: WorldChange[] = [];
  const shown: { result: FlushResult; workMs: number }[] = [];
  const pauses: (() => void)[] = [];
  let mustFlushAgain = false;
  const made = new Flusher({
    compiler,
    take: () => waiting.splice(0),
    publish: (result, workMs) => {
      shown.push({ result, workMs });
      const again = mustFlushAgain;
      mustFlushAgain = false;
      return again;
    },
    revision: () => 1,
    pause: () => new Promise((resolve) => pauses.push(resolve)),
    elapsed: () => compiler.elapsedMs,
  });
  const run = (change?: WorldChange) => {
    if (change !== undefined) waiting.push(change);
    return made.run();
  };
  return { made, compiler, waiting, shown, pauses, run, flushAgain: () => (mustFlushAgain = true) };
}

describe('a flush', () => {
  it('includes changes that come while the previous one ends', async () => {
    for (let moments = 0; moments < 10; moments++) {
      const { compiler, run } = flusher();
      const first = run();
      for (let passed = 0; passed < moments; passed++) await Promise.resolve();
      await run(change('late'));
      expect(compiler.applied).toEqual([change('late')]);
      await first;
    }
  });

  it('works in slices of 5 ms and publishes nothing before its end', async () => {
    const { compiler, shown, pauses, run } = flusher();
    compiler.put('scope', { cluster: { a: '1' } });
    Object.assign(compiler, { steps: 7, stepMs: 2 });
    const done = run();
    expect([compiler.elapsedMs, shown.length, pauses.length]).toEqual([6, 0, 1]);
    pauses.shift()?.();
    await expect.poll(() => pauses.length, { interval: 0 }).toBe(1);
    expect([compiler.elapsedMs, shown.length]).toEqual([12, 0]);
    pauses.shift()?.();
    await done;
    expect(shown).toHaveLength(1);
    expect(shown[0]?.workMs).toBe(14);
  });

  it('leaves changes during it to the next one', async () => {
    const { compiler, waiting, shown, pauses, run } = flusher();
    Object.assign(compiler, { steps: 3, stepMs: 2 });
    const done = run(change('first'));
    const same = run(change('second'));
    expect(compiler.applied).toEqual([change('first')]);
    expect(waiting).toEqual([change('second')]);
    pauses.shift()?.();
    await expect.poll(() => pauses.length, { interval: 0 }).toBe(1);
    expect(shown).toHaveLength(1);
    expect(compiler.applied).toEqual([change('first'), change('second')]);
    pauses.shift()?.();
    await Promise.all([done, same]);
    expect(shown).toHaveLength(2);
  });

  it('is shared by all calls before the next begins, and is counted', async () => {
    const { made, compiler, run } = flusher();
    expect([made.begun, made.next, made.isRunning]).toEqual([0, 1, false]);
    const done = run();
    expect([made.begun, made.next, made.isRunning]).toEqual([1, 2, true]);
    await Promise.all([done, run(), run()]);
    expect(compiler.flushes).toBe(2);
    expect(made.isRunning).toBe(false);
  });

  it('is followed by another if publishing requests it', async () => {
    const { compiler, run, flushAgain } = flusher();
    flushAgain();
    await run();
    expect(compiler.flushes).toBe(2);
  });
});

describe('a flush that fails', () => {
  it('rejects, and leaves its changes to the next one', async () => {
    const { compiler, shown, run } = flusher();
    compiler.layersOf({} as never); // opens the layer
    compiler.put('scope', { cluster: { a: '1' } });
    compiler.failures = 1;
    await expect(run(change('first'))).rejects.toThrow('cannot compile');
    expect(shown).toEqual([]);
    await run();
    expect(shown[0]?.result.changes.map(({ type }) => type)).toEqual(['cluster']);
    expect(compiler.applied).toEqual([change('first')]);
  });

  it('loses only the change for which the compiler throws', async () => {
    const { compiler, waiting, run } = flusher();
    const { apply } = compiler;
    compiler.apply = function (changes) {
      if (changes.some((each) => each.type === 'rule-removed' && each.id === 'poison')) throw new Error('poison');
      apply.call(this, changes);
    };
    waiting.push(change('one'), change('poison'), change('two'));
    await expect(run()).rejects.toThrow('poison');
    await run(change('three'));
    expect(compiler.applied).toEqual([change('one'), change('two'), change('three')]);
  });
});
