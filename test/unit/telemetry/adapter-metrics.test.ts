import { expect, test } from 'vitest';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

test('counts what happens to watched kinds of several adapters, from zero on', async () => {
  const metrics = createMetrics();
  const [one] = ['one', 'two'].map((name) => metrics.adapterObserver(name).watches(['Node'], ['expired']));
  one?.ignored('Node');
  one?.ignored('Node');
  one?.differed('Node', 3);
  one?.relisted('expired');
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('binnacle_kubernetes_'));
  expect(lines).toEqual([
    'binnacle_kubernetes_ignored_events_total{adapter="one",kind="Node"} 2',
    'binnacle_kubernetes_ignored_events_total{adapter="two",kind="Node"} 0',
    'binnacle_kubernetes_differences_total{adapter="one",kind="Node"} 3',
    'binnacle_kubernetes_differences_total{adapter="two",kind="Node"} 0',
    'binnacle_kubernetes_relists_total{adapter="one",reason="expired"} 1',
    'binnacle_kubernetes_relists_total{adapter="two",reason="expired"} 0',
  ]);
  metrics.stop();
});
