import { describe, expect, test } from 'vitest';
import { dialects } from '../../../src/compile/dialects.ts';
import { createProxyFacts } from '../../../src/compile/facts.ts';
import { createClientFacts, viewpointOf } from '../../../src/compile/resolve/client-facts.ts';
import { resolveHost } from '../../../src/compile/resolve/host.ts';
import { createHostReader } from '../../../src/compile/resolve/host-reader.ts';
import { scopeFactsOf } from '../../../src/compile/scope-key.ts';
import { createDirty } from '../../../src/compile/world/dirty.ts';
import { createWorld } from '../../../src/compile/world/world.ts';
import { trackedReader } from '../../../src/compile/world/world-reader.ts';
import type { Service } from '../../../src/model/service.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

const gateway = proxy({ role: 'gateway' });

/** Destinations of a host for gateways. `isReferenced`: a route leads to the host. */
function destinationsOf({ hostname: host, ...rest }: Service, isReferenced: boolean) {
  const world = createWorld({ mesh: defaultMeshConfig, domainSuffix: 'cluster.local', kinds: ruleKinds });
  world.apply({ type: 'service', service: { hostname: host, ...rest } }, createDirty());
  const facts = scopeFactsOf(createProxyFacts(gateway), world, { coarseness: 'coarse', clients: dialects });
  const clientFacts = createClientFacts(viewpointOf(facts, null, 'cluster.local'), new Map());
  const reader = createHostReader(
    { world: trackedReader(world, host), facts: clientFacts, client: dialects.envoy },
    host,
  );
  return resolveHost(reader, host, isReferenced).destinations.map(({ name, endpoints }) => [name, endpoints.type]);
}

describe('a gateway', () => {
  test('without routes has no clusters, listeners or routes of services', () => {
    const world = compiledWorld();
    world.apply(
      service('a'),
      rule('VirtualService', 'r', { hosts: ['a'], http: [{ route: [{ destination: { host: 'a' } }] }] }),
    );
    expect(world.names('cluster', gateway)).toEqual(['BlackHoleCluster', 'PassthroughCluster']);
    for (const type of ['endpoint', 'listener', 'route'] as const) expect(world.names(type, gateway)).toEqual([]);
  });

  test('has only the clusters that its routes use', () => {
    const a = service('a');
    expect(destinationsOf(a, true)).toEqual([['outbound|80||a.default.svc.cluster.local', 'assigned']]);
    expect(destinationsOf(a, false)).toEqual([]);
  });

  test('balances calls to a headless service, because its clients connect to no endpoint directly', () => {
    expect(destinationsOf(service('a', { headless: true }), true)).toEqual([
      ['outbound|80||a.default.svc.cluster.local', 'assigned'],
    ]);
  });
});
