import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createCompiler } from '../../../src/compile/compiler.ts';
import type { Compiled } from '../../../src/rules/compiled.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { type Rule, type RuleKind, ruleId } from '../../../src/rules/rule.ts';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

interface CanarySpec {
  readonly host?: string;
  readonly clients?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A kind that the program does not have. */
const canary = (compiled: Compiled<CanarySpec>): RuleKind<'Canary', CanarySpec> => ({
  kind: 'Canary',
  plural: 'canaries',
  singular: 'canary',
  shortNames: [],
  group: 'test.example.com',
  versions: ['v1'],
  scope: 'namespaced',
  about: 'A kind of a test.',
  spec: z.custom<CanarySpec>(),
  columns: [],
  pending: () => [],
  compiled,
});

const byHost = canary({
  index: { by: 'host', makesHosts: false, hosts: ({ host }) => (host === undefined ? [] : [host]) },
  audience: ({ clients, labels }) => ({
    namespaces: clients === undefined ? [] : [clients],
    labels: labels === undefined ? [] : [labels],
  }),
});

const byWorkload = canary({
  index: { by: 'workload', selector: ({ labels }) => labels ?? null },
  audience: () => ({ namespaces: [], labels: [] }),
});

const written = (name: string, spec: CanarySpec): Rule => ({
  ...rule('Sidecar', name, { egress: [{ hosts: ['*/*'] }] }),
  kind: 'Canary',
  spec,
});

const worldWith = (kind: RuleKind) => {
  const world = compiledWorld(createCompiler({ ruleKinds: [...ruleKinds, kind] }));
  world.apply(service('a'), service('b'), service('c'));
  return world;
};

const idOf = (namespace: string, name: string) => ruleId({ kind: 'Canary', metadata: { namespace, name } });

describe('a kind of rule that is added to the list', () => {
  test('causes a compile of exactly the hosts by which its rules are found', () => {
    const world = worldWith(byHost);
    world.table('cluster');
    expect(world.apply(written('one', { host: 'a.default.svc.cluster.local' })).work.hostsCompiled).toBe(1);
    expect(world.apply(written('two', { host: '*.default.svc.cluster.local' })).work.hostsCompiled).toBe(3);
    expect(world.apply({ type: 'rule-removed', id: idOf('default', 'one') }).work.hostsCompiled).toBe(1);
  });

  test('separates proxies by the namespaces and labels of its audience until the rule is removed', () => {
    const world = worldWith(byHost);
    const [one, two, labelled] = [
      proxy({ namespace: 'one' }),
      proxy({ namespace: 'two' }),
      proxy({ namespace: 'two', labels: { app: 'web', tier: 'front' } }),
    ];
    const scopes = () => new Set([one, two, labelled].map((of) => world.layers(of)[0])).size;
    expect(scopes()).toBe(1);
    const { moved } = world.apply(written('elsewhere/r', { clients: 'one', labels: { app: 'web' } }));
    expect(moved?.namespaces).toEqual(new Set(['elsewhere', 'one']));
    expect(moved?.conditions.size).toBe(1);
    expect(scopes()).toBe(3);
    world.apply({ type: 'rule-removed', id: idOf('elsewhere', 'r') });
    expect(scopes()).toBe(1);
  });

  test('that selects workloads recomputes the proxies of its namespace, or in the root namespace all', () => {
    const world = worldWith(byWorkload);
    const { moved, work } = world.apply(written('shop/r', { labels: { app: 'web' } }));
    expect(moved).toMatchObject({ everyone: false, namespaces: new Set(['shop']) });
    expect(work.hostsCompiled).toBe(0);
    expect(world.apply(written('istio-system/r', {})).moved?.everyone).toBe(true);
  });
});

test('a rule of a kind that is not compiled changes nothing', () => {
  const world = compiledWorld();
  world.apply(service('a'));
  world.table('cluster');
  const { moved, changes, work } = world.apply(written('one/r', { host: 'a.default.svc.cluster.local' }));
  expect({ moved, changes, hostsCompiled: work.hostsCompiled }).toEqual({ moved: null, changes: [], hostsCompiled: 0 });
});

describe('a DestinationRule with an empty workloadSelector', () => {
  for (const workloadSelector of [{}, { matchLabels: {} }]) {
    test(`${JSON.stringify(workloadSelector)} applies to all clients of its namespace, before one for all namespaces`, () => {
      const world = compiledWorld();
      const subsets = (name: string) => [{ name, labels: {} }];
      world.apply(
        service('a', { namespace: 'shop' }),
        rule('DestinationRule', 'shop/everyone', { host: 'a.default.svc.cluster.local', subsets: subsets('all') }),
        rule(
          'DestinationRule',
          'shop/own',
          { host: 'a.default.svc.cluster.local', subsets: subsets('own'), workloadSelector },
          9,
        ),
      );
      const subsetsOf = (namespace: string) =>
        world.names('cluster', proxy({ namespace })).flatMap((name) => name.match(/^outbound\|80\|(\w+)\|/)?.[1] ?? []);
      expect(subsetsOf('shop')).toEqual(['own']);
      expect(subsetsOf('other')).toEqual(['all']);
    });
  }

  test('adds no condition to the scopes of other namespaces', () => {
    const world = compiledWorld();
    world.apply(service('a'));
    const before = world.layers(proxy({ namespace: 'other' }));
    const { moved } = world.apply(rule('DestinationRule', 'shop/own', { host: 'a.default', workloadSelector: {} }));
    expect(moved?.conditions.size).toBe(0);
    expect(world.layers(proxy({ namespace: 'other' }))).toEqual(before);
  });
});
