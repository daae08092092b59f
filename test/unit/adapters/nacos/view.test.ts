import { describe, expect, test } from 'vitest';
import type { BookEntry } from '../../../../adapters/nacos/book.ts';
import { config, dubboNaming, nacosHostnames } from '../../../../adapters/nacos/config.ts';
import { readNacosInstance } from '../../../../adapters/nacos/messages.ts';
import { nameKey } from '../../../../adapters/nacos/names.ts';
import { createView } from '../../../../adapters/nacos/view.ts';

function viewOf(settings: object = {}) {
  const parsed = config.parse({ servers: ['127.0.0.1:8848'], ...settings });
  const hostnames = nacosHostnames(parsed);
  if (!hostnames.ok) throw new Error(hostnames.error);
  return createView({
    hostnames: hostnames.value,
    names: parsed.names,
    dubbo: dubboNaming(parsed),
    meshNamespaceOf: () => 'shop',
    addresses: { use: () => {}, of: () => [], fault: () => 'no such host' },
    keys: parsed.metadataKeys,
    ports: parsed.ports,
    rulesOf: () => null,
    defaultProtocol: parsed.defaultProtocol,
    clusters: null,
  });
}

function entry(name: string, instances: readonly object[], group = 'DEFAULT_GROUP'): BookEntry {
  const read = instances.map((given) => readNacosInstance({ ip: '10.0.0.1', port: 20_880, ...given }));
  return {
    name: { namespace: 'public', group, name },
    instances: read.flatMap((one) => (one.ok ? [one.value] : [])),
    faults: [],
  };
}

/** A provider as Dubbo 3.3 registers it. */
const provider = (metadata: object = {}) => ({
  metadata: {
    side: 'provider',
    release: '3.3.5',
    methods: 'add,hello',
    interface: 'demo.GreetService',
    version: '1.0.0',
    group: 'g1',
    path: 'demo.GreetService',
    protocol: 'dubbo',
    application: 'demo-if',
    category: 'providers',
    ...metadata,
  },
});

const greet = 'providers:demo.GreetService:1.0.0:g1';

function update(view: ReturnType<typeof viewOf>, given: BookEntry) {
  const { changes, faults } = view.update(nameKey(given.name), given);
  const service = changes.flatMap((change) => (change.type === 'service' ? [change.service] : []))[0];
  const set = changes.flatMap((change) => (change.type === 'endpoints' ? [change.set] : []))[0];
  return { changes, faults, service, endpoints: set?.endpoints ?? [] };
}

describe('a provider of Dubbo', () => {
  test("is named by Dubbo's interface, group and version, and called at the port of its protocol", () => {
    const { service, endpoints } = update(viewOf(), entry(greet, [provider()]));
    expect(service).toMatchObject({
      hostname: 'demo._greet_service.g-g1.v-1.0.0.dubbo',
      namespace: 'shop',
      ports: [{ name: 'dubbo', number: 20_880, protocol: 'tcp' }],
    });
    expect(endpoints).toMatchObject([
      {
        address: '10.0.0.1',
        ports: { dubbo: 20_880 },
        labels: { application: 'demo-if', version: '1.0.0' },
        weight: 100,
      },
    ]);
  });

  test('with only a version and one with only a group are two services', () => {
    const hosts = ['providers:demo.A:A:', 'providers:demo.A::A'].map(
      (name) =>
        update(viewOf(), entry(name, [provider({ interface: 'demo.A', version: '', group: '' })])).service?.hostname,
    );
    expect(hosts).toEqual(['demo._a.v-_a.dubbo', 'demo._a.g-_a.dubbo']);
  });

  test('by dubbo, tri and rest has three ports', () => {
    const instances = ['dubbo', 'tri', 'rest'].map((protocol, index) => ({
      ...provider({ protocol }),
      ip: `10.0.0.${index}`,
    }));
    const { service, endpoints } = update(viewOf(), entry(greet, instances));
    expect(service?.ports.map(({ name }) => name)).toEqual(['dubbo', 'rest', 'tri']);
    expect(endpoints.map(({ ports }) => Object.keys(ports))).toEqual([['dubbo'], ['tri'], ['rest']]);
  });

  test("has Dubbo's weight times Nacos' weight; 0 of either, or disabled, is no traffic", () => {
    const instances = [
      { ...provider({ weight: '200' }), ip: '10.0.0.1', weight: 0.5 },
      { ...provider({ weight: '0' }), ip: '10.0.0.2' },
      { ...provider(), ip: '10.0.0.3', weight: 0 },
      { ...provider({ disabled: 'true' }), ip: '10.0.0.4' },
    ];
    const { endpoints } = update(viewOf(), entry(greet, instances));
    expect(endpoints.map(({ weight, health }) => [weight, health])).toEqual([
      [100, 'healthy'],
      [1, 'unhealthy'],
      [1, 'unhealthy'],
      [100, 'unhealthy'],
    ]);
  });

  test('of an unknown protocol is left out and named', () => {
    const { faults, endpoints } = update(
      viewOf(),
      entry(greet, [provider({ protocol: 'smoke' }), { ...provider(), ip: '10.0.0.2' }]),
    );
    expect(faults).toEqual([expect.stringContaining("10.0.0.1:20880: its protocol 'smoke' is unknown")]);
    expect(endpoints.map(({ address }) => address)).toEqual(['10.0.0.2']);
  });

  test('that registers in two groups of Nacos is one service', () => {
    const view = viewOf();
    update(view, entry(greet, [provider()]));
    const both = update(view, entry(greet, [{ ...provider(), ip: '10.0.0.2' }], 'G'));
    expect(both.service).toBeUndefined();
    expect(both.endpoints.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2']);
    const one = view.update(nameKey({ namespace: 'public', group: 'G', name: greet }), null);
    expect(one.changes).toMatchObject([{ type: 'endpoints', set: { endpoints: [{ address: '10.0.0.1' }] } }]);
    const none = view.update(nameKey({ namespace: 'public', group: 'DEFAULT_GROUP', name: greet }), null);
    expect(none.changes).toMatchObject([
      { type: 'service-removed', hostname: 'demo._greet_service.g-g1.v-1.0.0.dubbo' },
    ]);
  });

  test('may have a name of its own', () => {
    const names = { 'g1/demo.GreetService:1.0.0': 'greet.example' };
    const { service } = update(viewOf({ dubbo: { names } }), entry(greet, [provider()]));
    expect(service).toMatchObject({ hostname: 'greet.example', aliases: ['demo._greet_service.g-g1.v-1.0.0.dubbo'] });
  });
});

describe('a service', () => {
  test('is told once, and its ports stay while it has no instance', () => {
    const view = viewOf({ ports: { grpc: 7_000 } });
    const grpc = entry('orders', [{ metadata: { protocol: 'grpc' } }]);
    expect(update(view, grpc).service?.ports).toEqual([{ name: 'grpc', number: 7_000, protocol: 'grpc' }]);
    expect(update(view, grpc).service).toBeUndefined();
    const empty = update(view, entry('orders', []));
    expect([empty.service, empty.endpoints]).toEqual([undefined, []]);
  });

  test('of which only metadata change has other labels, and is the same service', () => {
    const view = viewOf();
    update(view, entry('orders', [{ metadata: { version: 'v1' } }]));
    const changed = update(view, entry('orders', [{ metadata: { version: 'v2' } }]));
    expect(changed.service).toBeUndefined();
    expect(changed.endpoints.map(({ labels }) => labels)).toEqual([{ version: 'v2', 'nacos.cluster': 'DEFAULT' }]);
    const none = update(view, entry('orders', [{ metadata: null }]));
    expect(none.endpoints.map(({ labels }) => labels)).toEqual([{ 'nacos.cluster': 'DEFAULT' }]);
  });

  test('may have a name of its own, also by its group; that of the template is an alias', () => {
    const view = viewOf({ names: { orders: 'orders.shop', 'G@@ratings': 'ratings.shop' } });
    const [orders, ratings, other] = [
      update(view, entry('orders', [{}])),
      update(view, entry('ratings', [{}], 'G')),
      update(view, entry('orders', [{}], 'G')),
    ].map(({ service }) => service);
    expect(orders).toMatchObject({ hostname: 'orders.shop', aliases: ['orders.default-group.public.nacos'] });
    expect(ratings).toMatchObject({ hostname: 'ratings.shop', aliases: ['ratings._g.public.nacos'] });
    expect(other).toMatchObject({ hostname: 'orders._g.public.nacos', aliases: [] });
  });

  test('without an instance so far has the port of the usual protocol', () => {
    expect(update(viewOf(), entry('orders', [])).service?.ports).toEqual([
      { name: 'http', number: 80, protocol: 'http' },
    ]);
  });

  test('whose name is too long for DNS is left out and named', () => {
    const { changes, faults } = update(viewOf(), entry('a'.repeat(64), [{}]));
    expect(changes).toEqual([]);
    expect(faults).toEqual([expect.stringContaining('longer than 63 characters')]);
  });

  test('with an instance at a host name that cannot be resolved says so', () => {
    const { faults, endpoints } = update(viewOf(), entry('orders', [{}, { ip: 'db.example' }]));
    expect(endpoints.map(({ address }) => address)).toEqual(['10.0.0.1']);
    expect(faults).toEqual([expect.stringContaining('db.example')]);
  });
});
