import { describe, expect, test } from 'vitest';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

const any = service('*.example.com', { resolution: 'dynamic-dns', registry: 'service-entry' });
const name = 'outbound|80||*.example.com';
const cache = { name: 'dynamic-dns-ipv4', dnsLookupFamily: 'V4_ONLY' };

/** Names of the HTTP filters on port 80. */
const filters = (world: ReturnType<typeof compiledWorld>, of = proxy()) =>
  [...JSON.stringify(world.json('listener', '0.0.0.0_80', of)).matchAll(/"envoy.filters.http.(\w+)"/g)].map(
    ([, it]) => it,
  );

describe('a service with dynamic DNS', () => {
  test('is a cluster whose addresses a filter looks up, in the same cache', () => {
    const world = compiledWorld();
    world.apply(any);
    expect(world.json('cluster', name)).toMatchObject({
      lbPolicy: 'CLUSTER_PROVIDED',
      clusterType: { name: 'envoy.clusters.dynamic_forward_proxy', typedConfig: { dnsCacheConfig: cache } },
    });
    expect(filters(world)).toEqual(['fault', 'cors', 'dynamic_forward_proxy', 'router']);
    expect(JSON.stringify(world.json('listener', '0.0.0.0_80'))).toContain(JSON.stringify(cache.name));
  });

  test('shares its listener with other services of the port, in any order', () => {
    const fixed = (createdAtMs: number) => service('fixed.example.org', { createdAtMs });
    for (const services of [
      [any, fixed(1)],
      [fixed(1), any],
      [fixed(9_000), any],
    ]) {
      const world = compiledWorld();
      world.apply(...services);
      expect(filters(world)).toEqual(['fault', 'cors', 'dynamic_forward_proxy', 'router']);
      expect(world.problems()).toEqual({});
      world.apply({ type: 'service-removed', key: 'default/*.example.com' as never }); // as serviceKey writes it
      expect(filters(world)).toEqual(['fault', 'cors', 'router']);
    }
  });

  test('has no destination for clients that cannot look up names of calls', () => {
    for (const client of ['grpc', 'mosn'] as const) {
      const world = compiledWorld();
      world.apply(any);
      expect(world.names('cluster', proxy({ client })).filter((it) => it.includes('example'))).toEqual([]);
    }
  });
});

test("a service's names are those of its certificate, unless the rule gives some", () => {
  const bank = service('bank.example.com', { subjectAltNames: ['pay.example.com'] });
  const names = (subjectAltNames?: readonly string[]) => {
    const world = compiledWorld();
    const tls = { mode: 'SIMPLE', ...(subjectAltNames === undefined ? {} : { subjectAltNames }) };
    world.apply(bank, rule('DestinationRule', 'r', { host: 'bank.example.com', trafficPolicy: { tls } }));
    const cluster = JSON.stringify(world.json('cluster', 'outbound|80||bank.example.com'));
    return [...cluster.matchAll(/"exact":"([^"]+)"/g)].map(([, it]) => it);
  };
  expect(names()).toEqual(['pay.example.com']);
  expect(names(['own.example.com'])).toEqual(['own.example.com']);
});
