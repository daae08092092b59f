import { describe, expect, test } from 'vitest';
import type { Health } from '../../../src/model/endpoint.ts';
import { endpoint } from '../../support/model.ts';
import { type CompiledWorld, compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

const tcp = { name: 'tcp', number: 9000, protocol: 'tcp' } as const;
const own = ['virtualInbound', 'virtualOutbound'];

describe('the outbound listeners of captured traffic', () => {
  for (const { name, of, want } of [
    { name: 'HTTP on every address', of: service('a', { vips: ['10.0.0.1'] }), want: ['0.0.0.0_80'] },
    {
      name: 'TCP on each virtual address',
      of: service('a', { ports: [tcp], vips: ['10.0.0.1', '10.0.0.2'] }),
      want: ['10.0.0.1_9000', '10.0.0.2_9000'],
    },
    { name: 'TCP without one on every address', of: service('a', { ports: [tcp] }), want: ['0.0.0.0_9000'] },
    { name: 'nothing for UDP', of: service('a', { ports: [{ ...tcp, protocol: 'udp' }] }), want: [] },
  ]) {
    test(`are ${name}`, () => {
      const world = compiledWorld();
      world.apply(of);
      expect(world.names('listener')).toEqual([...want, ...own]);
    });
  }

  test('follow the endpoints of a headless service, one listener per address', () => {
    const world = compiledWorld();
    const headless = service('db', { ports: [tcp], headless: true });
    const at = (address: string) => endpoint(address, { ports: { tcp: 9000 } });
    world.apply(headless, endpointsOf(headless, [at('10.1.0.1'), at('10.1.0.2')]));
    expect(world.names('listener')).toEqual(['10.1.0.1_9000', '10.1.0.2_9000', ...own]);
    world.apply(endpointsOf(headless, [at('10.1.0.2')]));
    expect(world.names('listener')).toEqual(['10.1.0.2_9000', ...own]);
  });

  for (const health of ['unhealthy', 'departed'] as const) {
    test(`of a headless service stay for an endpoint with health ${health}`, () => {
      const world = compiledWorld();
      const headless = service('db', { ports: [tcp], headless: true });
      const at = (health: Health) => endpoint('10.1.0.1', { ports: { tcp: 9000 }, health });
      world.apply(headless, endpointsOf(headless, [at('healthy')]));
      world.names('listener');
      const { changes } = world.apply(endpointsOf(headless, [at(health)]));
      expect(world.names('listener')).toEqual(['10.1.0.1_9000', ...own]);
      expect(changes.filter(({ type }) => type === 'listener')).toEqual([]);
    });
  }

  test('do not bind, and get routes from the stream', () => {
    const world = compiledWorld();
    world.apply(service('a'));
    const listener = world.json('listener', '0.0.0.0_80');
    expect(listener).toMatchObject({ bindToPort: false, trafficDirection: 'OUTBOUND' });
    expect(JSON.stringify(listener)).toContain(
      '"rds":{"configSource":{"ads":{},"resourceApiVersion":"V3"},"routeConfigName":"80"}',
    );
  });

  describe('for a port of both HTTP and TCP without an address', () => {
    const web = service('web', { createdAtMs: 2 });
    const old = service('old', { ports: [{ ...tcp, number: 80 }], createdAtMs: 1 });
    const [captured, local] = [proxy(), proxy({ interception: 'none' })];
    const listener = (world: CompiledWorld, of = captured) =>
      world.json('listener', of === local ? '127.0.0.1_80' : '0.0.0.0_80', of) as {
        filterChains?: { filterChainMatch?: object; filters: object[] }[];
        defaultFilterChain?: object;
        listenerFilters?: { name: string }[];
      }; // its schema

    test('distinguish them per connection, whichever is older', () => {
      const world = compiledWorld();
      world.apply(old, web);
      for (const of of [captured, local]) {
        const { filterChains, defaultFilterChain, listenerFilters } = listener(world, of);
        expect(filterChains?.map(({ filterChainMatch }) => filterChainMatch)).toEqual([
          { applicationProtocols: ['http/1.0', 'http/1.1', 'h2c'] },
        ]);
        expect(JSON.stringify(filterChains)).toContain('"routeConfigName":"80"');
        expect(JSON.stringify(defaultFilterChain)).toContain('outbound|80||old.default.svc.cluster.local');
        expect(listenerFilters?.map(({ name }) => name)).toEqual(['envoy.filters.listener.http_inspector']);
      }
    });

    test('pass other bytes on, or inspect no connection, once only one of them is left', () => {
      const world = compiledWorld();
      world.apply(old, web);
      world.names('listener');
      world.apply({ type: 'service-removed', key: `default/${old.hostname}` as never }); // the key of the service above
      expect(listener(world).filterChains).toHaveLength(1);
      expect(JSON.stringify(listener(world).filterChains)).toContain('"routeConfigName":"80"');
      expect(JSON.stringify(listener(world).defaultFilterChain)).toContain('PassthroughCluster');
      expect(JSON.stringify(listener(world, local))).toContain('"routeConfigName":"80"');
      expect(listener(world, local)).not.toHaveProperty('listenerFilters');
      world.apply(old, { type: 'service-removed', key: `default/${web.hostname}` as never }); // of the service above
      expect(listener(world)).not.toHaveProperty('listenerFilters');
      expect(JSON.stringify(listener(world).filterChains)).toContain('outbound|80||old.default.svc.cluster.local');
    });

    test('are reported to the TCP service until it has an address', () => {
      const world = compiledWorld();
      world.apply(old, web);
      world.names('listener', local);
      world.names('listener');
      const shared = (name: string) =>
        `old.default.svc.cluster.local shares listener ${name} with HTTP services: what begins like HTTP goes to them, and a connection waits until its client has spoken; give it addresses`;
      expect(world.problems()).toEqual({
        'service/default/old.default.svc.cluster.local': [
          'old.default.svc.cluster.local has no address: captured connections to any address of which no listener is known go there by 0.0.0.0_80; give it addresses',
          shared('0.0.0.0_80'),
          shared('127.0.0.1_80'),
        ],
      });
      for (const layer of world.layers(local)) world.close(layer);
      world.apply(service('old', { ports: [{ ...tcp, number: 80 }], vips: ['10.0.0.1'] }));
      expect(world.problems()).toEqual({});
    });

    test('stay with HTTP for a MOSN, whose listeners have one chain', () => {
      const world = compiledWorld();
      world.apply(old, web);
      const of = proxy({ client: 'mosn' });
      expect(listener(world, of)).not.toHaveProperty('defaultFilterChain');
      expect(JSON.stringify(listener(world, of).filterChains)).toContain('"routeConfigName":"80"');
      expect(world.problems()['service/default/old.default.svc.cluster.local']).toEqual([
        'listener 0.0.0.0_80 belongs to the HTTP services of the port: old.default.svc.cluster.local is not reachable by it; give it addresses',
      ]);
    });
  });

  test('belong to the oldest of several TCP services with the same port', () => {
    const world = compiledWorld();
    world.apply(service('old', { ports: [tcp], createdAtMs: 1 }), service('young', { ports: [tcp], createdAtMs: 2 }));
    expect(JSON.stringify(world.json('listener', '0.0.0.0_9000'))).toContain(
      'outbound|9000||old.default.svc.cluster.local',
    );
    expect(world.problems()['service/default/young.default.svc.cluster.local']).toContain(
      'listener 0.0.0.0_9000 belongs to old.default.svc.cluster.local, which is older: young.default.svc.cluster.local is not reachable by it',
    );
  });

  test('are reported at the service that has the host now, even if nothing else of it changed', () => {
    const world = compiledWorld();
    const young = (namespace: string) => service('x.example.com', { namespace, ports: [tcp], createdAtMs: 2 });
    world.apply(service('old', { ports: [tcp], createdAtMs: 1 }), young('default'));
    world.names('listener');
    world.apply({ type: 'service-removed', key: 'default/x.example.com' as never }, young('shop')); // the key of the service above
    expect(Object.keys(world.problems())).toEqual([
      'service/default/old.default.svc.cluster.local',
      'service/shop/x.example.com',
    ]);
  });

  for (const port of [15_001, 15_006]) {
    test(`leave port ${port} to the sidecar, for any address of a service`, () => {
      const world = compiledWorld();
      world.apply(service('a', { ports: [{ ...tcp, number: port }], vips: ['0.0.0.0', '10.0.0.1'] }));
      expect(world.names('listener')).toEqual([`10.0.0.1_${port}`, ...own]);
    });
  }

  test('distribute connections by the TCP routes of a rule', () => {
    const world = compiledWorld();
    const route = [
      { destination: { host: 'a' }, weight: 90 },
      { destination: { host: 'b' }, weight: 10 },
    ];
    world.apply(
      service('a', { ports: [tcp] }),
      service('b', { ports: [{ ...tcp, number: 9001 }] }),
      rule('VirtualService', 'r', { hosts: ['a'], tcp: [{ match: [{ port: 9000 }], route }] }),
    );
    expect(JSON.stringify(world.json('listener', '0.0.0.0_9000'))).toContain(
      '"clusters":[{"name":"outbound|9000||a.default.svc.cluster.local","weight":90},{"name":"outbound|9001||b.default.svc.cluster.local","weight":10}]',
    );
  });

  test('forward or close connections to unknown destinations', () => {
    const world = compiledWorld();
    const catchAll = () =>
      JSON.stringify(world.json('listener', 'virtualOutbound').filterChains).match(/"cluster":"[^"]+"/g);
    expect(catchAll()).toEqual(['"cluster":"BlackHoleCluster"', '"cluster":"PassthroughCluster"']);
    world.apply(rule('Sidecar', 'default', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }));
    expect(catchAll()).toEqual(['"cluster":"BlackHoleCluster"', '"cluster":"BlackHoleCluster"']);
  });
});

describe('the listeners of a proxy whose traffic is not captured', () => {
  test('bind to the loopback address, and there are no others', () => {
    const world = compiledWorld();
    world.apply(service('a'), service('db', { ports: [tcp], vips: ['10.0.0.1'] }));
    const of = proxy({ interception: 'none' });
    expect(world.names('listener', of)).toEqual(['127.0.0.1_80', '127.0.0.1_9000']);
    expect(world.json('listener', '127.0.0.1_80', of)).not.toHaveProperty('bindToPort');
  });
});

describe('the inbound listener of a workload', () => {
  const http = service('web', { ports: [{ name: 'http', number: 80, protocol: 'http' }, tcp] });
  const served = endpoint('10.9.9.9', { ports: { http: 8080, tcp: 9000 } });

  test('has one chain and one cluster per port, another for gRPC on HTTP ports, and forwards other connections', () => {
    const world = compiledWorld();
    world.apply(http, endpointsOf(http, [served]));
    const { filterChains, defaultFilterChain } = world.json('listener', 'virtualInbound') as {
      filterChains: { name: string }[];
      defaultFilterChain: { name: string };
    }; // its schema
    expect([...filterChains.map(({ name }) => name), defaultFilterChain.name]).toEqual([
      'virtualInbound-catchall-http',
      'virtualInbound-blackhole',
      '0.0.0.0_8080',
      '0.0.0.0_9000',
      'virtualInbound',
    ]);
    expect(JSON.stringify(filterChains)).toContain('inbound|http|80');
    expect(world.names('cluster').filter((name) => name.startsWith('inbound'))).toEqual([
      'inbound|8080|grpc|',
      'inbound|8080||',
      'inbound|9000||',
    ]);
    expect(world.json('cluster', 'inbound|8080||')).toMatchObject({
      type: 'ORIGINAL_DST',
      upstreamBindConfig: { sourceAddress: { address: '127.0.0.6' } },
    });
  });

  test('detects HTTP on ports whose protocol is unknown, and only there', () => {
    const world = compiledWorld();
    const detected = service('web', {
      ports: [{ name: 'web', number: 80, protocol: 'unknown' }, tcp],
      vips: ['10.0.0.7'],
    });
    world.apply(detected, endpointsOf(detected, [endpoint('10.9.9.9', { ports: { web: 8080, tcp: 9000 } })]));
    const { filterChains, listenerFilters, ...listener } = world.json('listener', 'virtualInbound') as {
      filterChains: { name: string; filterChainMatch: object }[];
      listenerFilters: object[];
    }; // its schema
    expect(filterChains.filter(({ name }) => name === '0.0.0.0_8080').map((it) => it.filterChainMatch)).toEqual([
      { destinationPort: 8080, applicationProtocols: ['http/1.0', 'http/1.1', 'h2c'] },
      { destinationPort: 8080 },
    ]);
    expect(listenerFilters[1]).toMatchObject({
      name: 'envoy.filters.listener.http_inspector',
      filterDisabled: {
        orMatch: {
          rules: [
            { destinationPortRange: { start: 9000, end: 9001 } },
            { destinationPortRange: { start: 15006, end: 15007 } },
          ],
        },
      },
    });
    expect(listener).toMatchObject({ listenerFiltersTimeout: '1s', continueOnListenerFiltersTimeout: true });
    expect(JSON.stringify(world.json('cluster', 'inbound|8080||'))).toContain('useDownstreamProtocolConfig');
    expect(world.problems()).toEqual({});
  });

  for (const health of ['unhealthy', 'departed'] as const) {
    test(`stays when its endpoint has health ${health}`, () => {
      const world = compiledWorld();
      world.apply(http, endpointsOf(http, [served]));
      const before = world.layers();
      world.apply(endpointsOf(http, [{ ...served, health }]));
      expect(world.layers()).toEqual(before);
      const assignment = JSON.stringify(world.json('endpoint', `outbound|80||${http.hostname}`));
      expect(assignment.includes('10.9.9.9')).toBe(health === 'unhealthy');
      world.apply(endpointsOf(http, []));
      expect(world.layers()).not.toEqual(before);
    });
  }

  for (const { name, others } of [
    { name: 'one of another namespace, even if that is older and not exported', others: { exportTo: ['~'] } },
    { name: 'one of another namespace, even if that is older', others: {} },
  ]) {
    test(`uses the protocol of its own service, not of ${name}`, () => {
      const world = compiledWorld();
      const victim = service('web', { ports: [{ name: 'http', number: 80, protocol: 'http' }], createdAtMs: 2 });
      const foreign = service('trap.evil.svc.cluster.local', { ...others, ports: [tcp], createdAtMs: 1 });
      const at = (ports: Record<string, number>) => [endpoint('10.9.9.9', { ports })];
      world.apply(victim, foreign);
      world.apply(endpointsOf(foreign, at({ tcp: 8080 })), endpointsOf(victim, at({ http: 8080 })));
      expect(JSON.stringify(world.json('listener', 'virtualInbound'))).toContain('inbound|http|80');
    });
  }

  test('uses the protocol of the service with the endpoint, not of one from which it departed', () => {
    const world = compiledWorld();
    const before = service('before', { ports: [tcp], createdAtMs: 1 });
    const now = service('now', { createdAtMs: 2 });
    world.apply(before, now);
    world.apply(endpointsOf(before, [endpoint('10.9.9.9', { ports: { tcp: 8080 }, health: 'departed' })]));
    world.apply(endpointsOf(now, [endpoint('10.9.9.9')]));
    expect(JSON.stringify(world.json('listener', 'virtualInbound'))).toContain('inbound|http|80');
  });

  for (const { name, older, speaks } of [
    { name: 'if the TCP service is older', older: 'tcp', speaks: 'http' },
    { name: 'if the HTTP service is older', older: 'http', speaks: 'tcp' },
  ] as const) {
    test(`uses the protocol of the service of this workload at a reused address, ${name}`, () => {
      const world = compiledWorld();
      const web = service('web', { createdAtMs: older === 'http' ? 1 : 2 });
      const raw = service('raw', { ports: [tcp], createdAtMs: older === 'tcp' ? 1 : 2 });
      const at = (workload: string, port: string) =>
        endpoint('10.9.9.9', { ports: { [port]: 8080 }, workload: { namespace: 'default', name: workload } });
      world.apply(web, raw, endpointsOf(raw, [at('earlier', 'tcp')]), endpointsOf(web, [at('earlier', 'http')]));
      world.compiler.joined(proxy());
      const spoken = () =>
        JSON.stringify(world.json('listener', 'virtualInbound')).includes('inbound|http|80') ? 'http' : 'tcp';
      expect(spoken()).toBe(older);
      const now =
        speaks === 'http' ? endpointsOf(web, [at('client', 'http')]) : endpointsOf(raw, [at('client', 'tcp')]);
      expect(world.apply(now).moved?.addresses).toEqual(new Set(['10.9.9.9']));
      expect(spoken()).toBe(speaks);
    });
  }

  test('does not depend on outbound changes', () => {
    const world = compiledWorld();
    world.apply(http, endpointsOf(http, [served]));
    const [, inbound] = world.layers();
    world.apply();
    const { changes, moved } = world.apply(
      service('other'),
      rule('VirtualService', 'r', { hosts: ['web'], http: [{ directResponse: { status: 404 } }] }),
    );
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.map(({ layer }) => layer)).not.toContain(inbound);
    expect(moved).toBeNull();
  });

  test('moves the proxy to another layer only when it changes', () => {
    const world = compiledWorld();
    world.apply(http, endpointsOf(http, [served]));
    world.compiler.joined(proxy());
    const before = world.layers();
    world.apply();
    expect(world.apply(endpointsOf(http, [served, endpoint('10.9.9.8')])).moved).toBeNull();
    expect(world.apply(endpointsOf(http, [{ ...served, weight: 5 }])).moved).toBeNull();
    expect(world.layers()).toEqual(before);
    expect(world.apply(endpointsOf(http, [{ ...served, ports: { http: 8081 } }])).moved?.addresses).toEqual(
      new Set(['10.9.9.9']),
    );
    expect(world.layers()[0]).toBe(before[0]);
    expect(world.layers()[1]).not.toBe(before[1]);
  });
});
