import { describe, expect, test } from 'vitest';
import type { Service } from '../../../src/model/service.ts';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

interface ListenerJson {
  readonly filterChains?: readonly ChainJson[];
  readonly defaultFilterChain?: ChainJson;
  readonly listenerFilters?: readonly { readonly name: string }[];
}
interface ChainJson {
  readonly filterChainMatch?: {
    readonly serverNames?: readonly string[];
    readonly prefixRanges?: readonly RangeJson[];
    readonly sourcePrefixRanges?: readonly RangeJson[];
    readonly transportProtocol?: string;
  };
  readonly filters: readonly {
    readonly typedConfig: { readonly cluster?: string; readonly weightedClusters?: object };
  }[];
}
interface RangeJson {
  readonly addressPrefix: string;
  readonly prefixLen: number;
}

const range = ({ addressPrefix, prefixLen }: RangeJson) => `${addressPrefix}/${prefixLen}`;

/** Returns the cluster of each chain by its conditions, in the order of the listener; `rest` for the default chain. */
function chains(world: ReturnType<typeof compiledWorld>, name: string, of = proxy()) {
  const { filterChains = [], defaultFilterChain } = world.json('listener', name, of) as unknown as ListenerJson; // its schema
  const clusterOf = ({ filters: [filter] }: ChainJson) =>
    filter?.typedConfig.cluster ?? JSON.stringify(filter?.typedConfig.weightedClusters);
  const conditions = ({ filterChainMatch: match }: ChainJson) =>
    [
      ...(match?.serverNames ?? []),
      ...(match?.prefixRanges ?? []).map((it) => `to ${range(it)}`),
      ...(match?.sourcePrefixRanges ?? []).map((it) => `from ${range(it)}`),
      ...(match?.transportProtocol === undefined ? [] : [match.transportProtocol]),
    ].join(' ');
  return Object.fromEntries([
    ...filterChains.map((chain) => [conditions(chain), clusterOf(chain)] as const),
    ...(defaultFilterChain === undefined ? [] : [['rest', clusterOf(defaultFilterChain)] as const]),
  ]);
}

const tls = { name: 'tls', number: 443, protocol: 'tls' } as const;
const tcp = { name: 'tcp', number: 9000, protocol: 'tcp' } as const;
const bank = service('pay.bank.test', { ports: [tls], resolution: 'passthrough' });
const wild = service('*.desk.test', { ports: [tls], resolution: 'passthrough' });
const egress = service('egress', { ports: [{ ...tls, number: 8443 }], vips: ['10.0.0.8'] });
const store = service('store', { ports: [tcp], vips: ['10.0.0.5'] });
const next = service('next', { ports: [tcp], vips: ['10.0.0.6'] });

const to = (host: string, rest: object = {}) => ({ destination: { host }, ...rest });
const cluster = ({ hostname, ports: [port] }: Service) => `outbound|${port?.number}||${hostname}`;

describe('TLS ports of services without addresses', () => {
  test('share a listener that matches server names, and forward other connections unchanged', () => {
    const world = compiledWorld();
    world.apply(bank, wild);
    expect(chains(world, '0.0.0.0_443')).toEqual({
      'pay.bank.test': cluster(bank),
      '*.desk.test': cluster(wild),
      rest: 'PassthroughCluster',
    });
    expect(world.problems()).toEqual({});
  });

  test('close other connections if unknown hosts are refused', () => {
    const world = compiledWorld();
    world.apply(bank, rule('Sidecar', 'default', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }));
    expect(chains(world, '0.0.0.0_443')).toEqual({ 'pay.bank.test': cluster(bank), rest: 'BlackHoleCluster' });
  });

  test('accept the server names of aliases too', () => {
    const world = compiledWorld();
    world.apply(
      service('x.test', { ports: [tls], aliases: ['y.test'] as never }), // hostnames in lower case
      service('name', { ports: [], aliasOf: 'x.test' as never }),
    );
    expect(Object.keys(chains(world, '0.0.0.0_443'))[0]?.split(' ')).toEqual(
      expect.arrayContaining(['x.test', 'y.test', 'name.default.svc.cluster.local', 'name']),
    );
  });

  test('of every host accept every server name', () => {
    const world = compiledWorld();
    world.apply(service('*', { ports: [tls], resolution: 'passthrough' }), bank);
    expect(chains(world, '0.0.0.0_443')).toEqual({
      'pay.bank.test': cluster(bank),
      tls: 'outbound|443||*',
      rest: 'PassthroughCluster',
    });
  });

  test('leave connections without a matching server name to a TCP service of the port', () => {
    const world = compiledWorld();
    const raw = service('raw.test', { ports: [{ ...tcp, number: 443 }] });
    world.apply(bank, raw);
    expect(chains(world, '0.0.0.0_443')).toEqual({ 'pay.bank.test': cluster(bank), rest: cluster(raw) });
  });
});

describe('a TCP service with a range of addresses', () => {
  test('gets connections to the range only', () => {
    const world = compiledWorld();
    const db = service('db.test', { ports: [tcp], vips: ['172.30.1.1/16', '10.0.0.9'] });
    world.apply(db);
    expect(chains(world, '0.0.0.0_9000')).toEqual({ 'to 172.30.0.0/16': cluster(db), rest: 'PassthroughCluster' });
    expect(chains(world, '10.0.0.9_9000')).toEqual({ '': cluster(db) });
  });

  test('shares its listener with services of other ranges', () => {
    const world = compiledWorld();
    const wide = service('wide.test', { ports: [tcp], vips: ['172.0.0.0/8'] });
    const narrow = service('narrow.test', { ports: [tcp], vips: ['172.30.0.0/16'] });
    world.apply(wide, narrow);
    expect(chains(world, '0.0.0.0_9000')).toEqual({
      'to 172.0.0.0/8': cluster(wide),
      'to 172.30.0.0/16': cluster(narrow),
      rest: 'PassthroughCluster',
    });
  });
});

describe('TLS routes of a rule', () => {
  const tlsRule = (name: string, routes: readonly object[], age = 0) =>
    rule('VirtualService', name, { hosts: ['pay.bank.test', '*.desk.test'], tls: routes }, age);

  test('send server names to destinations, by weights', () => {
    const world = compiledWorld();
    const route = [to('egress', { weight: 3 }), to('pay.bank.test', { weight: 1 }), to('next', { weight: 0 })];
    world.apply(bank, wild, egress, tlsRule('r', [{ match: [{ sniHosts: ['PAY.bank.test'] }], route }]));
    expect(chains(world, '0.0.0.0_443')).toEqual({
      'pay.bank.test': JSON.stringify({
        clusters: [
          { name: cluster(egress), weight: 3 },
          { name: cluster(bank), weight: 1 },
        ],
      }),
      rest: 'PassthroughCluster',
    });
  });

  for (const { name, match, applies } of [
    { name: 'another port', match: { port: 444 }, applies: false },
    { name: 'its port', match: { port: 443 }, applies: true },
    { name: 'labels of other clients', match: { sourceLabels: { app: 'pump' } }, applies: false },
    { name: 'labels of the client', match: { sourceLabels: { app: 'web' } }, applies: true },
    { name: 'another namespace', match: { sourceNamespace: 'shop' }, applies: false },
    { name: "the client's namespace", match: { sourceNamespace: 'default' }, applies: true },
    { name: 'a gateway', match: { gateways: ['edge'] }, applies: false },
    { name: 'the mesh', match: { gateways: ['edge', 'mesh'] }, applies: true },
  ]) {
    test(`for ${name} ${applies ? 'apply' : 'do not apply: the service itself does'}`, () => {
      const world = compiledWorld();
      const routed = [{ match: [{ sniHosts: ['pay.bank.test'], ...match }], route: [to('egress')] }];
      world.apply(bank, egress, tlsRule('r', routed));
      expect(chains(world, '0.0.0.0_443', proxy({ labels: { app: 'web' } }))).toEqual({
        'pay.bank.test': applies ? cluster(egress) : cluster(bank),
        rest: 'PassthroughCluster',
      });
    });
  }

  test('match called addresses besides the server name', () => {
    const world = compiledWorld();
    const match = [{ sniHosts: ['pay.bank.test'], destinationSubnets: ['10.7.7.7/16', '10.8.0.1'] }];
    world.apply(bank, egress, tlsRule('r', [{ match, route: [to('egress')] }]));
    expect(chains(world, '0.0.0.0_443')).toEqual({
      'pay.bank.test to 10.7.0.0/16 to 10.8.0.1/32': cluster(egress),
      rest: 'PassthroughCluster',
    });
  });

  test('of several rules hold together, and the first match of a server name applies', () => {
    const world = compiledWorld();
    const one = (sniHosts: string[], host: string) => ({ match: [{ sniHosts }], route: [to(host)] });
    world.apply(
      bank,
      wild,
      egress,
      next,
      tlsRule('old', [one(['pay.bank.test'], 'egress')], 1),
      tlsRule('young', [one(['pay.bank.test', 'a.desk.test'], 'pay.bank.test'), one(['*.desk.test'], 'egress')], 2),
    );
    expect(chains(world, '0.0.0.0_443')).toEqual({
      'pay.bank.test': cluster(egress),
      'a.desk.test': cluster(bank),
      '*.desk.test': cluster(egress),
      rest: 'PassthroughCluster',
    });
    expect(world.problems()).toEqual({});
  });

  test('replace the listener of an address, which then knows only their server names', () => {
    const world = compiledWorld();
    const notary = service('notary', { ports: [tls], vips: ['10.0.0.3'] });
    const sni = 'notary.default.svc.cluster.local';
    world.apply(notary, egress);
    expect(chains(world, '10.0.0.3_443')).toEqual({ '': cluster(notary) });
    world.apply(
      rule('VirtualService', 'r', { hosts: [sni], tls: [{ match: [{ sniHosts: [sni] }], route: [to('egress')] }] }),
    );
    expect(chains(world, '10.0.0.3_443')).toEqual({ [sni]: cluster(egress), rest: 'PassthroughCluster' });
  });

  test('do not forward unknown connections of a listener at 127.0.0.1 to itself', () => {
    const world = compiledWorld();
    world.apply(bank, egress, tlsRule('r', [{ match: [{ sniHosts: ['pay.bank.test'] }], route: [to('egress')] }]));
    expect(chains(world, '127.0.0.1_443', proxy({ interception: 'none' }))).toEqual({
      'pay.bank.test': cluster(egress),
    });
  });

  test('have no effect for a MOSN, which is reported', () => {
    const world = compiledWorld();
    const notary = service('notary', { ports: [tls], vips: ['10.0.0.3'] });
    const sni = 'notary.default.svc.cluster.local';
    const spec = { hosts: [sni], tls: [{ match: [{ sniHosts: [sni] }], route: [to('egress')] }] };
    world.apply(notary, egress, rule('VirtualService', 'r', spec));
    expect(chains(world, '10.0.0.3_443', proxy({ client: 'mosn' }))).toEqual({ '': cluster(notary) });
    expect(world.problems()).toEqual({
      'VirtualService/default/r': ['spec.tls: listeners of MOSN have one chain and cannot match server names'],
    });
  });
});

describe('TCP routes of a rule', () => {
  const tcpRule = (...routes: readonly object[]) => rule('VirtualService', 'r', { hosts: ['store'], tcp: routes });

  test('match called addresses and clients, before the service itself', () => {
    const world = compiledWorld();
    world.apply(
      store,
      next,
      tcpRule(
        { match: [{ destinationSubnets: ['10.0.0.0/8'] }, { sourceSubnet: '10.9.0.0/16' }], route: [to('next')] },
        { match: [{ destinationSubnets: ['10.0.0.0/8', '11.0.0.0/8'] }], route: [to('store')] },
      ),
    );
    expect(chains(world, '10.0.0.5_9000')).toEqual({
      'to 10.0.0.0/8': cluster(next),
      'from 10.9.0.0/16': cluster(next),
      'to 11.0.0.0/8': cluster(store),
      rest: cluster(store),
    });
  });

  test('end with one that matches every connection', () => {
    const world = compiledWorld();
    world.apply(store, next, tcpRule({ route: [to('next')] }, { route: [to('store')] }));
    expect(chains(world, '10.0.0.5_9000')).toEqual({ '': cluster(next) });
  });

  test('of a range match within it', () => {
    const world = compiledWorld();
    const db = service('db.test', { ports: [tcp], vips: ['172.30.0.0/16'] });
    world.apply(
      db,
      next,
      rule('VirtualService', 'r', {
        hosts: ['db.test'],
        tcp: [
          { match: [{ port: 9000, destinationSubnets: ['172.30.4.0/24'] }], route: [to('next')] },
          { match: [{ port: 9000, sourceLabels: { app: 'nobody' } }], route: [to('store')] },
          { match: [{ port: 9000 }], route: [to('db.test')] },
        ],
      }),
    );
    expect(chains(world, '0.0.0.0_9000')).toEqual({
      'to 172.30.4.0/24': cluster(next),
      'to 172.30.0.0/16': cluster(db),
      rest: 'PassthroughCluster',
    });
  });

  test('without conditions are those of a MOSN, which is reported', () => {
    const world = compiledWorld();
    world.apply(
      store,
      next,
      tcpRule({ match: [{ destinationSubnets: ['10.0.0.0/8'] }], route: [to('store')] }, { route: [to('next')] }),
    );
    expect(chains(world, '10.0.0.5_9000', proxy({ client: 'mosn' }))).toEqual({ '': cluster(next) });
    expect(world.problems()).toEqual({
      'VirtualService/default/r': ['spec.tcp: listeners of MOSN have one chain and cannot match subnets'],
    });
  });

  test('do not apply to ports of TLS', () => {
    const world = compiledWorld();
    world.apply(egress, next, rule('VirtualService', 'r', { hosts: ['egress'], tcp: [{ route: [to('next')] }] }));
    expect(chains(world, '10.0.0.8_8443')).toEqual({ '': cluster(egress) });
  });
});

describe('rules of one host', () => {
  const mixed = service('mixed', { ports: [{ name: 'http', number: 80, protocol: 'http' }, tcp], vips: ['10.0.0.4'] });
  const routesOf = (world: ReturnType<typeof compiledWorld>) => JSON.stringify(world.json('route', '80'));

  test('of different protocols hold together, and none is reported', () => {
    const world = compiledWorld();
    world.apply(
      mixed,
      next,
      rule('VirtualService', 'a-tcp', { hosts: ['mixed'], tcp: [{ route: [to('next')] }] }, 1),
      rule('VirtualService', 'b-http', { hosts: ['mixed'], http: [{ directResponse: { status: 418 } }] }, 2),
    );
    expect(chains(world, '10.0.0.4_9000')).toEqual({ '': cluster(next) });
    expect(routesOf(world)).toContain('"directResponse":{"status":418}');
    expect(world.problems()).toEqual({});
  });

  test('of a wildcard hold for the protocol that the rule of the host has no routes for', () => {
    const world = compiledWorld();
    const anyHost = { hosts: ['*.svc.cluster.local'], http: [{ directResponse: { status: 418 } }] };
    world.apply(
      mixed,
      next,
      rule('VirtualService', 'tcp', { hosts: ['mixed'], tcp: [{ route: [to('next')] }] }),
      rule('VirtualService', 'http', anyHost),
    );
    expect(chains(world, '10.0.0.4_9000')).toEqual({ '': cluster(next) });
    expect(routesOf(world)).toContain('"directResponse":{"status":418}');
  });

  test('without routes for a port leave it to the next rule', () => {
    const world = compiledWorld();
    const answer = (name: string, status: number, match: object[], age: number) =>
      rule('VirtualService', name, { hosts: ['mixed'], http: [{ match, directResponse: { status } }] }, age);
    world.apply(mixed, answer('other-port', 401, [{ port: 81 }], 1), answer('all', 402, [{ uri: { prefix: '/' } }], 2));
    expect(routesOf(world)).toContain('"directResponse":{"status":402}');
    expect(world.problems()).toEqual({});
  });

  test('that an older one replaces are reported', () => {
    const world = compiledWorld();
    const routed = (name: string, host: string, age: number) =>
      rule('VirtualService', name, { hosts: ['mixed'], tcp: [{ route: [to(host)] }] }, age);
    world.apply(mixed, next, routed('young', 'mixed', 2), routed('old', 'next', 1));
    world.names('listener');
    expect(world.problems()).toEqual({
      'VirtualService/default/young': [
        'not used for mixed.default.svc.cluster.local: VirtualService/default/old comes first',
      ],
    });
  });
});
