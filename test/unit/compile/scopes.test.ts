import { describe, expect, test } from 'vitest';
import { createCompiler } from '../../../src/compile/compiler.ts';
import type { LayerKey } from '../../../src/compile/contract.ts';
import { dialects } from '../../../src/compile/dialects.ts';
import { createProxyFacts } from '../../../src/compile/facts.ts';
import { scopeFactsOf } from '../../../src/compile/scope-key.ts';
import { createWorld } from '../../../src/compile/world/world.ts';
import type { XdsType } from '../../../src/proto/resource.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import { endpoint } from '../../support/model.ts';
import { ruleIdOf } from '../../support/rules.ts';
import { compiledWorld, endpointsOf, proxy, rule, runFlush, service } from '../../support/world.ts';

const outbound = (names: readonly string[]) =>
  names.filter((name) => name.startsWith('outbound')).map((name) => name.split('|').at(-1));

describe('proxies share a scope', () => {
  test('if they differ only in irrelevant facts: 100 equal sidecars need one compile', () => {
    const world = compiledWorld();
    world.apply(service('a'), service('b'));
    for (let index = 0; index < 100; index++) {
      world.layers(
        proxy({ id: `p${index}`, name: `p${index}`, locality: `r/${index}`, addresses: [`10.2.0.${index}`] }),
      );
    }
    const { work } = world.apply();
    expect(work.hostsCompiled).toBe(2);
  });

  test('across namespaces without private rules and services, until one has some', () => {
    const world = compiledWorld();
    world.apply(service('a'));
    const [one, two] = [proxy({ namespace: 'one' }), proxy({ namespace: 'two' })];
    expect(world.layers(one)).toEqual(world.layers(two));
    expect(world.apply(rule('DestinationRule', 'one/r', { host: '*' })).moved?.namespaces).toEqual(new Set(['one']));
    expect(world.layers(one)).not.toEqual(world.layers(two));
  });

  test('with any DNS domain, until a host is below it', () => {
    const world = compiledWorld();
    world.apply(service('a'), service('api.example.com'));
    const made = Array.from({ length: 100 }, (_, index) =>
      proxy({ namespace: 'x', dnsDomain: `d${index}.attack.org` }),
    );
    const ofClusters = made.map((_, index) => proxy({ namespace: 'x', dnsDomain: `x.svc.cluster${index}.local` }));
    const below = proxy({ namespace: 'x', dnsDomain: 'eu.example.com' });
    expect(new Set([...made, ...ofClusters].map((one) => world.layers(one).join())).size).toBe(1);
    expect(world.layers(below)).not.toEqual(world.layers(made[0]));
    const { moved } = world.apply(service('www.attack.org'));
    expect(moved?.domains).toContain('attack.org');
    expect(world.layers(made[0])).not.toEqual(world.layers(ofClusters[0]));
  });

  test('whose key consists of the facts that were read', () => {
    const facts = createProxyFacts(proxy());
    scopeFactsOf(facts, createWorld({ mesh: defaultMeshConfig, domainSuffix: 'cluster.local', kinds: ruleKinds }), {
      coarseness: 'coarse',
      clients: dialects,
    });
    expect([...facts.read()].sort()).toEqual([
      'addresses',
      'capturesDns',
      'client',
      'dnsDomain',
      'interception',
      'namespace',
      'role',
    ]);
  });

  test('even if rules for missing hosts distinguish them', () => {
    const world = compiledWorld();
    world.apply(...Array.from({ length: 10 }, (_, index) => service(`svc-${index}`)));
    const apps = Array.from({ length: 20 }, (_, index) => ({ app: `app-${index}` }));
    world.apply(
      ...apps.map((matchLabels, index) =>
        rule('DestinationRule', `r-${index}`, { host: `ghost-${index}`, workloadSelector: { matchLabels } }),
      ),
    );
    const scopes = new Set(apps.map((labels) => world.layers(proxy({ labels }))[0]));
    expect(scopes.size).toBe(20);
    const { work, changes } = world.apply();
    expect(work.hostsCompiled).toBe(20); // once for their namespace, and once for what they stand on
    const told = new Set(changes.filter(({ type }) => type === 'cluster').map(({ layer }) => layer));
    expect([...scopes].filter((scope) => scope === undefined || !told.has(scope))).toEqual([]);
    expect(world.names('cluster', proxy({ labels: apps[7] ?? {} }))).toEqual(
      world.names('cluster', proxy({ labels: apps[0] ?? {} })),
    );
  });

  test('and bytes with other scopes for equal configuration', () => {
    const world = compiledWorld();
    const a = service('a');
    world.apply(a, service('b.shop.svc.cluster.local'), endpointsOf(a, [endpoint('10.1.0.1')]));
    const [here, there] = [proxy(), proxy({ namespace: 'shop' })];
    expect(world.layers(here)[0]).not.toBe(world.layers(there)[0]);
    for (const [type, name] of [
      ['cluster', 'outbound|80||a.default.svc.cluster.local'],
      ['endpoint', 'outbound|80||a.default.svc.cluster.local'],
      ['listener', '0.0.0.0_80'],
    ] as const) {
      expect(world.table(type, here).get(name)).toBe(world.table(type, there).get(name));
    }
  });
});

describe('a flush', () => {
  test('defers new scopes beyond its budget, and never changes of existing ones', () => {
    const world = compiledWorld(createCompiler({ newHostsPerFlush: 4 }));
    world.apply(service('a'), service('b'), service('c.shop.svc.cluster.local'));
    const known = proxy();
    world.table('cluster', known);
    const fresh = (['mosn', 'grpc'] as const).flatMap((client) =>
      ['default', 'shop'].map((namespace) => world.layers(proxy({ namespace, client }))[0]),
    );
    const first = world.apply(endpointsOf(service('a'), [endpoint('10.1.0.7')]), service('d'));
    expect(first.changes.map(({ layer }) => layer)).toContain(world.layers(known)[0]);
    expect([...first.deferred]).toEqual(fresh.slice(1));
    const flushes = [world.apply(), world.apply(), world.apply()];
    expect(flushes.map(({ deferred }) => deferred.size)).toEqual([2, 1, 0]);
    expect(flushes.map(({ work }) => work.hostsCompiled)).toEqual([4, 4, 4]);
  });
});

describe('a Sidecar', () => {
  const services = [
    service('a'),
    service('b'),
    service('c.shop.svc.cluster.local'),
    service('d.shop.svc.cluster.local'),
  ];
  for (const { hosts, want } of [
    { hosts: ['*/*'], want: ['a', 'b', 'c', 'd'] },
    { hosts: ['./*'], want: ['a', 'b'] },
    { hosts: ['shop/*'], want: ['c', 'd'] },
    { hosts: ['*/*.shop.svc.cluster.local', './a.default.svc.cluster.local'], want: ['a', 'c', 'd'] },
    { hosts: ['~/*'], want: [] },
  ]) {
    test(`with egress ${hosts.join(', ')} lets its proxies call ${want.join(', ') || 'nothing'}`, () => {
      const world = compiledWorld();
      world.apply(...services, rule('Sidecar', 'default', { egress: [{ hosts }] }));
      expect(outbound(world.names('cluster')).map((host) => host?.split('.')[0])).toEqual(want);
    });
  }

  test('that selects the workload has precedence over that of the namespace, that over that of the root namespace', () => {
    const world = compiledWorld();
    const only = (host: string) => ({ egress: [{ hosts: [`*/${host}`] }] });
    world.apply(
      ...services,
      rule('Sidecar', 'istio-system/root', only('d.shop.svc.cluster.local')),
      rule('Sidecar', 'default/all', only('a.default.svc.cluster.local')),
      rule(
        'Sidecar',
        'default/web',
        { ...only('b.default.svc.cluster.local'), workloadSelector: { labels: { app: 'web' } } },
        9,
      ),
    );
    const calls = (of = proxy()) => outbound(world.names('cluster', of)).map((host) => host?.split('.')[0]);
    expect(calls(proxy({ labels: { app: 'web' } }))).toEqual(['b']);
    expect(calls()).toEqual(['a']);
    expect(calls(proxy({ namespace: 'shop' }))).toEqual(['d']);
  });

  test('keeps hidden destinations as long as routes use them', () => {
    const world = compiledWorld();
    const leading = rule('VirtualService', 'r', { hosts: ['a'], http: [{ route: [{ destination: { host: 'b' } }] }] });
    const hosts = ['./a.default.svc.cluster.local'];
    world.apply(...services, leading, rule('Sidecar', 'default', { egress: [{ hosts }] }));
    expect(outbound(world.names('cluster'))).toEqual(['a.default.svc.cluster.local', 'b.default.svc.cluster.local']);
    expect(JSON.stringify(world.json('route', '80'))).not.toContain('b.default.svc.cluster.local:80');
    world.apply({ type: 'rule-removed', id: ruleIdOf('VirtualService/default/r') });
    expect(outbound(world.names('cluster'))).toEqual(['a.default.svc.cluster.local']);
  });
});

describe('a service', () => {
  for (const { exportTo, namespace, visible } of [
    { exportTo: [], namespace: 'other', visible: true },
    { exportTo: ['.'], namespace: 'default', visible: true },
    { exportTo: ['.'], namespace: 'other', visible: false },
    { exportTo: ['other'], namespace: 'other', visible: true },
    { exportTo: ['other'], namespace: 'default', visible: false },
    { exportTo: ['~'], namespace: 'default', visible: false },
  ]) {
    test(`exported to [${exportTo.join()}] is ${visible ? '' : 'not '}visible in ${namespace}`, () => {
      const world = compiledWorld();
      world.apply(service('a', { exportTo }));
      expect(outbound(world.names('cluster', proxy({ namespace }))).length).toBe(visible ? 1 : 0);
    });
  }

  test('of Kubernetes has precedence for its hostname over an older one of another registry', () => {
    const world = compiledWorld();
    const host = 'a.default.svc.cluster.local';
    const squatter = service(host, { namespace: 'shop', registry: 'file', createdAtMs: 1 });
    const real = service(host, { createdAtMs: 2 });
    world.apply(
      squatter,
      real,
      endpointsOf(squatter, [endpoint('6.6.6.6')]),
      endpointsOf(real, [endpoint('10.1.0.1')]),
    );
    expect(JSON.stringify(world.json('endpoint', `outbound|80||${host}`))).toContain('10.1.0.1');
  });
});

describe('the work of a flush', () => {
  const a = service('a');
  const running = () => {
    const world = compiledWorld();
    const subsets = [{ name: 'v1', labels: { version: 'v1' } }];
    world.apply(
      a,
      service('b'),
      rule('DestinationRule', 'r', { host: 'b', subsets }),
      endpointsOf(a, [endpoint('10.1.0.1')]),
    );
    for (const namespace of ['default', 'istio-system']) world.layers(proxy({ namespace }));
    world.apply();
    return world;
  };

  test('for a changed endpoint is one assignment, for any number of scopes', () => {
    const { work, changes } = running().apply(endpointsOf(a, [endpoint('10.1.0.2')]));
    expect(work).toEqual({ hostsCompiled: 0, encoded: 0, assembled: 1 });
    expect(changes.map(({ type, changed }) => [type, changed.length])).toEqual([
      ['endpoint', 1],
      ['endpoint', 1],
    ]);
  });

  test('for a changed rule is its host, once per scope, and its route configuration', () => {
    const http = [{ match: [{ uri: { prefix: '/x' } }], route: [{ destination: { host: 'b' } }] }];
    const { work, changes } = running().apply(rule('VirtualService', 'r', { hosts: ['a'], http }));
    expect(work).toEqual({ hostsCompiled: 2, encoded: 1, assembled: 2 });
    expect(changes.every(({ type }) => type === 'route')).toBe(true);
  });

  test('for nothing new is nothing: equal values, departed newcomers, rules that only changed their metadata', () => {
    const world = running();
    const known = rule('DestinationRule', 'r', { host: 'b', subsets: [{ name: 'v1', labels: { version: 'v1' } }] });
    const touched = { ...known, metadata: { ...known.metadata, resourceVersion: '2', annotations: { seen: 'yes' } } };
    const { changes, work } = world.apply(
      service('a'),
      touched,
      endpointsOf(a, [endpoint('10.1.0.1'), endpoint('10.1.0.9', { health: 'departed' })]),
    );
    expect(changes).toEqual([]);
    expect(work.hostsCompiled + work.encoded).toBe(0);
  });
});

describe('the origins of a resource', () => {
  test('are the rules and services that it was compiled from', () => {
    const world = compiledWorld();
    world.apply(
      service('a'),
      rule('DestinationRule', 'd', { host: 'a' }),
      rule('VirtualService', 'v', { hosts: ['a'], http: [{ route: [{ destination: { host: 'a' } }] }] }),
    );
    const [layer] = world.layers();
    if (layer === undefined) throw new Error('a sidecar has an outbound layer');
    runFlush(world.compiler);
    const host = 'a.default.svc.cluster.local';
    const parts = (type: XdsType, name: string) => [...world.compiler.partsOf(layer, type, name)];
    expect(parts('route', '80')).toEqual([
      { part: `${host}:80`, origins: [`service/default/${host}`, 'VirtualService/default/v'], since: 0 },
    ]);
    expect(parts('cluster', `outbound|80||${host}`).flatMap(({ origins }) => origins)).toContain(
      'DestinationRule/default/d',
    );
    expect(parts('listener', '0.0.0.0_80')).toEqual([{ part: '', origins: [`service/default/${host}`], since: 0 }]);
  });

  test('include the revision since which each part is unchanged', () => {
    const world = compiledWorld();
    const routed = (timeout: string) =>
      rule('VirtualService', 'v', { hosts: ['a'], http: [{ timeout, route: [{ destination: { host: 'a' } }] }] });
    const [layer] = world.layers();
    const flush = (revision: number) => [...world.compiler.flush(revision)];
    world.compiler.apply([
      { type: 'service', service: service('a') },
      { type: 'service', service: service('b') },
    ]);
    flush(3);
    world.compiler.apply([{ type: 'rule', rule: routed('1s') }]);
    flush(4);
    const since = [...world.compiler.partsOf(layer ?? ('' as LayerKey), 'route', '80')].map((it) => [
      it.part,
      it.since,
    ]);
    expect(since).toEqual([
      ['a.default.svc.cluster.local:80', 4],
      ['b.default.svc.cluster.local:80', 3],
    ]);
  });
});

test('a closed layer leaves no state, and opens again like a new one', () => {
  const world = compiledWorld();
  world.apply(service('a'));
  const [layer] = world.layers();
  if (layer === undefined) throw new Error('a sidecar has an outbound layer');
  const first = world.apply().work;
  world.close(layer);
  expect(world.apply(service('a', { createdAtMs: 5 })).changes).toEqual([]);
  world.layers();
  const { hostsCompiled, assembled } = world.apply().work;
  expect({ hostsCompiled, assembled }).toEqual({ hostsCompiled: first.hostsCompiled, assembled: first.assembled });
  expect(outbound(world.names('cluster'))).toEqual(['a.default.svc.cluster.local']);
});
