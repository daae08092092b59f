import { describe, expect, it } from 'vitest';
import { changingRule, namespacedInstances } from '../../bench/namespaces/mesh.ts';
import { type NamespacesFigures, namespacesRows, stepRows } from '../../bench/namespaces/rows.ts';
import type { ServedFigures } from '../../bench/namespaces/run.ts';
import { verdictOf } from '../../bench/report/row.ts';

const served: ServedFigures = {
  servedCpuMs: 1_000,
  servedMs: 500,
  servedEventLoopMs: 20,
  ruleCpuMs: 40,
  ruleEventLoopMs: 10,
  peakBytes: 200e6,
};
const figures: NamespacesFigures = { one: [served], many: [served], liveBytesOne: 100e6, liveBytesMany: 100e6 };

const rowsOf = (binnacle: Partial<NamespacesFigures>) => {
  const rows = namespacesRows({
    namespaces: 50,
    figures: { binnacle: { ...figures, ...binnacle }, linear: figures, snapshot: figures },
  });
  return rows.filter(({ scenario }) => scenario === '50 by 1');
};

describe('many namespaces beside one', () => {
  for (const { name, many, liveBytesMany, want } of [
    { name: 'within the bars', many: [2_000, 80], liveBytesMany: 124.5e6, want: ['pass', 'pass', 'pass'] },
    { name: 'over all of them', many: [2_001, 81], liveBytesMany: 124.6e6, want: ['MISS', 'MISS', 'MISS'] },
  ]) {
    it(`is ${name}`, () => {
      const [servedCpuMs = 0, ruleCpuMs = 0] = many;
      const rows = rowsOf({ many: [{ ...served, servedCpuMs, ruleCpuMs }], liveBytesMany });
      expect(rows.map(verdictOf)).toEqual(want);
    });
  }

  it('compares the medians of the rounds', () => {
    const rounds = (...values: number[]) => values.map((servedCpuMs) => ({ ...served, servedCpuMs }));
    const [row] = rowsOf({ one: rounds(900, 1_000, 5_000), many: rounds(1_500, 100, 9_000) });
    expect(row).toMatchObject({ measure: 'everybody served, CPU, times', binnacle: 1.5, linear: 1, snapshot: 1 });
  });

  it('divides the memory beyond one scope by the further scopes', () => {
    const row = rowsOf({ liveBytesOne: 100e6, liveBytesMany: 198e6 }).at(-1);
    expect(row).toMatchObject({ measure: 'memory per further scope, MB', binnacle: 2, linear: 0 });
  });
});

it('has rows for each step with more namespaces', () => {
  const step = { namespaces: 10, cpuSeconds: 3, servedMs: 900, eventLoopMs: null, peakBytes: 300e6 };
  expect(stepRows(10_000, [step]).map(({ scenario, measure, binnacle }) => [scenario, measure, binnacle])).toEqual([
    ['10000 services, clients in 10 namespaces', 'everybody served, CPU s', 3],
    ['10000 services, clients in 10 namespaces', 'everybody served, last client ms', 900],
    ['10000 services, clients in 10 namespaces', 'event loop, ms', null],
    ['10000 services, clients in 10 namespaces', 'peak memory, MB', 300],
  ]);
});

it('spreads services over namespaces in turn, each with its endpoints', () => {
  const instances = namespacedInstances({ services: 4, endpoints: 2, namespaces: 3 });

  expect(instances.map(({ host, namespace }) => `${namespace} ${host}`)).toEqual([
    ...Array.from({ length: 2 }, () => 'ns-000 svc-0000.ns-000.svc.cluster.local'),
    ...Array.from({ length: 2 }, () => 'ns-001 svc-0001.ns-001.svc.cluster.local'),
    ...Array.from({ length: 2 }, () => 'ns-002 svc-0002.ns-002.svc.cluster.local'),
    ...Array.from({ length: 2 }, () => 'ns-000 svc-0003.ns-000.svc.cluster.local'),
  ]);
  expect(new Set(instances.map(({ address }) => address)).size).toBe(8);
});

it('changes a rule for a service of the namespace that the rule is in', () => {
  const rule = changingRule({ services: 1_000, endpoints: 10, namespaces: 50 }, '/bench-00007/');

  expect(rule.metadata).toEqual({ name: 'svc-500', namespace: 'ns-000' });
  expect(rule.spec.hosts).toEqual(['svc-0500.ns-000.svc.cluster.local']);
  expect(rule.spec.http[0]).toMatchObject({
    match: [{ uri: { prefix: '/bench-00007/' } }],
    route: [{ destination: { host: 'svc-0500.ns-000.svc.cluster.local' } }],
  });
});
