import { expect, test } from 'vitest';
import { createWorkloadSelections } from '../../../src/rules/service-entries/selections.ts';
import { workload } from '../../support/model.ts';

const terms = (port: number) => ({
  namespace: 'default',
  selector: { app: 'web' },
  ports: [{ name: 'http', number: port, protocol: 'HTTP' }],
});

test('a selection without users is dropped, for any lifetime of the workload', () => {
  const selections = createWorkloadSelections<string>();
  selections.add(workload('w', { labels: { app: 'web' } }));
  for (let port = 1; port <= 100; port++) {
    const selection = selections.acquire('a', terms(port));
    expect(selection.endpoints()).toMatchObject([{ ports: { http: port } }]);
    selections.release('a', selection);
  }
  expect(selections.size).toBe(0);
});

test('an endpoint keeps its identity while a selection with equal ports exists', () => {
  const selections = createWorkloadSelections<string>();
  selections.add(workload('w', { labels: { app: 'web', tier: 'front' } }));
  const first = selections.acquire('a', terms(80));
  const [endpoint] = first.endpoints();
  const second = selections.acquire('b', { ...terms(80), selector: { tier: 'front' } });
  selections.release('a', first);
  expect(second.endpoints()[0]).toBe(endpoint);
});
