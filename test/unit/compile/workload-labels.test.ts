import { describe, expect, test } from 'vitest';
import type { WorkloadChange } from '../../../src/compile/contract.ts';
import { createWorkloadLabels } from '../../../src/compile/world/workload-labels.ts';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

const change = (
  id: string,
  labels: Readonly<Record<string, string>>,
  { name = id, namespace = 'default', addresses = ['10.9.9.9'], isSelfRegistered = false } = {},
): WorkloadChange => ({ type: 'workload', id, workload: { namespace, name, addresses, labels }, isSelfRegistered });

const node = proxy({ labels: { app: 'node', tier: 'front' } });

describe('the labels of a proxy are', () => {
  for (const { are, changes, want } of [
    { are: 'those of its node where no platform knows its workload', changes: [], want: node.labels },
    {
      are: "those of the Pod or WorkloadEntry at its address, and not its node's",
      changes: [change('pod', { app: 'web' })],
      want: { app: 'web' },
    },
    {
      are: 'not those of a workload of another namespace',
      changes: [change('pod', { app: 'web' }, { namespace: 'shop' })],
      want: node.labels,
    },
    {
      are: 'not those of a workload at another address',
      changes: [change('pod', { app: 'web' }, { addresses: ['10.9.9.8'] })],
      want: node.labels,
    },
    {
      are: 'of several workloads those of the one with its name',
      changes: [change('a', { app: 'a' }), change('b', { app: 'b' }, { name: 'client' })],
      want: { app: 'b' },
    },
    {
      are: 'without such a one those of the first by name',
      changes: [change('b', { app: 'b' }), change('a', { app: 'a' })],
      want: { app: 'a' },
    },
    {
      are: "its node's with those of registered instances on top",
      changes: [
        change('one', { app: 'one' }, { isSelfRegistered: true }),
        change('two', { app: 'two', version: 'v2' }, { isSelfRegistered: true }),
      ],
      want: { app: 'one', tier: 'front', version: 'v2' },
    },
    {
      are: 'those of a WorkloadEntry alone where an instance is registered, too',
      changes: [change('one', { version: 'v1' }, { isSelfRegistered: true }), change('we', { app: 'web' })],
      want: { app: 'web' },
    },
    {
      are: "its node's again when the workload has gone",
      changes: [change('pod', { app: 'web' }), { type: 'workload-removed', id: 'pod' } as const],
      want: node.labels,
    },
  ]) {
    test(are, () => {
      const inOrder = createWorkloadLabels();
      for (const one of changes) inOrder.apply(one);
      expect(inOrder.of(node)).toEqual(want);
    });
  }
});

describe('late labels of a workload', () => {
  test('select the Sidecar and the DestinationRules of its proxy', () => {
    const world = compiledWorld();
    const web = { app: 'web' };
    world.apply(
      service('a'),
      service('b'),
      rule('Sidecar', 'web', {
        egress: [{ hosts: ['./a.default.svc.cluster.local'] }],
        workloadSelector: { labels: web },
      }),
      rule('DestinationRule', 'a', {
        host: 'a',
        subsets: [{ name: 'web', labels: {} }],
        workloadSelector: { matchLabels: web },
      }),
    );
    const clusters = () => world.names('cluster').filter((name) => name.startsWith('outbound'));
    const host = (name: string, subset = '') => `outbound|80|${subset}|${name}.default.svc.cluster.local`;
    expect(clusters()).toEqual([host('a'), host('b')]);
    world.apply(change('pod', web));
    expect(clusters()).toEqual([host('a', 'web'), host('a')].sort());
  });

  test('move only the connected proxies at its addresses', () => {
    const world = compiledWorld();
    const of = proxy({ addresses: ['10.9.9.9', 'fd00::9'] });
    const moved = (labels: Readonly<Record<string, string>>) =>
      world.apply(change('pod', labels, { addresses: ['10.9.9.9', '10.8.8.8'] })).moved?.addresses ?? null;
    expect(moved({ app: 'a' })).toBeNull();
    world.compiler.joined(of);
    world.compiler.joined(of); // another stream of it
    expect(moved({ app: 'a' })).toBeNull(); // as before
    expect(moved({ app: 'b' })).toEqual(new Set(['10.9.9.9']));
    world.compiler.left(of);
    expect(moved({ app: 'c' })).toEqual(new Set(['10.9.9.9']));
    world.compiler.left(of);
    expect(moved({ app: 'd' })).toBeNull();
  });
});
