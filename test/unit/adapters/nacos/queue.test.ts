import { expect, test } from 'vitest';
import { createQueue } from '../../../../adapters/nacos/queue.ts';

test('a queue runs a bounded number of tasks at once, each key once while it waits', async () => {
  const begun: string[] = [];
  const gates: (() => void)[] = [];
  const queue = createQueue<string>({
    concurrency: 2,
    keyOf: (key) => key,
    run: (key) => {
      begun.push(key);
      return new Promise((resolve) => gates.push(resolve));
    },
  });
  for (const key of ['a', 'b', 'c', 'c', 'd']) queue.add(key);
  expect(begun).toEqual(['a', 'b']);
  const idle = queue.idle();
  for (let done = 0; done < 4; done++) {
    gates.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await idle;
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
  await queue.idle();
});
