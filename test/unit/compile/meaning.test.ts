import { describe, expect, test } from 'vitest';
import { endpoint } from '../../support/model.ts';
import { compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

/* What rules and services mean where stock Envoy, taken literally, would do something else. */

const name = (port: number, subset = '', host = 'db.default.svc.cluster.local') => `outbound|${port}|${subset}|${host}`;
const tcp = { name: 'tcp', number: 9000, protocol: 'tcp' } as const;

describe('a headless service', () => {
  const db = service('db', { headless: true, ports: [{ name: 'http', number: 80, protocol: 'http' }, tcp] });
  const primary = rule('DestinationRule', 'db', { host: 'db', subsets: [{ name: 'primary', labels: { role: 'a' } }] });
  const types = (of = proxy()) => {
    const world = compiledWorld();
    world.apply(db, primary);
    return [name(80), name(9000), name(80, 'primary')].map((cluster) => world.json('cluster', cluster, of).type);
  };

  test('is called at the endpoint that the client chose; a subset restricts the endpoints', () => {
    expect(types()).toEqual(['ORIGINAL_DST', 'ORIGINAL_DST', 'EDS']);
  });

  for (const { whose, of } of [
    { whose: 'are not captured', of: proxy({ interception: 'none' }) },
    { whose: 'are no proxies (gRPC)', of: proxy({ client: 'grpc' }) },
  ]) {
    test(`is balanced for clients that ${whose}, because they connect to no endpoint directly`, () => {
      expect(types(of)).toEqual(['EDS', 'EDS', 'EDS']);
    });
  }
});

test('withoutHeaders with a value also matches requests without the header', () => {
  const world = compiledWorld();
  const withoutHeaders = { 'x-any': {}, 'x-user': { exact: 'jason' } };
  world.apply(
    service('db'),
    rule('VirtualService', 'db', {
      hosts: ['db'],
      http: [{ match: [{ withoutHeaders }], directResponse: { status: 418 } }],
    }),
  );
  expect(world.json('route', '80')).toMatchObject({
    virtualHosts: [
      {
        routes: [
          {
            match: {
              headers: [
                { name: 'x-any', presentMatch: true, invertMatch: true },
                { name: 'x-user', stringMatch: { exact: 'jason' }, invertMatch: true, treatMissingHeaderAsEmpty: true },
              ],
            },
          },
        ],
      },
      {},
    ],
  });
});

test('a cluster that resolves one name is valid for Envoy even if its subset has no name', () => {
  const world = compiledWorld();
  const turns = service('turns.example.com', { resolution: 'dns-round-robin' });
  const subsets = [{ name: 'v1', labels: { version: 'v1' } }];
  world.apply(
    turns,
    endpointsOf(turns, [endpoint('turns.example.com')]),
    rule('DestinationRule', 'turns', { host: 'turns.example.com', subsets }),
  );
  expect(world.json('cluster', name(80, '', 'turns.example.com')).type).toBe('LOGICAL_DNS');
  expect(world.json('cluster', name(80, 'v1', 'turns.example.com')).type).toBe('STRICT_DNS');
});

describe('DestinationRules', () => {
  const random = { trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } };
  const roundRobin = { trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } } };

  test('that select by different labels are not merged: the oldest that selects the client applies', () => {
    const world = compiledWorld();
    const select = (matchLabels: object) => ({ host: 'db', workloadSelector: { matchLabels } });
    const subsets = [{ name: 'v1', labels: { version: 'v1' } }];
    world.apply(
      service('db'),
      rule('DestinationRule', 'old', { ...select({ app: 'web' }), ...random }, 1),
      rule('DestinationRule', 'young', { ...select({ tier: 'front' }), subsets }, 2),
      rule('DestinationRule', 'same', { ...select({ app: 'web' }), subsets: [{ name: 'v2' }] }, 3),
    );
    const client = proxy({ labels: { app: 'web', tier: 'front' } });
    expect(world.names('cluster', client).filter((it) => it.startsWith('outbound'))).toEqual([
      name(80, 'v2'),
      name(80),
    ]);
  });

  test('of the root namespace are its own for its clients when exported to it by name', () => {
    const world = compiledWorld();
    const host = 'db.default.svc.cluster.local';
    world.apply(
      service('db'),
      rule('DestinationRule', 'default/db', { host, ...random }),
      rule('DestinationRule', 'istio-system/db', { host, exportTo: ['istio-system'], ...roundRobin }),
    );
    const client = proxy({ namespace: 'istio-system' });
    expect(world.json('cluster', name(80), client).lbPolicy ?? 'ROUND_ROBIN').toBe('ROUND_ROBIN');
  });
});

test('a mirror of 0 percent, as for an empty percentage, mirrors nothing', () => {
  const world = compiledWorld();
  const destination = { host: 'db' };
  world.apply(
    service('db'),
    rule('VirtualService', 'db', {
      hosts: ['db'],
      http: [{ mirror: destination, mirrorPercentage: {}, route: [{ destination }] }],
    }),
  );
  expect(JSON.stringify(world.json('route', '80'))).not.toContain('requestMirrorPolicies');
});

describe('addresses', () => {
  test('of IPv6 are equal in any notation, so that Envoy gets no duplicate domain or listener', () => {
    const world = compiledWorld();
    const ports = [{ name: 'http', number: 80, protocol: 'http' } as const, tcp];
    world.apply(
      service('db', { ports, vips: ['FD00:0:0::1'], createdAtMs: 1 }),
      service('web', { ports, vips: ['fd00::1'], createdAtMs: 2 }),
    );
    expect(JSON.stringify(world.json('route', '80')).match(/"\[[^"]*\]"/g)).toEqual(['"[fd00::1]"']);
    expect(world.names('listener')).toContain('fd00::1_9000');
    expect(world.names('listener').filter((it) => it.endsWith('_9000'))).toHaveLength(1);
  });

  test('in a range give a TCP service no listener of a MOSN, which would capture the calls of other services', () => {
    const world = compiledWorld();
    world.apply(service('db', { ports: [tcp], vips: ['10.0.0.0/8'] }));
    expect(world.names('listener', proxy({ client: 'mosn' }))).toEqual(['virtualInbound', 'virtualOutbound']);
  });
});

describe('a TLS port of a service without addresses', () => {
  const external = service('api.example.com', {
    external: true,
    ports: [{ name: 'tls', number: 443, protocol: 'tls' }],
  });
  const listeners = (of: ReturnType<typeof proxy>, overrides: Partial<typeof external> = {}) => {
    const world = compiledWorld();
    world.apply({ ...external, ...overrides });
    return { names: world.names('listener', of), problems: Object.values(world.problems()).flat() };
  };

  test('accepts no connections of captured clients of MOSN, which may be for any host, and reports this', () => {
    const { names, problems } = listeners(proxy({ client: 'mosn' }));
    expect(names).not.toContain('0.0.0.0_443');
    expect(problems).toEqual([expect.stringContaining('port 443 of api.example.com speaks TLS and has no address')]);
  });

  test('has a listener where clients call it at 127.0.0.1 or at its own address', () => {
    expect(listeners(proxy({ interception: 'none' })).names).toContain('127.0.0.1_443');
    const own = listeners(proxy(), { vips: ['10.1.2.3'] });
    expect(own.names).toContain('10.1.2.3_443');
    expect(own.problems).toEqual([]);
  });
});
