import { Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createPlainHistogram } from '../../../src/telemetry/histogram.ts';

const facts = { name: 'wait_seconds', help: 'How long it took' };
const bounds = [0.01, 0.1, 1];

function both() {
  const [own, library] = [new Registry(), new Registry()];
  const count = createPlainHistogram({ ...facts, bounds, registers: [own] });
  const histogram = new Histogram({ ...facts, buckets: bounds, registers: [library] });
  return { own, library, count, histogram };
}

it("has the output of prom-client's own histogram", async () => {
  const { own, library, count, histogram } = both();
  for (const value of [0, 0.01, 0.011, 0.1, 0.5, 1, 1.5, 30]) {
    count(value);
    histogram.observe(value);
  }

  expect(await own.metrics()).toBe(await library.metrics());
});

it('shows its buckets before the first observation', async () => {
  const { own, library } = both();

  expect(await own.metrics()).toBe(await library.metrics());
  expect(await own.metrics()).toContain('wait_seconds_bucket{le="+Inf"} 0');
});
