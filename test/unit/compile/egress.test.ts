import { describe, expect, test } from 'vitest';
import { meshConfigSchema } from '../../../src/rules/mesh-config.ts';
import { type CompiledWorld, compiledWorld, proxy, rule, service } from '../../support/world.ts';

const shopPorts = [
  { name: 'http', number: 80, protocol: 'http' },
  { name: 'admin', number: 8080, protocol: 'http' },
] as const;
const front = service('front', { ports: [{ name: 'http', number: 80, protocol: 'http' }], vips: ['10.0.0.1'] });
const shop = service('shop.shop.svc.cluster.local', { ports: shopPorts, vips: ['10.0.0.2'] });
const db = service('db.shop.svc.cluster.local', {
  ports: [{ name: 'tcp', number: 5432, protocol: 'tcp' }],
  vips: ['10.0.0.3'],
});
const captured = ['virtualInbound', 'virtualOutbound'];

function worldWith(egress: readonly object[], sidecar: object = {}): CompiledWorld {
  const world = compiledWorld();
  world.apply(front, shop, db, rule('Sidecar', 'own', { egress, ...sidecar }));
  return world;
}

const listeners = (world: CompiledWorld, of = proxy()) =>
  world.names('listener', of).filter((name) => !captured.includes(name));
const outbound = (world: CompiledWorld, of = proxy()) =>
  world.names('cluster', of).filter((name) => name.startsWith('outbound|'));

interface Routes {
  readonly virtualHosts?: readonly { readonly name?: string; readonly domains?: readonly string[] }[];
  readonly ignorePortInHostMatching?: boolean;
}

const routes = (world: CompiledWorld, name: string, of = proxy()) => world.json('route', name, of) as Routes; // a RouteConfiguration
const hostsOf = (world: CompiledWorld, name: string, of = proxy()) =>
  (routes(world, name, of).virtualHosts ?? []).map((host) => host.name);

describe('egress listeners of a Sidecar', () => {
  test('have hosts of their own', () => {
    const world = worldWith([
      { port: { number: 8080, protocol: 'HTTP', name: 'admin' }, hosts: ['shop/*'] },
      { hosts: ['./*'] },
    ]);
    expect(listeners(world)).toEqual(['0.0.0.0_80', '0.0.0.0_8080']);
    expect(hostsOf(world, '80')).toEqual(['front.default.svc.cluster.local:80', 'allow_any']);
    expect(hostsOf(world, '8080')).toEqual(['shop.shop.svc.cluster.local:8080', 'allow_any']);
    expect(outbound(world)).toEqual([
      'outbound|8080||shop.shop.svc.cluster.local',
      'outbound|80||front.default.svc.cluster.local',
    ]);
  });

  test('with a port take it from the listener for the other ports', () => {
    const world = worldWith([{ port: { number: 80, protocol: 'HTTP' }, hosts: ['./*'] }, { hosts: ['*/*'] }]);
    expect(hostsOf(world, '80')).toEqual(['front.default.svc.cluster.local:80', 'allow_any']);
    expect(hostsOf(world, '8080')).toEqual(['shop.shop.svc.cluster.local:8080', 'allow_any']);
  });

  test('open a socket with captureMode NONE, at the address of `bind`', () => {
    const world = worldWith([
      { port: { number: 8080, protocol: 'HTTP' }, bind: '127.0.0.2', captureMode: 'NONE', hosts: ['shop/*'] },
      { port: { number: 5432, protocol: 'TCP' }, captureMode: 'NONE', hosts: ['shop/*'] },
    ]);
    expect(listeners(world)).toEqual(['127.0.0.1_5432', '127.0.0.2_8080']);
    expect(world.json('listener', '127.0.0.2_8080')).not.toHaveProperty('bindToPort');
  });

  test('without a socket get redirected connections to the address of `bind`', () => {
    const world = worldWith([{ port: { number: 5432, protocol: 'TCP' }, bind: '10.9.9.8', hosts: ['shop/*'] }]);
    expect(world.json('listener', '10.9.9.8_5432')).toMatchObject({ bindToPort: false });
  });

  test('use the protocol of their port', () => {
    const world = worldWith([{ port: { number: 8080, protocol: 'TCP' }, hosts: ['shop/*'] }]);
    expect(listeners(world)).toEqual(['10.0.0.2_8080']);
    expect(JSON.stringify(world.json('listener', '10.0.0.2_8080'))).toContain(
      '"cluster":"outbound|8080||shop.shop.svc.cluster.local"',
    );
  });

  test('on a port that none of their services has do not exist', () => {
    const world = worldWith([{ port: { number: 9999, protocol: 'HTTP' }, hosts: ['shop/*'] }, { hosts: ['./*'] }]);
    expect(listeners(world)).toEqual(['0.0.0.0_80']);
  });

  test('without interception bind the loopback address', () => {
    const of = proxy({ interception: 'none' });
    const world = worldWith([
      { port: { number: 8080, protocol: 'HTTP' }, hosts: ['shop/*'] },
      { port: { number: 5432, protocol: 'TCP' }, bind: '127.0.0.5', hosts: ['shop/*'] },
      { hosts: ['./*'] },
    ]);
    expect(world.names('listener', of)).toEqual(['127.0.0.1_80', '127.0.0.1_8080', '127.0.0.5_5432']);
  });

  test('at a socket have all ports of their services, as requests name them', () => {
    const bind = 'unix:///run/egress.sock';
    const world = worldWith([
      { port: { number: 0, protocol: 'HTTP' }, bind, hosts: ['shop/shop.shop.svc.cluster.local'] },
    ]);
    expect(listeners(world)).toEqual([`${bind}_0`]);
    expect(world.json('listener', `${bind}_0`)).toMatchObject({ address: { pipe: { path: '/run/egress.sock' } } });
    const { virtualHosts = [], ignorePortInHostMatching } = routes(world, bind);
    expect(ignorePortInHostMatching).toBeUndefined();
    expect(virtualHosts.find(({ name }) => name === 'shop.shop.svc.cluster.local:80')?.domains).toEqual(
      expect.arrayContaining(['shop.shop:80', 'shop.shop']),
    );
    const admin = virtualHosts.find(({ name }) => name === 'shop.shop.svc.cluster.local:8080')?.domains ?? [];
    expect(admin).toContain('shop.shop:8080');
    expect(admin.every((domain) => domain.endsWith(':8080'))).toBe(true);
  });

  test('at a socket forward connections to the only port of a service', () => {
    const bind = 'unix:///run/db.sock';
    const world = worldWith([
      { port: { number: 0, protocol: 'TCP' }, bind, hosts: ['shop/db.shop.svc.cluster.local'] },
    ]);
    expect(JSON.stringify(world.json('listener', `${bind}_0`))).toContain(
      '"cluster":"outbound|5432||db.shop.svc.cluster.local"',
    );
  });

  test('at a socket report a service with several ports, of which connections name none', () => {
    const bind = 'unix:///run/shop.sock';
    const world = worldWith([
      { port: { number: 0, protocol: 'TCP' }, bind, hosts: ['shop/shop.shop.svc.cluster.local'] },
    ]);
    expect(listeners(world)).toEqual([]);
    expect(world.problems()).toMatchObject({
      'service/shop/shop.shop.svc.cluster.local': [expect.stringContaining('several ports')],
    });
  });

  test('for an HTTP proxy have the services of all ports', () => {
    const world = worldWith([
      { port: { number: 3128, protocol: 'HTTP_PROXY' }, bind: '127.0.0.1', captureMode: 'NONE', hosts: ['shop/*'] },
      { hosts: ['./*'] },
    ]);
    expect(listeners(world)).toEqual(['0.0.0.0_80', '127.0.0.1_3128']);
    expect(hostsOf(world, '3128')).toEqual([
      'shop.shop.svc.cluster.local:80',
      'shop.shop.svc.cluster.local:8080',
      'allow_any',
    ]);
    expect(routes(world, '3128').ignorePortInHostMatching).toBeUndefined();
    expect(routes(world, '80').ignorePortInHostMatching).toBe(true);
  });

  for (const { hosts, want } of [
    { hosts: ['*/*', '~shop/*'], want: ['front'] },
    { hosts: ['*/*', '~shop/db.shop.svc.cluster.local'], want: ['front', 'shop'] },
    { hosts: ['*/*', '~/*.shop.svc.cluster.local'], want: ['front'] },
    { hosts: ['shop/*', '~shop/db.shop.svc.cluster.local'], want: ['shop'] },
    { hosts: ['~/*'], want: [] },
  ]) {
    test(`with the hosts ${hosts.join(' and ')} have ${want.join(' and ') || 'nothing'}`, () => {
      const names = outbound(worldWith([{ hosts }])).map((name) => /\|([a-z]+)\.[^|]*$/.exec(name)?.[1]);
      expect([...new Set(names)].sort()).toEqual(want);
    });
  }

  test('ignore rules for excluded hosts', () => {
    const world = worldWith([{ hosts: ['*/*', '~shop/front.default.svc.cluster.local'] }]);
    const http = [{ name: 'foreign', route: [{ destination: { host: 'db' } }] }];
    world.apply(rule('VirtualService', 'shop/front', { hosts: ['front.default.svc.cluster.local'], http }));
    expect(JSON.stringify(world.json('route', '80'))).not.toContain('foreign');
  });

  test('keep a port of a service for routes of other hosts', () => {
    const world = worldWith([{ port: { number: 8080, protocol: 'HTTP' }, hosts: ['shop/*'] }, { hosts: ['./*'] }]);
    const destination = { host: 'shop.shop.svc.cluster.local', port: { number: 80 } };
    world.apply(rule('VirtualService', 'front', { hosts: ['front'], http: [{ route: [{ destination }] }] }));
    expect(outbound(world)).toContain('outbound|80||shop.shop.svc.cluster.local');
    world.apply({ type: 'rule-removed', id: 'VirtualService/default/front' as never });
    expect(outbound(world)).not.toContain('outbound|80||shop.shop.svc.cluster.local');
  });

  test('yield their place to ingress listeners', () => {
    const of = proxy({ interception: 'none' });
    const ingress = [{ port: { number: 80, protocol: 'HTTP' }, bind: '127.0.0.1', defaultEndpoint: '127.0.0.1:8081' }];
    const world = worldWith([{ hosts: ['./*'] }], { ingress });
    expect(world.json('listener', '127.0.0.1_80', of)).toMatchObject({ trafficDirection: 'INBOUND' });
    expect(world.problems()).toMatchObject({
      'service/default/front.default.svc.cluster.local': [
        expect.stringContaining('127.0.0.1_80 is an ingress listener'),
      ],
    });
  });

  test('are reported as without effect for clients without listeners', () => {
    const world = worldWith([{ port: { number: 8080 }, bind: '127.0.0.1', hosts: ['shop/*'] }, { hosts: ['./*'] }]);
    const of = proxy({ client: 'grpc' });
    expect(outbound(world, of)).toHaveLength(4);
    expect(world.problems()['Sidecar/default/own']).toEqual([
      'not in effect yet: spec.egress[0].bind for gRPC clients',
      'not in effect yet: spec.egress[0].port for gRPC clients',
    ]);
  });
});

describe('the outbound policy of a Sidecar', () => {
  test('without a mode refuses unknown hosts', () => {
    const world = worldWith([{ hosts: ['./*'] }], { outboundTrafficPolicy: {} });
    expect(hostsOf(world, '80')).toContain('block_all');
  });

  const egressProxy = { host: db.hostname, port: { number: 5432 } };
  const policy = { outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy } };

  test('sends unknown hosts and connections to its proxy, whose clusters it needs', () => {
    const world = worldWith([{ hosts: ['./*'] }], policy);
    const cluster = 'outbound|5432||db.shop.svc.cluster.local';
    expect(outbound(world)).toContain(cluster);
    expect(JSON.stringify(world.json('route', '80'))).toContain(`"cluster":"${cluster}"`);
    expect(JSON.stringify(world.json('listener', 'virtualOutbound'))).toContain(`"cluster":"${cluster}"`);
    world.apply(rule('Sidecar', 'own', { egress: [{ hosts: ['./*'] }] }));
    expect(outbound(world)).not.toContain(cluster);
  });

  test('reports a proxy that is no service', () => {
    const world = worldWith([{ hosts: ['./*'] }], policy);
    world.names('cluster');
    expect(world.problems()['Sidecar/default/own']).toBeUndefined();
    world.apply({ type: 'service-removed', key: 'shop/db.shop.svc.cluster.local' as never });
    expect(world.problems()['Sidecar/default/own']).toEqual([
      'spec.outboundTrafficPolicy.egressProxy: there is no service db.shop.svc.cluster.local',
    ]);
  });
});

test('proxyHttpPort of the mesh is a listener that knows the HTTP services of all ports', () => {
  const world = compiledWorld();
  world.apply(front, shop, db);
  world.apply({ type: 'mesh', mesh: meshConfigSchema.parse({ proxyHttpPort: 15_002 }) });
  expect(world.json('listener', '127.0.0.1_15002')).toMatchObject({
    address: { socketAddress: { address: '127.0.0.1', portValue: 15_002 } },
  });
  expect(hostsOf(world, 'http_proxy')).toEqual([
    'front.default.svc.cluster.local:80',
    'shop.shop.svc.cluster.local:80',
    'shop.shop.svc.cluster.local:8080',
    'allow_any',
  ]);
});
