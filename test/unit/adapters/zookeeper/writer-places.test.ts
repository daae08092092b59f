import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../../../adapters/zookeeper/catalog.ts';
import { zookeeper } from '../../../../adapters/zookeeper/index.ts';
import { layoutsOf } from '../../../../adapters/zookeeper/layouts/layouts.ts';
import { placeInTrees } from '../../../../adapters/zookeeper/writer/places.ts';
import type { WrittenNode } from '../../../../adapters/zookeeper/writer/written-node.ts';
import type { RegistryEntry } from '../../../../src/adapter-contract/registry-writer.ts';
import { createGovernance } from '../../../../src/dubbo/governance/governance.ts';
import { hostname } from '../../../../src/model/names.ts';
import { adapterContext } from '../../../support/adapter-context.ts';

const context = adapterContext({ dataDir: '' });

const settingsOf = (given: object = {}) =>
  zookeeper.config.parse({
    servers: ['127.0.0.1:2181'],
    chroot: '/mesh',
    dubbo: {},
    motan: {},
    curator: [{ root: '/curator', hostname: '{name}.curator' }],
    ...given,
  });

const entry = (fields: Partial<RegistryEntry> = {}): RegistryEntry => ({
  id: 'vm-1',
  address: '10.0.0.7',
  ports: [{ name: 'dubbo', protocol: 'tcp', port: 20_882 }],
  labels: {},
  weight: 1,
  locality: '',
  registeredAtMs: 1_700_000_000_000,
  ...fields,
});

function nodesAt(host: string, fields: Partial<RegistryEntry> = {}, given: object = {}): readonly WrittenNode[] {
  const place = placeInTrees({ namespace: 'default', hostname: hostname(host) }, settingsOf(given));
  const nodes = place.ok ? place.value(entry(fields)) : place;
  if (!nodes.ok) throw new Error(nodes.error);
  return nodes.value;
}

/** Returns what the adapter reads of nodes. */
function readBack(nodes: readonly WrittenNode[], given: object = {}) {
  const addresses = { use: () => {}, of: () => [] };
  const problems: string[] = [];
  const report = (_: string, message: string | null) => message !== null && problems.push(message);
  const governance = createGovernance({ report });
  const catalog = createCatalog({ namespace: 'default', holdMs: 0, addresses, governance });
  const context = { catalog, governance, chroot: '/mesh', report };
  const trees = layoutsOf(settingsOf(given), context).flatMap((layout) => layout.trees);
  for (const { path, data } of nodes) {
    for (const { root, interestIn, apply } of trees) {
      if (!path.startsWith(`${root}/`)) continue;
      const names = path.slice(root.length + 1).split('/');
      const isRead = names.every((_, index) => interestIn(names.slice(0, index + 1)) !== null);
      if (isRead) apply({ type: 'put', names, data });
    }
  }
  catalog.takeChanges(0);
  const { endpoints } = catalog.contents();
  return { problems, sets: Object.fromEntries(endpoints.map((set) => [String(set.hostname), set.endpoints])) };
}

describe('a written instance', () => {
  it("of a service of Dubbo has the form of Dubbo's own", () => {
    const labels = { application: 'greeter', methods: 'add,hello', side: 'consumer' };
    const [node] = nodesAt('demo._greet_service.g-g1.v-1.0.0.dubbo', { labels });
    const [, root, , iface, category, url = ''] = node?.path.split('/') ?? [];
    expect([root, iface, category]).toEqual(['mesh', 'demo.GreetService', 'providers']);
    expect(decodeURIComponent(url)).toBe(
      'dubbo://10.0.0.7:20882/demo.GreetService?application=greeter&deprecated=false&dubbo=2.0.2&dynamic=true' +
        '&generic=false&group=g1&interface=demo.GreetService&methods=add,hello&release=3.3.5&side=provider' +
        '&timestamp=1700000000000&version=1.0.0',
    );
    expect(node?.data.toString()).toBe('10.0.0.7');
  });

  it("of an application of Dubbo has the form of Dubbo's own, with the ports of the sidecar", () => {
    const labels = { 'dubbo.endpoints': '[{"port":20880,"protocol":"dubbo"}]', 'dubbo.metadata.revision': 'abc' };
    const [node] = nodesAt('demo-app.dubbo-app', { labels });
    expect(node?.path).toBe('/mesh/services/demo-app/10.0.0.7:20882');
    expect(JSON.parse(node?.data.toString() ?? '')).toEqual({
      ...{ name: 'demo-app', id: '10.0.0.7:20882', address: '10.0.0.7', port: 20_882, sslPort: null },
      payload: {
        '@class': 'org.apache.dubbo.registry.zookeeper.ZookeeperInstance',
        id: '10.0.0.7:20882',
        name: 'demo-app',
        metadata: {
          'dubbo.endpoints': '[{"port":20882,"protocol":"dubbo"}]',
          'dubbo.metadata.revision': 'abc',
          'dubbo.metadata.storage-type': 'local',
          'meta-v': '1.0.0',
          timestamp: '1700000000000',
        },
      },
      ...{ registrationTimeUTC: 1_700_000_000_000, serviceType: 'DYNAMIC', uriSpec: null },
    });
  });

  for (const { encoding, prefix } of [
    { encoding: 'java', prefix: 'aced00057400' },
    { encoding: 'utf8', prefix: Buffer.from('motan://').toString('hex') },
  ]) {
    it(`of Motan has the form of Motan's own, encoded as ${encoding}`, () => {
      const ports = [{ name: 'motan', protocol: 'tcp', port: 8_004 }] as const;
      const [node] = nodesAt('demo._greet_service.g-rpc.motan', { ports }, { motan: { encoding } });
      expect(node?.path).toBe('/mesh/motan/rpc/demo.GreetService/server/10.0.0.7:8004');
      expect(node?.data.toString('hex').startsWith(prefix)).toBe(true);
      expect(node?.data.toString()).toContain(
        'motan://10.0.0.7:8004/demo.GreetService?version=1.0&shareChannel=true&id=motan&group=rpc&nodeType=service' +
          '&protocol=motan&export=motan:8004&refreshTimestamp=1700000000000&',
      );
    });
  }

  it('of Curator has an id and metadata', () => {
    const ports = [
      { name: 'secure', protocol: 'https', port: 8_443 },
      { name: 'web', protocol: 'http', port: 8_080 },
    ] as const;
    const [node] = nodesAt('orders.curator', { ports, labels: { version: 'v1' } });
    expect(node?.path).toBe('/mesh/curator/orders/vm-1');
    expect(JSON.parse(node?.data.toString() ?? '')).toMatchObject({
      ...{ name: 'orders', id: 'vm-1', address: '10.0.0.7', port: 8_080, sslPort: 8_443 },
      payload: { metadata: { version: 'v1' } },
    });
  });

  const tri = { ports: [{ name: 'grpc-api', protocol: 'grpc', port: 50_051 }] } as const;
  const motan = { ports: [{ name: 'motan2', protocol: 'tcp', port: 8_004 }] } as const;
  const http = { ports: [{ name: 'web', protocol: 'http', port: 8_080 }] } as const;
  const odd = { app: 'a&b=c', note: 'x y+z', zone: 'label' };
  for (const { name, host, fields, given = {}, ports, weight } of [
    { name: 'of Dubbo', host: 'demo._greet.g-g1.v-1.0.0.dubbo', fields: {}, ports: { dubbo: 20_882 }, weight: 100 },
    { name: 'without group', host: 'demo._greet.dubbo', fields: { weight: 3 }, ports: { dubbo: 20_882 }, weight: 300 },
    {
      name: 'with a large weight',
      host: 'demo._greet.dubbo',
      fields: { weight: 10_000 },
      ports: { dubbo: 20_882 },
      weight: 100_000,
    },
    {
      name: 'at an IPv6 address',
      host: 'demo._greet.dubbo',
      fields: { address: 'fd00::7' },
      ports: { dubbo: 20_882 },
      weight: 100,
    },
    { name: 'of another protocol', host: 'demo._greet.dubbo', fields: tri, ports: { grpc: 50_051 }, weight: 100 },
    {
      name: 'with a name of its own',
      host: 'greet.example',
      fields: {},
      given: { dubbo: { names: { 'g1/demo.Greet:1.0.0': 'greet.example' } } },
      ports: { dubbo: 20_882 },
      weight: 100,
    },
    {
      name: 'of an application',
      host: '_app__1.dubbo-app',
      fields: { weight: 2 },
      ports: { dubbo: 20_882 },
      weight: 200,
    },
    { name: 'of Motan', host: 'demo._greet.g-rpc.motan', fields: motan, ports: { motan2: 8_004 }, weight: 100 },
    { name: 'of Curator', host: 'orders.curator', fields: http, ports: { http: 8_080 }, weight: 1 },
  ]) {
    it(`${name} is read back under its hostname, with what it registered`, () => {
      const written = { labels: { ...odd, zone: undefined }, locality: 'eu/eu-1', ...fields };
      const labels = Object.fromEntries(Object.entries(written.labels).filter(([, value]) => value !== undefined));
      const { problems, sets } = readBack(
        nodesAt(host, { ...written, labels: labels as Record<string, string> }, given),
        given,
      );
      expect(problems.filter((message) => !message.startsWith('its metadata are local'))).toEqual([]);
      const locality = host.endsWith('.curator') ? '' : 'eu/eu-1';
      const { address = '10.0.0.7' } = fields as { address?: string };
      expect(sets[host]).toMatchObject([{ address, ports, weight, locality, labels: { app: 'a&b=c', note: 'x y+z' } }]);
    });
  }
});

for (const { name, host, namespace = 'default', fields = {}, given = {}, want } of [
  { name: 'another namespace', host: 'demo._greet.dubbo', namespace: 'shop', want: /belong to the namespace default/ },
  { name: 'a hostname of no template', host: 'orders.example', want: /no service of this registry/ },
  {
    name: 'a layout that is not configured',
    host: 'demo._greet.g-rpc.motan',
    given: { motan: undefined },
    want: /no service/,
  },
  {
    name: 'an unknown protocol',
    host: 'demo._greet.dubbo',
    fields: { ports: [{ name: 'x', protocol: 'tcp', port: 1 }] } as const,
    want: /the port 'x' has no protocol/,
  },
  {
    name: 'a label that readers of URLs would decode',
    host: 'demo._greet.dubbo',
    fields: { labels: { rate: '5%25' } },
    want: /the label 'rate' has a percent sign/,
  },
  {
    name: 'labels that are too long',
    host: 'demo._greet.dubbo',
    fields: { labels: { long: 'x'.repeat(70_000) } },
    want: /longer than 65536/,
  },
]) {
  it(`an instance with ${name} is impossible`, () => {
    const { registryWriter } = zookeeper.create(settingsOf({ acceptsRegistrations: true, ...given }), context);
    expect(registryWriter?.refusalOf({ namespace, hostname: hostname(host) }, entry(fields))).toMatch(want);
  });
}

it('an adapter takes no registrations unless it is configured to', () => {
  expect(zookeeper.create(settingsOf(), context).registryWriter).toBeUndefined();
});
