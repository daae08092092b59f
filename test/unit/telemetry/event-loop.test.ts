import { execFile } from 'node:child_process';
import { readFile } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EventLoopWatch, measureEventLoop } from '../../../src/telemetry/event-loop.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

const standstillMs = 300;

function standStill(): void {
  const end = performance.now() + standstillMs;
  while (performance.now() < end);
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('the maximum delay of the event loop', () => {
  let eventLoop: EventLoopWatch;
  let busyBeforeMs: number;
  beforeEach(() => {
    busyBeforeMs = busyMs();
    eventLoop = measureEventLoop();
  });
  afterEach(() => eventLoop.stop());

  for (const [where, run] of [
    ['a timer', (done: () => void) => setTimeout(done, 1)],
    ['an immediate', (done: () => void) => setImmediate(done)],
    ['input', (done: () => void) => readFile(import.meta.filename, done)],
  ] as const) {
    it(`includes a block in the callback of ${where}, and resets when read`, async () => {
      await nextTurn();
      eventLoop.takeLongestMs();

      await new Promise<void>((resolve) => {
        run(() => {
          standStill();
          resolve();
        });
      });
      await nextTurn();
      await nextTurn();

      expect(eventLoop.takeLongestMs()).toBeGreaterThan(0.9 * standstillMs);
      expect(eventLoop.takeLongestMs()).toBe(0);
    });
  }

  it('excludes idle time', async () => {
    await new Promise((resolve) => setTimeout(resolve, standstillMs));
    await nextTurn();
    await nextTurn();

    expect(eventLoop.takeLongestMs()).toBeLessThanOrEqual(busyMs() - busyBeforeMs);
  });
});

/** Returns the busy time of the event loop in milliseconds. */
const busyMs = () => performance.now() - performance.nodeTiming.idleTime;

/** Prints the number of event loop turns in half a second without work. */
const idle = `
  const { createMetrics } = await import(${JSON.stringify(import.meta.resolve('../../../src/telemetry/metrics.ts'))});
  createMetrics();
  const turns = () => performance.nodeTiming.uvMetricsInfo.loopCount;
  setTimeout(() => {
    const before = turns();
    setTimeout(() => console.log(turns() - before), 500);
  }, 100);
`;

it('metrics do not wake an idle process', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', idle]);
  expect(Number(stdout)).toBeGreaterThan(0);
  expect(Number(stdout)).toBeLessThan(8);
});

it('metrics of the event loop use this measurement', async () => {
  const metrics = createMetrics();
  const names = [...(await metrics.text()).matchAll(/^# HELP (\S*event_?loop\S*)/gm)].map(([, name]) => name);
  metrics.stop();
  expect(names).toEqual(['binnacle_nodejs_eventloop_lag_seconds', 'binnacle_event_loop_delay_max_seconds']);
});
