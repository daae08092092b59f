import type { Metric, Registry as MetricsRegistry } from 'prom-client';

export interface HistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds of the buckets, ascending. */
  readonly bounds: readonly number[];
  readonly registers: readonly MetricsRegistry[];
}

/**
 * Creates a histogram without labels, for values observed once per response and stream. prom-client's own would
 * allocate several objects per observation.
 * @returns a function that counts a value.
 */
export function createPlainHistogram({ name, help, bounds, registers }: HistogramOptions): (value: number) => void {
  /** Counts per bucket, excluding lower buckets; the last one is above all bounds. */
  const counts = new Float64Array(bounds.length + 1);
  let sum = 0;

  function get() {
    let below = 0;
    const buckets = [...bounds, '+Inf'].map((le, index) => {
      below += counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le }, value: below };
    });
    const totals = [
      { metricName: `${name}_sum`, labels: {}, value: sum },
      { metricName: `${name}_count`, labels: {}, value: below },
    ];
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: [...buckets, ...totals] });
  }

  // A registry only reads the name and the values of a metric.
  const metric = { name, get } as unknown as Metric;
  for (const register of registers) register.registerMetric(metric);
  return (value) => {
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
    sum += value;
  };
}
