import { describe, expect, it } from 'vitest';
import { zookeeper } from '../../../../adapters/zookeeper/index.ts';
import { nodeText } from '../../../../adapters/zookeeper/layouts/motan.ts';
import { reading } from '../../../support/zookeeper/reading.ts';

const node = (url: string) => `/dubbo/demo.Greet/providers/${encodeURIComponent(url)}`;
const provider = (query = '', host = '10.0.0.1', protocol = 'dubbo') =>
  node(`${protocol}://${host}:20880/demo.Greet?interface=demo.Greet${query === '' ? '' : `&${query}`}`);

describe("Dubbo's interfaces", () => {
  it('become services by interface, group and version, which are never crossed', () => {
    const tree = reading({ dubbo: {} });
    tree.put(provider());
    tree.put(provider('version=A', '10.0.0.2'));
    tree.put(provider('group=A', '10.0.0.3'));
    tree.put(provider('group=A&version=1.0', '[2001:db8::1]'));
    expect(tree.world()).toEqual([
      'demo._greet.dubbo: 10.0.0.1 {"dubbo":20880}',
      'demo._greet.v-_a.dubbo: 10.0.0.2 {"dubbo":20880}',
      'demo._greet.g-_a.dubbo: 10.0.0.3 {"dubbo":20880}',
      'demo._greet.g-_a.v-1.0.dubbo: 2001:db8::1 {"dubbo":20880}',
    ]);
  });

  it('have a port for each protocol, which is not that of an instance and stays when the instance goes', () => {
    const tree = reading({ dubbo: { ports: { rest: 80 } } });
    tree.put(provider('', '10.0.0.1', 'rest'));
    tree.put(provider('', '10.0.0.1', 'tri'));
    tree.put(provider('', '10.0.0.1', 'dubbo'));
    const ports = [
      { name: 'rest', number: 80, protocol: 'http' },
      { name: 'dubbo', number: 20_880, protocol: 'tcp' },
      { name: 'tri', number: 50_051, protocol: 'grpc' },
    ];
    expect(tree.services()[0]?.ports).toEqual(ports);
    tree.remove(provider('', '10.0.0.1', 'rest'));
    expect(tree.services()[0]?.ports).toEqual(ports);
  });

  it('list disabled instances and those of weight 0 without calling them', () => {
    const tree = reading({ dubbo: {} });
    tree.put(provider('disabled=true'));
    tree.put(provider('weight=0', '10.0.0.2'));
    expect(tree.world()).toEqual(['demo._greet.dubbo: (10.0.0.1 {"dubbo":20880}) (10.0.0.2 {"dubbo":20880})']);
  });

  it('at a host name have the addresses of that name, and those at IP addresses stay', () => {
    const tree = reading({ dubbo: {} });
    tree.put(provider());
    tree.put(provider('', 'host.example'));
    expect(tree.world()).toEqual(['demo._greet.dubbo: 10.0.0.1 {"dubbo":20880}']);
    tree.resolve('host.example', '10.0.0.8', '10.0.0.9');
    const all = ['10.0.0.1', '10.0.0.8', '10.0.0.9'].map((address) => `${address} {"dubbo":20880}`).join(' ');
    expect(tree.world()).toEqual([`demo._greet.dubbo: ${all}`]);
    tree.resolve('host.example', '10.0.0.9');
    expect(tree.world()).toEqual(['demo._greet.dubbo: 10.0.0.1 {"dubbo":20880} 10.0.0.9 {"dubbo":20880}']);
    expect(tree.problems.size).toBe(0);
  });

  it('keep their endpoints when the new ones are at a host name that has no addresses yet', () => {
    const tree = reading({ dubbo: {} }, 10_000);
    tree.put(provider());
    tree.take();
    tree.put(provider('', 'host.example'));
    tree.remove(provider());
    expect(tree.take()).toEqual([]);
    tree.resolve('host.example', '10.0.0.9');
    expect(tree.world()).toEqual(['demo._greet.dubbo: 10.0.0.9 {"dubbo":20880}']);
  });

  it('have an origin: the folder, the registered address, and the own port if the sidecar is called', () => {
    const tree = reading({ dubbo: {} });
    tree.put(provider('timestamp=1'));
    tree.put(provider('mesh.binnacle.dev%2Fsidecar-port=20882', '[2001:db8::1]'));
    expect(tree.world()).toEqual(['demo._greet.dubbo: 10.0.0.1 {"dubbo":20880} 2001:db8::1 {"dubbo":20882}']);
    const place = '/dubbo/demo.Greet/providers';
    expect(tree.origins()).toEqual([
      { place, instance: '10.0.0.1:20880' },
      { place, instance: '[2001:db8::1]:20880', ownPort: 20_880 },
    ]);
  });

  it('leave wrong entries out, and name them until they are gone', () => {
    const tree = reading({ dubbo: {} });
    tree.put(provider());
    const wrong = {
      'dubbo%3A%2F%2F10.0.0.1%zz': 'is not properly percent-encoded',
      'dubbo%3A%2F%2F10.0.0.1%3A70000%2Fdemo.Greet': "its port '70000' is no number from 0 to 65535",
      'morse%3A%2F%2F10.0.0.1%3A1%2Fdemo.Greet': "its protocol 'morse' is unknown",
    };
    for (const name of Object.keys(wrong)) tree.put(`/dubbo/demo.Greet/providers/${name}`);
    tree.put(provider(`x=${'x'.repeat(1_000_000)}`));
    tree.put(node('empty://10.0.0.1/demo.Greet?category=providers'));
    expect(tree.world()).toEqual(['demo._greet.dubbo: 10.0.0.1 {"dubbo":20880}']);
    expect([...tree.problems.values()]).toEqual([...Object.values(wrong), 'is longer than 65536 characters']);
    expect([...tree.problems.keys()].every((origin) => origin.startsWith('/dubbo/demo.Greet/providers/'))).toBe(true);
    for (const name of Object.keys(wrong)) tree.remove(`/dubbo/demo.Greet/providers/${name}`);
    expect(tree.problems.size).toBe(1);
  });

  it('take consumers, routers and metadata for no services', () => {
    const tree = reading({ dubbo: {} });
    tree.put(`/dubbo/demo.Greet/consumers/${encodeURIComponent('consumer://10.0.0.1/demo.Greet')}`);
    tree.put('/dubbo/metadata/demo.Greet');
    tree.put('/dubbo/config/dubbo');
    expect(tree.world()).toEqual([]);
    expect(tree.problems.size).toBe(0);
  });

  it('never lack their last endpoint while its provider makes its node anew', () => {
    const tree = reading({ dubbo: {} }, 5_000);
    tree.put(provider('weight=100'));
    expect(tree.take(0)).toHaveLength(2);
    tree.remove(provider('weight=100'));
    expect(tree.take(1_000)).toEqual([]);
    expect(tree.nextAtMs()).toBe(6_000);
    tree.put(provider('weight=200'));
    expect(tree.take(2_000)).toMatchObject([{ type: 'endpoints', set: { endpoints: [{ weight: 200 }] } }]);
    expect(tree.nextAtMs()).toBeNull();
  });

  it('lose their last endpoint once it is gone for long, and go with their interface', () => {
    const tree = reading({ dubbo: {} }, 5_000);
    tree.put(provider());
    tree.take(0);
    tree.remove(provider());
    expect(tree.take(1_000)).toEqual([]);
    expect(tree.take(6_000)).toMatchObject([{ type: 'endpoints', set: { endpoints: [] } }]);
    tree.remove('/dubbo/demo.Greet');
    expect(tree.take(7_000)).toEqual([
      { type: 'service-removed', namespace: 'default', hostname: 'demo._greet.dubbo' },
    ]);
  });

  it('have the name that the configuration gives them', () => {
    const tree = reading({ dubbo: { names: { 'A/demo.Greet:1.0': 'greet.shop.example' } } });
    tree.put(provider('group=A&version=1.0'));
    expect(tree.services()).toMatchObject([
      {
        hostname: 'greet.shop.example',
        aliases: ['demo._greet.g-_a.v-1.0.dubbo'],
        labels: { group: 'A', version: '1.0' },
      },
    ]);
  });
});

const instance = (app: string, metadata: Readonly<Record<string, string>>, address = '10.0.0.1') =>
  JSON.stringify({
    name: app,
    id: `${address}:20880`,
    address,
    port: 20880,
    sslPort: null,
    payload: { '@class': 'org.apache.dubbo.registry.zookeeper.ZookeeperInstance', id: 'x', name: app, metadata },
    registrationTimeUTC: 1795252709899,
    serviceType: 'DYNAMIC',
    uriSpec: null,
  });
const revision = (hash: string, storage: 'remote' | 'local') => ({
  'dubbo.endpoints': '[{"port":20880,"protocol":"dubbo"},{"port":50051,"protocol":"tri"}]',
  'dubbo.metadata.revision': hash,
  'dubbo.metadata.storage-type': storage,
  'meta-v': '2.0.0',
  timestamp: '1',
});
const [first, second] = ['a'.repeat(32), 'b'.repeat(32)];
const document = (...services: readonly string[]) =>
  JSON.stringify({
    app: 'shop',
    services: Object.fromEntries(
      services.map((name) => [
        name,
        { name, group: 'g1', version: '1.0', protocol: 'tri', port: 50051, path: name, params: { weight: '50' } },
      ]),
    ),
  });

describe("Dubbo's applications", () => {
  it('serve what the metadata of their revision say', () => {
    const tree = reading({ dubbo: {} });
    tree.put('/services/shop/10.0.0.1:20880', instance('shop', revision(first, 'remote')));
    tree.put(`/dubbo/metadata/shop/${first}`, document('demo.Greet'));
    expect(tree.world()).toEqual([
      'shop.dubbo-app: 10.0.0.1 {"dubbo":20880} 10.0.0.1 {"tri":50051}',
      'demo._greet.g-g1.v-1.0.dubbo: 10.0.0.1 {"tri":50051}',
    ]);
    expect(tree.problems.size).toBe(0);
  });

  it('keep the services of an earlier revision until the metadata of the new one come', () => {
    const tree = reading({ dubbo: {} });
    tree.put(`/dubbo/metadata/shop/${first}`, document('demo.Greet'));
    tree.put('/services/shop/10.0.0.1:20880', instance('shop', revision(first, 'remote')));
    tree.world();
    tree.put('/services/shop/10.0.0.1:20880', instance('shop', revision(second, 'remote')));
    expect(tree.world()).toContain('demo._greet.g-g1.v-1.0.dubbo: 10.0.0.1 {"tri":50051}');
    expect([...tree.problems.values()]).toEqual([
      `the metadata of its revision ${second} are not there: those of an earlier revision are used`,
    ]);
    tree.put(`/dubbo/metadata/shop/${second}`, document('demo.Greet', 'demo.Other'));
    expect(tree.world()).toContain('demo._other.g-g1.v-1.0.dubbo: 10.0.0.1 {"tri":50051}');
    expect(tree.problems.size).toBe(0);
  });

  it('with local metadata serve what the definitions of services say, at all their protocols', () => {
    const tree = reading({ dubbo: {} });
    tree.put('/dubbo/metadata/demo.Greet/1.0.0/g1/provider/shop', '{}');
    tree.put('/dubbo/metadata/demo.Other/g2/provider/shop', '{"parameters":{"group":"g2"}}');
    tree.put('/dubbo/metadata/demo.Plain/2.0/provider/shop', '{"parameters":{"version":"2.0"}}');
    tree.put('/services/shop/10.0.0.1:20880', instance('shop', revision(first, 'local')));
    const both = '10.0.0.1 {"dubbo":20880} 10.0.0.1 {"tri":50051}';
    expect(tree.world()).toEqual([
      `shop.dubbo-app: ${both}`,
      `demo._greet.g-g1.v-1.0.0.dubbo: ${both}`,
      `demo._other.g-g2.dubbo: ${both}`,
      `demo._plain.v-2.0.dubbo: ${both}`,
    ]);
  });

  it('with local metadata that nobody has keep the host of the application, and are reported', () => {
    const tree = reading({ dubbo: {} });
    tree.put('/services/shop/10.0.0.1:20880', instance('shop', revision(first, 'local')));
    expect(tree.world()).toEqual(['shop.dubbo-app: 10.0.0.1 {"dubbo":20880} 10.0.0.1 {"tri":50051}']);
    expect([...tree.problems]).toEqual([
      ['/services/shop/10.0.0.1:20880', expect.stringContaining('only the application has a host')],
    ]);
  });

  it('and interfaces that say the same make one endpoint', () => {
    const tree = reading({ dubbo: {} });
    tree.put(provider('group=g1&version=1.0', '10.0.0.1', 'dubbo'));
    tree.put('/dubbo/metadata/demo.Greet/1.0/g1/provider/shop', '{}');
    const single = { ...revision(first, 'local'), 'dubbo.endpoints': '[{"port":20880,"protocol":"dubbo"}]' };
    tree.put('/services/shop/10.0.0.1:20880', instance('shop', single));
    expect(tree.world()).toContain('demo._greet.g-g1.v-1.0.dubbo: 10.0.0.1 {"dubbo":20880}');
  });

  it('of consumers and other frameworks are passed over without noise', () => {
    const tree = reading({ dubbo: {} });
    tree.put('/services/other/i-1', instance('other', {}));
    tree.put('/services/caller/i-1', instance('caller', { 'dubbo.metadata.revision': '0' }));
    expect(tree.world()).toEqual(['caller.dubbo-app: 10.0.0.1 {"dubbo":20880}']);
    expect(tree.problems.size).toBe(0);
  });
});

describe('Motan', () => {
  const url = 'motan://10.9.8.7:8002/demo.GreetService?protocol=motan&export=motan%3A8002&version=1.0&group=greeters&';
  const java = Buffer.concat([Buffer.from([0xac, 0xed, 0, 5, 0x74, 0, url.length]), Buffer.from(url)]);

  it('reads Java strings and UTF-8', () => {
    expect(nodeText(java)).toBe(url);
    expect(nodeText(Buffer.from(url))).toBe(url);
  });

  it('calls only what is below server, by group and interface', () => {
    const tree = reading({ motan: {} });
    tree.put('/motan/greeters/demo.GreetService/unavailableServer/10.9.8.7:8002', java);
    tree.put('/motan/greeters/command', java);
    expect(tree.world()).toEqual([]);
    tree.put('/motan/greeters/demo.GreetService/server/10.9.8.7:8002', java);
    expect(tree.world()).toEqual(['demo._greet_service.g-greeters.motan: 10.9.8.7 {"motan":8002}']);
    tree.put(
      '/motan/greeters/demo.GreetService/server/10.9.8.8:8002',
      url.replace('motan:', 'motan2:').replace('8.7', '8.8'),
    );
    expect(tree.services()[0]?.ports).toMatchObject([
      { name: 'motan', number: 8_002 },
      { name: 'motan2', number: 8_003 },
    ]);
  });

  it('moves an instance that becomes available in one change', () => {
    const tree = reading({ motan: {} });
    const text = 'motan://10.0.0.1:8002/demo.Greet?group=g';
    tree.put('/motan/g/demo.Greet/unavailableServer/10.0.0.1:8002', text);
    tree.take();
    tree.remove('/motan/g/demo.Greet/unavailableServer/10.0.0.1:8002');
    tree.put('/motan/g/demo.Greet/server/10.0.0.1:8002', text);
    expect(tree.take().map(({ type }) => type)).toEqual(['service', 'endpoints']);
    expect(tree.world()).toEqual(['demo._greet.g-g.motan: 10.0.0.1 {"motan":8002}']);
  });

  it('leaves out what is no URL', () => {
    const tree = reading({ motan: {} });
    tree.put('/motan/greeters/demo.GreetService/server/10.9.8.7:8002', 'hello');
    expect([...tree.problems]).toEqual([
      ['/motan/greeters/demo.GreetService/server/10.9.8.7:8002', 'is not a URL: it has no protocol'],
    ]);
  });
});

describe("Curator's service discovery", () => {
  it('becomes services by name, with a port for TLS where instances have one', () => {
    const tree = reading({ curator: [{ root: '/curator' }] });
    tree.put(
      '/curator/plain/i-1',
      '{"name":"plain","id":"i-1","address":"10.0.0.5","port":8080,"sslPort":null,"payload":null}',
    );
    tree.put(
      '/curator/paid/i-2',
      '{"name":"paid","id":"i-2","address":"10.0.0.6","port":8080,"sslPort":8443,"payload":{"metadata":{"version":"v1"}}}',
    );
    tree.put(
      '/curator/paid/i-3',
      '{"name":"paid","id":"i-3","address":"10.0.0.7","port":8080,"enabled":false,"payload":{}}',
    );
    expect(tree.world()).toEqual([
      'plain.curator: 10.0.0.5 {"http":8080}',
      'paid.curator: 10.0.0.6 {"http":8080,"https":8443} (10.0.0.7 {"http":8080})',
    ]);
  });

  it('are told apart by their whole path, however long it is', () => {
    const tree = reading({ curator: [{ root: '/curator' }] });
    const [one, two] = ['1', '2'].map((end) => `/curator/plain/${'i'.repeat(400)}${end}`);
    tree.put(one ?? '', '{"name":"plain","address":"10.0.0.1","port":8080}');
    tree.put(two ?? '', '{"name":"plain","address":"10.0.0.2","port":8080}');
    expect(tree.world()).toEqual(['plain.curator: 10.0.0.1 {"http":8080} 10.0.0.2 {"http":8080}']);
  });

  it('gives single services a name of their own', () => {
    const tree = reading({ curator: [{ root: '/c', names: { orders: 'orders.shop' } }] });
    tree.put('/c/orders/1', JSON.stringify({ name: 'orders', address: '10.0.0.1', port: 8080 }));
    expect(tree.services()).toMatchObject([{ hostname: 'orders.shop', aliases: ['orders.curator'] }]);
  });

  it('takes instances without a payload', () => {
    const tree = reading({ curator: [{ root: '/curator' }] });
    tree.put('/curator/plain/i-1', '{"name":"plain","address":"10.0.0.5","port":8080}');
    expect(tree.world()).toEqual(['plain.curator: 10.0.0.5 {"http":8080}']);
  });

  it('leaves out what is no instance', () => {
    const tree = reading({ curator: [{ root: '/curator' }] });
    for (const [id, data] of Object.entries({ a: 'x', b: '{}', c: '{"name":"n","address":"10.0.0.1","port":70000}' }))
      tree.put(`/curator/n/${id}`, data);
    expect(tree.world()).toEqual([]);
    expect([...tree.problems.keys()]).toEqual(['/curator/n/a', '/curator/n/b', '/curator/n/c']);
  });
});

describe('the configuration', () => {
  const messages = (settings: object) =>
    zookeeper.config
      .safeParse({ servers: ['127.0.0.1:2181'], ...settings })
      .error?.issues.map(({ message }) => message);

  it('says what is wrong', () => {
    expect(messages({})).toEqual(['needs one of dubbo, motan and curator: what there is to read']);
    expect(messages({ dubbo: { hostname: '{interface}.dubbo' } })).toEqual([
      'must have the form [text]{interface}.{group}.{version}[text]',
    ]);
    expect(messages({ dubbo: {}, username: 'a' })).toEqual(['must come with username']);
    expect(messages({ dubbo: { ports: { morse: 1 } } })).toHaveLength(1);
    expect(messages({ dubbo: {}, servers: ['nowhere'] })).toEqual(['must be host:port, such as 10.0.0.1:2181']);
    expect(messages({ dubbo: {} })).toBeUndefined();
  });
});
