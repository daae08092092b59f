import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../support/property-runs.ts';
import { reading } from '../../../support/zookeeper/reading.ts';

const below = (folder: string, url: string) => `/dubbo/demo.Greet/${folder}/${encodeURIComponent(url)}`;
const provider = (host: string, query = '') =>
  below('providers', `dubbo://${host}:20880/demo.Greet?interface=demo.Greet&application=greeter&${query}`);
const override = (query: string, host = '0.0.0.0') => below('configurators', `override://${host}/demo.Greet?${query}`);
const document = (name: string) => `/dubbo/config/dubbo/${name}`;

const disabled = 'configs: [{side: provider, addresses: ["10.0.0.2:20880"], parameters: {disabled: true}}]';

describe("rules of Dubbo's nodes", () => {
  it('take an endpoint away and give it back', () => {
    const tree = reading({ dubbo: {} });
    tree.put(provider('10.0.0.1'));
    tree.put(provider('10.0.0.2'));
    tree.put(override('disabled=true', '10.0.0.2:20880'));
    expect(tree.world()).toEqual(['demo._greet.dubbo: 10.0.0.1 {"dubbo":20880} (10.0.0.2 {"dubbo":20880})']);
    tree.remove(override('disabled=true', '10.0.0.2:20880'));
    expect(tree.world()).toEqual(['demo._greet.dubbo: 10.0.0.1 {"dubbo":20880} 10.0.0.2 {"dubbo":20880}']);
  });

  it('concern only the version and group that they name', () => {
    const tree = reading({ dubbo: {} });
    for (const identity of ['', 'version=1', 'version=2', 'group=g&version=1'])
      tree.put(provider('10.0.0.1', identity));
    tree.put(override('weight=0&version=1'));
    expect(tree.world().filter((text) => text.includes('('))).toEqual([
      'demo._greet.v-1.dubbo: (10.0.0.1 {"dubbo":20880})',
    ]);
  });

  it('that are wrong are named until they go, and the others apply', () => {
    const tree = reading({ dubbo: {} });
    tree.put(provider('10.0.0.1'));
    tree.put(override('weight=0'));
    const wrong = `/dubbo/demo.Greet/configurators/${encodeURIComponent('override://0.0.0.0/demo.Greet?weight=%zz')}`;
    const script = below('routers', 'script://0.0.0.0/demo.Greet?rule=x');
    tree.put(wrong);
    tree.put(script);
    expect(tree.world()).toEqual(['demo._greet.dubbo: (10.0.0.1 {"dubbo":20880})']);
    expect(tree.problems).toEqual(
      new Map([
        [wrong, expect.stringContaining('not properly percent-encoded')],
        [script, 'rules of the kind script are not supported'],
      ]),
    );
    tree.remove(wrong);
    tree.remove(script);
    tree.world();
    expect(tree.problems).toEqual(new Map());
  });

  it('that one service cannot express are named while it is there', () => {
    const tree = reading({ dubbo: {} });
    const node = override('loadbalance=random');
    tree.put(node);
    tree.put(provider('10.0.0.1'));
    tree.world();
    expect(tree.problems).toEqual(new Map([[node, 'the parameter loadbalance is not supported']]));
    tree.remove(provider('10.0.0.1'));
    tree.remove('/dubbo/demo.Greet');
    tree.world();
    expect(tree.problems).toEqual(new Map());
  });

  it('become rules of the mesh that go with the service', () => {
    const tree = reading({ dubbo: {} });
    tree.put('/dubbo/demo.Greet');
    tree.put(provider('10.0.0.1', 'dubbo.tag=gray'));
    tree.put(provider('10.0.0.2'));
    expect(tree.objects().map(({ kind, origin }) => [kind, origin])).toEqual([
      ['VirtualService', 'dubbo.tag of instances of demo._greet.dubbo'],
      ['DestinationRule', 'dubbo.tag of instances of demo._greet.dubbo'],
    ]);
    tree.remove(provider('10.0.0.1', 'dubbo.tag=gray'));
    expect(tree.take().map(({ type }) => type)).toEqual(['endpoints', 'object-removed', 'object-removed']);
    expect(tree.objects()).toEqual([]);
  });
});

describe('rules of the configuration centre', () => {
  it('apply, change and go', () => {
    const tree = reading({ dubbo: {} });
    tree.put(provider('10.0.0.1'));
    tree.put(provider('10.0.0.2'));
    tree.put(document('demo.Greet::.configurators'), disabled);
    expect(tree.world()).toEqual(['demo._greet.dubbo: 10.0.0.1 {"dubbo":20880} (10.0.0.2 {"dubbo":20880})']);
    tree.put(document('demo.Greet::.configurators'), disabled.replace('10.0.0.2', '10.0.0.1'));
    expect(tree.world()).toEqual(['demo._greet.dubbo: (10.0.0.1 {"dubbo":20880}) 10.0.0.2 {"dubbo":20880}']);
    tree.remove(document('demo.Greet::.configurators'));
    expect(tree.world()).toEqual(['demo._greet.dubbo: 10.0.0.1 {"dubbo":20880} 10.0.0.2 {"dubbo":20880}']);
  });

  it('name documents that are not understood, and leave other documents alone', () => {
    const tree = reading({ dubbo: {} });
    tree.put(document('greeter.tag-router'), 'tags: 3');
    tree.put(document('greeter.MESHAPPRULE'), 'x');
    tree.put(document('dubbo.properties'), '= no yaml {');
    expect([...tree.problems].map(([origin]) => origin)).toEqual([
      document('greeter.tag-router'),
      document('greeter.MESHAPPRULE'),
    ]);
  });

  it('apply to instances of applications', () => {
    const tree = reading({ dubbo: {} });
    const metadata = {
      'dubbo.metadata.revision': '0123456789abcdef0123456789abcdef',
      'dubbo.metadata.storage-type': 'remote',
      'dubbo.endpoints': '[{"port":20880,"protocol":"dubbo"}]',
    };
    tree.put(
      '/services/greeter/10.0.0.2:20880',
      JSON.stringify({ name: 'greeter', address: '10.0.0.2', port: 20880, payload: { metadata } }),
    );
    const services = { s: { name: 'demo.Greet', protocol: 'dubbo', port: 20880 } };
    tree.put(`/dubbo/metadata/greeter/${metadata['dubbo.metadata.revision']}`, JSON.stringify({ services }));
    tree.put(document('greeter.configurators'), `scope: application\n${disabled}`);
    expect(tree.world()).toContain('demo._greet.dubbo: (10.0.0.2 {"dubbo":20880})');
  });
});

const nodes: readonly { readonly path: string; readonly data: readonly string[] }[] = [
  ...['10.0.0.1', '10.0.0.2'].flatMap((host) =>
    ['', 'dubbo.tag=gray', 'version=1'].map((query) => ({ path: provider(host, query), data: [''] })),
  ),
  ...['weight=7', 'disabled=true&version=1', 'timeout=5', 'retries=1'].map((query) => ({
    path: override(query),
    data: [''],
  })),
  { path: below('routers', 'condition://0.0.0.0/demo.Greet?rule=%3D%3Ehost%3D10.0.0.1'), data: [''] },
  { path: document('demo.Greet::.configurators'), data: [disabled, 'configs: 3'] },
  {
    path: document('greeter.tag-router'),
    data: ['tags: [{name: blue, addresses: [10.0.0.1]}]', 'tags: [{name: gray, addresses: [10.0.0.2]}]', '{'],
  },
  {
    path: document('demo.Greet::.condition-router'),
    data: ['conditions: ["method=a => host=10.0.0.2"]', 'conditions: [""]'],
  },
];

it('rules and providers mean the same in whatever order they are written', () => {
  const change = fc.nat(nodes.length - 1).chain((index) =>
    fc.record({
      index: fc.constant(index),
      data: fc.option(fc.nat((nodes[index]?.data.length ?? 1) - 1)),
      isSeen: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const tree = reading({ dubbo: {} });
      const current = new Map<string, string>();
      tree.put('/dubbo/demo.Greet');
      for (const { index, data, isSeen } of changes) {
        const { path = '', data: texts = [] } = nodes[index] ?? {};
        if (data === null) {
          tree.remove(path);
          current.delete(path);
        } else {
          tree.put(path, texts[data] ?? '');
          current.set(path, texts[data] ?? '');
        }
        if (isSeen) tree.take();
      }
      const fresh = reading({ dubbo: {} });
      fresh.put('/dubbo/demo.Greet');
      for (const [path, data] of [...current].reverse()) fresh.put(path, data);
      const seen = tree.contents();
      const expected = fresh.contents();
      // A service stays while its interface does, without endpoints; so do its ports.
      const known = expected.endpoints;
      expect({
        ...seen,
        services: null,
        endpoints: seen.endpoints.filter((set) => known.includes(set) || !set.includes('"endpoints":[]')),
      }).toEqual({
        ...expected,
        services: null,
      });
    }),
    { numRuns: runs(200) },
  );
});
