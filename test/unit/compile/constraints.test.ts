import { describe, expect, test } from 'vitest';
import { hostname } from '../../../src/model/names.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import type { Rule } from '../../../src/rules/rule.ts';
import { endpoint } from '../../support/model.ts';
import { compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

const host = (name: string) => `${name}.default.svc.cluster.local`;

/** A VirtualService whose routes rewrite the path, however it got past the API. */
const rewriting = (name: string, uri: string): Rule => {
  const good = rule('VirtualService', name, { hosts: [name], http: [{ route: [{ destination: { host: name } }] }] });
  return { ...good, spec: { hosts: [name], http: [{ route: [{ destination: { host: name } }], rewrite: { uri } }] } };
};

const rewritesOf = (world: ReturnType<typeof compiledWorld>) =>
  Object.fromEntries(
    [
      ...JSON.stringify(world.json('route', '80')).matchAll(
        /"outbound\|80\|\|(\w+)\.[^"]*"[^}]*?"prefixRewrite":"([^"]*)"/g,
      ),
    ].map(([, name, uri]) => [name, uri]),
  );

describe('a host that Envoy would reject', () => {
  test('keeps its last good configuration, and other hosts are served', () => {
    const world = compiledWorld();
    world.apply(service('reviews'), service('ratings'), rewriting('reviews', '/a'), rewriting('ratings', '/a'));
    world.names('route');

    world.apply(rewriting('reviews', '/b\n'), rewriting('ratings', '/b'));

    expect(rewritesOf(world)).toEqual({ reviews: '/a', ratings: '/b' });
    const message = `${host('reviews')} keeps its last good configuration: VirtualHost.routes[0].route.prefix_rewrite must be one line`;
    expect(world.problems()).toEqual({
      'VirtualService/default/reviews': [message],
      [`service/default/${host('reviews')}`]: [message],
    });

    world.apply(rewriting('reviews', '/c'));
    expect(rewritesOf(world)).toEqual({ reviews: '/c', ratings: '/b' });
    expect(world.problems()).toEqual({});
  });

  test('is absent if it was never valid, and other hosts are served', () => {
    const world = compiledWorld();
    world.apply(service('reviews'), service('ratings'), rewriting('reviews', '/a\0'), rewriting('ratings', '/a'));

    expect(rewritesOf(world)).toEqual({ ratings: '/a' });
    expect(world.names('cluster')).not.toContain(`outbound|80||${host('reviews')}`);
  });

  test('is reported at the invalid part only: a rule for its cluster is not reported for its routes', () => {
    const world = compiledWorld();
    world.apply(
      service('reviews'),
      rule('DestinationRule', 'limits', {
        host: 'reviews',
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } },
      }),
      rewriting('reviews', '/a\n'),
    );
    world.names('route');
    expect(Object.keys(world.problems()).sort()).toEqual([
      'VirtualService/default/reviews',
      `service/default/${host('reviews')}`,
    ]);
  });

  test('may be invalid because of its domains', () => {
    const world = compiledWorld();
    world.apply(service('reviews', { aliases: [hostname('a\nb')] }), service('ratings'));

    expect(JSON.stringify(world.json('route', '80'))).toContain(host('ratings'));
    expect(world.problems()[`service/default/${host('reviews')}`]).toEqual([
      `${host('reviews')} keeps its last good configuration: VirtualHost.domains[4] must be one line`,
    ]);
  });
});

describe('a port of a workload that Envoy would reject', () => {
  test('is left out, and the others are served', () => {
    const world = compiledWorld();
    const ports = [
      { name: 'http', number: 80, protocol: 'http' },
      { name: 'admin', number: 81, protocol: 'http' },
    ] as const;
    const reviews = service('reviews', { ports });
    world.apply(reviews, endpointsOf(reviews, [endpoint('10.1.0.1', { ports: { http: 8080, admin: 70_000 } })]));

    const clusters = world.names('cluster', proxy({ addresses: ['10.1.0.1'] }));

    expect(clusters).toContain('inbound|8080||');
    expect(clusters.filter((name) => name.startsWith('inbound|70000'))).toEqual([]);
    expect(world.problems()).toMatchObject({
      [`service/default/${host('reviews')}`]: [
        'port 70000 is not served: FilterChainMatch.destination_port must be at most 65535',
      ],
    });
  });
});

describe('a mesh configuration that Envoy would reject', () => {
  test('changes nothing', () => {
    const world = compiledWorld();
    world.apply(service('reviews'));
    const before = world.json('cluster', 'PassthroughCluster');

    world.apply({ type: 'mesh', mesh: { ...defaultMeshConfig, connectTimeout: '0s' } }, service('ratings'));

    expect(world.json('cluster', 'PassthroughCluster')).toEqual(before);
    expect(world.json('cluster', `outbound|80||${host('reviews')}`)).toMatchObject({ connectTimeout: '10s' });
    expect(world.problems()).toMatchObject({
      'MeshConfig//default': ['what every proxy has stays as it was: Cluster.connect_timeout must be more than 0s'],
    });
  });
});

describe('an assignment', () => {
  test('omits endpoints that would make Envoy reject all: a name, a port out of range', () => {
    const world = compiledWorld();
    const reviews = service('reviews');
    world.apply(
      reviews,
      endpointsOf(reviews, [
        endpoint('db.example.com'),
        endpoint('10.1.0.1'),
        endpoint('10.1.0.2', { ports: { http: 65_536 } }),
      ]),
    );
    const text = JSON.stringify(world.json('endpoint', `outbound|80||${host('reviews')}`));
    expect(text.match(/"address":"[^"]*"/g)).toEqual(['"address":"10.1.0.1"']);
  });
});
