import { describe, expect, test } from 'vitest';
import type { Proxy } from '../../../src/model/proxy.ts';
import { endpoint } from '../../support/model.ts';
import { type CompiledWorld, compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

const web = service('web', {
  ports: [
    { name: 'http', number: 80, protocol: 'http' },
    { name: 'tcp', number: 9000, protocol: 'tcp' },
  ],
});
const serving = endpointsOf(web, [endpoint('10.1.0.1', { ports: { http: 8080, tcp: 9000 } })]);
const at = (overrides: Partial<Proxy> = {}) => proxy({ addresses: ['10.1.0.1'], ...overrides });
const http = (fields: object = {}) => ({ port: { number: 8080, protocol: 'HTTP', name: 'http' }, ...fields });

function worldWith(sidecar: object): CompiledWorld {
  const world = compiledWorld();
  world.apply(web, serving, rule('Sidecar', 'own', sidecar));
  return world;
}

/** Names of the chains of the listener for redirected connections, without those for connections to no known port. */
const chains = (world: CompiledWorld, of: Proxy) =>
  JSON.stringify(world.json('listener', 'virtualInbound', of)).match(/(?<="name":")[^"]*_\d+(?=")/g) ?? [];

const inbound = (world: CompiledWorld, of: Proxy) =>
  world.names('cluster', of).filter((name) => name.startsWith('inbound|'));

describe('the ingress listeners of a Sidecar', () => {
  test('replace the ports of services', () => {
    const world = worldWith({ ingress: [http({ defaultEndpoint: '127.0.0.1:8081' })] });
    expect(chains(world, at())).toEqual(['10.1.0.1_8080']);
    expect(inbound(world, at())).toEqual(['inbound|8080|grpc|', 'inbound|8080||']);
  });

  test('change in place, and no longer count once the Sidecar has none', () => {
    const world = worldWith({ ingress: [http()] });
    expect(chains(world, at())).toEqual(['10.1.0.1_8080']);
    world.apply(rule('Sidecar', 'own', { ingress: [http(), { port: { number: 9100, protocol: 'TCP' } }] }));
    expect(chains(world, at())).toEqual(['10.1.0.1_8080', '10.1.0.1_9100']);
    world.apply(rule('Sidecar', 'own', { egress: [{ hosts: ['*/*'] }] }));
    expect(chains(world, at())).toEqual(['0.0.0.0_8080', '0.0.0.0_9000']);
  });

  for (const { given, of, address, marked } of [
    { given: '127.0.0.1:8081', of: at(), address: '127.0.0.1', marked: false },
    { given: '0.0.0.0:8081', of: at(), address: '10.1.0.1', marked: true },
    { given: '0.0.0.0:8081', of: at({ addresses: ['fd00::1'] }), address: '127.0.0.1', marked: false },
    { given: '[::]:8081', of: at({ addresses: ['10.1.0.1', 'fd00::1'] }), address: 'fd00::1', marked: true },
    { given: '[::1]:8081', of: at(), address: '127.0.0.1', marked: false },
    { given: '127.0.0.1:8081', of: at({ addresses: ['fd00::1'] }), address: '::1', marked: false },
  ]) {
    test(`forward to ${address} for ${given} at ${of.addresses.join()}`, () => {
      const world = worldWith({ ingress: [http({ defaultEndpoint: given })] });
      const cluster = world.json('cluster', 'inbound|8080||', of);
      const socketAddress = { address, portValue: 8081 };
      expect(cluster).toMatchObject({
        type: 'STATIC',
        loadAssignment: { endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress } } }] }] },
      });
      expect('upstreamBindConfig' in cluster).toBe(marked);
    });
  }

  for (const [given, path] of [
    ['unix:///run/web.sock', '/run/web.sock'],
    ['unix://@web', '@web'],
  ]) {
    test(`forward to the socket ${path}`, () => {
      const world = worldWith({ ingress: [http({ defaultEndpoint: given })] });
      const cluster = world.json('cluster', 'inbound|8080||', at());
      expect(cluster).toMatchObject({
        type: 'STATIC',
        loadAssignment: { endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path } } } }] }] },
      });
      expect(cluster).not.toHaveProperty('upstreamBindConfig');
    });
  }

  test('forward to the called address without a default endpoint', () => {
    const world = worldWith({ ingress: [http()] });
    expect(world.json('cluster', 'inbound|8080||', at())).toMatchObject({ type: 'ORIGINAL_DST' });
  });

  test('bind where nothing is captured', () => {
    const of = at({ interception: 'none' });
    const world = worldWith({
      ingress: [
        http({ defaultEndpoint: '127.0.0.1:8081' }),
        { port: { number: 9100, protocol: 'TCP' }, bind: '127.0.0.1', defaultEndpoint: '127.0.0.1:9101' },
      ],
    });
    expect(world.names('listener', of)).toEqual(['10.1.0.1_8080', '127.0.0.1_80', '127.0.0.1_9000', '127.0.0.1_9100']);
    const listener = world.json('listener', '10.1.0.1_8080', of);
    expect(listener).toMatchObject({
      trafficDirection: 'INBOUND',
      address: { socketAddress: { address: '10.1.0.1', portValue: 8080 } },
    });
    expect(listener).not.toHaveProperty('bindToPort');
    expect(listener).not.toHaveProperty('listenerFilters');
  });

  test('bind with captureMode NONE, beside captured ones', () => {
    const own = { port: { number: 9100, protocol: 'TCP' }, captureMode: 'NONE', defaultEndpoint: '127.0.0.1:9101' };
    const world = worldWith({ ingress: [http(), own] });
    expect(chains(world, at())).toEqual(['10.1.0.1_8080']);
    expect(world.names('listener', at())).toContain('10.1.0.1_9100');
  });

  test('with a listener of their own need a default endpoint', () => {
    const world = worldWith({ ingress: [http({ captureMode: 'NONE' })] });
    world.names('listener', at());
    expect(world.problems()).toMatchObject({
      'Sidecar/default/own': [
        'spec.ingress: port 8080 has a listener of its own and needs a defaultEndpoint: calls to it fail',
      ],
    });
  });

  test('do not take the port of redirected connections', () => {
    const world = worldWith({ ingress: [{ port: { number: 15_006, protocol: 'TCP' } }] });
    expect(chains(world, at())).toEqual([]);
    expect(world.problems()).toMatchObject({
      'Sidecar/default/own': ["spec.ingress: port 15006 is the sidecars' own: it is not served"],
    });
  });

  for (const { client, clients } of [
    { client: 'mosn', clients: 'MOSN' },
    { client: 'grpc', clients: 'gRPC servers' },
  ] as const) {
    test(`are reported as without effect for ${clients}`, () => {
      const world = worldWith({ ingress: [http()], inboundConnectionPool: { tcp: { maxConnections: 3 } } });
      const before = compiledWorld();
      before.apply(web, serving);
      const of = at({ client });
      expect(world.names('listener', of)).toEqual(before.names('listener', of));
      expect(world.problems()).toMatchObject({
        'Sidecar/default/own': [
          `not in effect yet: spec.inboundConnectionPool for ${clients}`,
          `not in effect yet: spec.ingress for ${clients}`,
        ],
      });
    });
  }
});

describe('the connection limits of an inbound port', () => {
  const limit = (world: CompiledWorld, name: string) => {
    const cluster = world.json('cluster', name, at()) as {
      circuitBreakers?: { thresholds?: readonly { maxConnections?: number }[] };
    }; // the fields of Envoy's Cluster that the test reads
    return cluster.circuitBreakers?.thresholds?.[0]?.maxConnections;
  };
  const pool = (maxConnections: number) => ({ tcp: { maxConnections } });
  const unlimited = 4_294_967_295;

  test("are those of the service's DestinationRule, by port", () => {
    const world = compiledWorld();
    const trafficPolicy = {
      connectionPool: pool(7),
      portLevelSettings: [{ port: { number: 9000 }, connectionPool: pool(9) }],
    };
    world.apply(web, serving);
    expect(limit(world, 'inbound|8080||')).toBe(unlimited);
    world.apply(rule('DestinationRule', 'web', { host: 'web', trafficPolicy }));
    expect([limit(world, 'inbound|8080||'), limit(world, 'inbound|9000||')]).toEqual([7, 9]);
  });

  test('ignore DestinationRules for selected clients', () => {
    const world = compiledWorld();
    const workloadSelector = { matchLabels: { app: 'web' } };
    world.apply(
      web,
      serving,
      rule('DestinationRule', 'web', { host: 'web', workloadSelector, trafficPolicy: { connectionPool: pool(7) } }),
    );
    const of = at({ labels: { app: 'web' } });
    expect(world.json('cluster', 'inbound|9000||', of)).toEqual(world.json('cluster', 'inbound|9000||', at()));
    expect(limit(world, 'inbound|9000||')).toBe(unlimited);
  });

  test('are those of the Sidecar, its port first', () => {
    const world = worldWith({
      inboundConnectionPool: pool(5),
      ingress: [http({ connectionPool: pool(3) }), { port: { number: 9000, protocol: 'TCP' } }],
    });
    world.apply(rule('DestinationRule', 'web', { host: 'web', trafficPolicy: { connectionPool: pool(7) } }));
    expect([limit(world, 'inbound|8080||'), limit(world, 'inbound|9000||')]).toEqual([3, 5]);
  });

  test('of a Sidecar hold for the ports of services', () => {
    const world = worldWith({ inboundConnectionPool: pool(5) });
    expect(chains(world, at())).toEqual(['0.0.0.0_8080', '0.0.0.0_9000']);
    expect(limit(world, 'inbound|9000||')).toBe(5);
  });

  test('change no listener', () => {
    const world = worldWith({ inboundConnectionPool: pool(5) });
    world.names('listener', at());
    const { changes } = world.apply(rule('Sidecar', 'own', { inboundConnectionPool: pool(6) }));
    expect(changes.map(({ type, changed }) => [type, changed.map(({ name }) => name)])).toEqual([
      ['cluster', ['inbound|8080|grpc|', 'inbound|8080||', 'inbound|9000||']],
    ]);
  });

  test('are traced to their rule', () => {
    const world = worldWith({ inboundConnectionPool: pool(5) });
    const layer = world.layers(at())[1];
    world.names('cluster', at());
    expect(
      [...world.compiler.contributionsOf('Sidecar/default/own')].map(({ layer: of, name }) => [of === layer, name]),
    ).toEqual([
      [true, 'inbound|8080||'],
      [true, 'inbound|8080|grpc|'],
      [true, 'inbound|9000||'],
    ]);
  });
});
