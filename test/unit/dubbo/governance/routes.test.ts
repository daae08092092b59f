import { describe, expect, it } from 'vitest';
import { destinationRuleSpec } from '../../../../src/rules/kinds/destination-rule/schema.ts';
import { virtualServiceSpec } from '../../../../src/rules/kinds/virtual-service/schema.ts';
import { documentOf, type GivenRules, governed, greetHost, providerOf } from '../../../support/dubbo/governed.ts';

/** Applies rules, and returns the routes and subsets, checked by the schemas of their kinds. */
function routes(instances: readonly string[], rules: GivenRules, protocols: readonly string[] = ['tri']) {
  const { endpoints, objects, faults } = governed(instances.map(providerOf), rules, protocols);
  const specOf = (kind: string) => objects.find((object) => object.kind === kind)?.spec;
  const service = specOf('VirtualService');
  const destination = specOf('DestinationRule');
  const subsets = destination === undefined ? [] : (destinationRuleSpec.parse(destination).subsets ?? []);
  return {
    faults,
    origins: objects.map(({ origin }) => origin),
    rule: service === undefined ? null : virtualServiceSpec.parse(service),
    /** Returns the addresses of a subset. */
    members: Object.fromEntries(
      subsets.map(({ name, labels = {} }) => [
        name,
        endpoints
          .filter((endpoint) => Object.entries(labels).every(([key, value]) => endpoint.labels[key] === value))
          .map(({ address }) => address),
      ]),
    ),
  };
}

const to = (subset: string | null) => [
  { destination: subset === null ? { host: greetHost } : { host: greetHost, subset } },
];

describe('tags', () => {
  const grayAndPlain = ['10.0.0.1?dubbo.tag=gray', '10.0.0.2'];

  it('that instances have themselves take calls with the tag, and no others', () => {
    const { rule, members } = routes(grayAndPlain, {});
    expect(members).toEqual({ 'dubbo-tag-gray': ['10.0.0.1'], 'dubbo-untagged': ['10.0.0.2'] });
    expect(rule).toEqual({
      hosts: [greetHost],
      http: [
        {
          match: [
            { headers: { 'dubbo.tag': { exact: 'gray' } } },
            { sourceLabels: { 'dubbo.tag': 'gray' }, withoutHeaders: { 'dubbo.tag': {} } },
          ],
          route: to('dubbo-tag-gray'),
        },
        { route: to('dubbo-untagged') },
      ],
    });
  });

  it('of callers decide about connections', () => {
    expect(routes(grayAndPlain, {}, ['dubbo']).rule).toEqual({
      hosts: [greetHost],
      tcp: [
        { match: [{ sourceLabels: { 'dubbo.tag': 'gray' } }], route: to('dubbo-tag-gray') },
        { route: to('dubbo-untagged') },
      ],
    });
  });

  it('of a rule are given by addresses and by parameters', () => {
    const rules = {
      'greeter.tag-router':
        'configVersion: v3.0\nkey: greeter\ntags:\n- {name: gray, addresses: ["10.0.0.1:20880"]}\n- {name: east, match: [{key: region, value: {exact: east}}]}',
    };
    const { members, origins } = routes(['10.0.0.1', '10.0.0.2?region=east', '10.0.0.3'], rules);
    expect(members).toEqual({
      'dubbo-tag-east': ['10.0.0.2'],
      'dubbo-tag-gray': ['10.0.0.1'],
      'dubbo-untagged': ['10.0.0.3'],
    });
    expect(origins).toEqual(['greeter.tag-router', 'greeter.tag-router']);
  });

  const absentTag = 'tags: [{name: gray, addresses: [10.0.0.9]}]';
  it('without an instance fall back to those without a tag', () => {
    const { rule } = routes(['10.0.0.1'], { 'greeter.tag-router': absentTag });
    expect(rule?.http?.map(({ route }) => route)).toEqual([to('dubbo-untagged')]);
  });
  it('without an instance take no calls if the rule forces them', () => {
    const { rule, members } = routes(['10.0.0.1'], { 'greeter.tag-router': `force: true\n${absentTag}` });
    expect(rule?.http?.map(({ route }) => route)).toEqual([to('dubbo-none'), to('dubbo-untagged')]);
    expect(members['dubbo-none']).toEqual([]);
  });

  it('of a rule for another application or a switched-off one do nothing', () => {
    expect(routes(['10.0.0.1'], { 'other.tag-router': absentTag }).rule).toBeNull();
    expect(routes(['10.0.0.1'], { 'greeter.tag-router': `enabled: false\n${absentTag}` }).rule).toBeNull();
  });
});

const conditions = (...texts: readonly string[]) =>
  `scope: service\nforce: false\nconditions:\n${texts.map((text) => `- '${text}'\n`).join('')}`;
const name = 'demo.Greet::.condition-router';

describe('conditions', () => {
  const eastAndWest = ['10.0.0.1?region=east', '10.0.0.2?region=west'];

  it('on methods become paths, and headers for calls of Dubbo', () => {
    const { rule, members } = routes(eastAndWest, { [name]: conditions('method=hello => region=east') });
    expect(rule?.http).toEqual([
      {
        match: [{ uri: { exact: '/demo.Greet/hello' } }, { headers: { method: { exact: 'hello' } } }],
        route: [{ destination: { host: greetHost, subset: expect.any(String) } }],
      },
      { route: to(null) },
    ]);
    expect(Object.values(members)).toEqual([['10.0.0.1']]);
  });

  for (const { text, match } of [
    { text: 'attachments[Foo]=bar', match: [{ headers: { foo: { exact: 'bar' } } }] },
    { text: 'attachments[foo]=b*', match: [{ headers: { foo: { prefix: 'b' } } }] },
    { text: 'attachments[foo]=a*c', match: [{ headers: { foo: { regex: 'a.*c' } } }] },
    {
      text: 'attachments[foo]=a,b',
      match: [{ headers: { foo: { exact: 'a' } } }, { headers: { foo: { exact: 'b' } } }],
    },
    {
      text: 'attachments[foo]!=a,b',
      match: [{ headers: { foo: {} }, withoutHeaders: { foo: { regex: 'a|b' } } }],
    },
    { text: 'application=shop', match: [{ sourceLabels: { application: 'shop' } }] },
    {
      text: 'application=shop & attachments[a]=1',
      match: [{ headers: { a: { exact: '1' } }, sourceLabels: { application: 'shop' } }],
    },
    {
      text: 'method!=hello',
      match: [{ withoutHeaders: { method: { exact: 'hello' }, ':path': { exact: '/demo.Greet/hello' } } }],
    },
  ])
    it(`of the form ${text} become matches`, () =>
      expect(routes(eastAndWest, { [name]: conditions(`${text} => region=east`) }).rule?.http?.[0]?.match).toEqual(
        match,
      ));

  for (const { text, want } of [
    { text: 'host=10.0.0.1', want: ['10.0.0.1'] },
    { text: 'host=10.0.0.*', want: ['10.0.0.1', '10.0.0.2'] },
    { text: 'host!=10.0.0.1', want: ['10.0.0.2'] },
    { text: 'address=*:20880 & region=east,north', want: ['10.0.0.1'] },
    { text: 'region!=east,north', want: ['10.0.0.2'] },
    { text: 'port=20000~20879', want: [] },
    { text: 'port=20880~', want: ['10.0.0.1', '10.0.0.2'] },
  ])
    it(`select instances by ${text}`, () => {
      const { members } = routes(eastAndWest, {
        [name]: `force: true\n${conditions(`=> ${text}`).replace('force: false\n', '')}`,
      });
      expect(Object.values(members)).toEqual([want]);
    });

  it('without instances on the right block calls', () => {
    const { rule, members } = routes(eastAndWest, { [name]: conditions('method=hello =>') });
    expect(rule?.http?.map(({ route }) => route)).toEqual([to('dubbo-none'), to(null)]);
    expect(members).toEqual({ 'dubbo-none': [] });
  });

  it('that no instance meets change nothing unless forced', () => {
    expect(routes(eastAndWest, { [name]: conditions('=> region=north') }).rule).toBeNull();
  });

  it('of several rules restrict each other', () => {
    const { members } = routes(['10.0.0.1?a=1', '10.0.0.2?a=1&b=1', '10.0.0.3?b=1'], {
      [name]: conditions('=> a=1', 'method=hello => b=1'),
    });
    expect(Object.values(members).map(String).sort()).toEqual(['10.0.0.1,10.0.0.2', '10.0.0.2']);
  });

  it('with several destinations split calls by weight', () => {
    const text =
      'configVersion: v3.1\nscope: service\nconditions:\n- from: {match: method=hello}\n  to: [{match: region=east, weight: 30}, {match: region=west, weight: 70}]\n- priority: 9\n  from: {match: method=bye}\n  trafficDisable: true';
    const { rule } = routes(eastAndWest, { [name]: text });
    const weightsOf = rule?.http?.map(({ route = [] }) => route.map(({ weight }) => weight));
    expect(weightsOf).toEqual([[undefined], [30, 70], [undefined]]);
  });

  it('of a node apply', () => {
    const rule = encodeURIComponent('attachments[foo] = bar => host = 10.0.0.2');
    const url = `condition://0.0.0.0/demo.Greet?category=routers&force=true&rule=${rule}`;
    expect(Object.values(routes(eastAndWest, { [url]: '' }).members)).toEqual([['10.0.0.2']]);
  });

  it('of an application concern its own calls too', () => {
    const text = 'scope: application\nconditions: ["=> region=east"]';
    const [first] = routes(eastAndWest, { 'shop.condition-router': text }).rule?.http ?? [];
    expect(first?.match).toEqual([{ sourceLabels: { application: 'shop' } }]);
    expect(routes(eastAndWest, { 'greeter.condition-router': text }).rule?.http?.at(-1)?.route).not.toEqual(to(null));
  });

  for (const { text, want } of [
    { text: 'host=10.0.0.9 => region=east', want: /address of the caller \('host'\)/ },
    { text: 'arguments[0]=a => region=east', want: /arguments/ },
    { text: 'application!=shop => region=east', want: /equal values only/ },
    { text: '=> region=$region', want: /refers to the caller/ },
    { text: 'attachments[a]=1~9 => region=east', want: /ranges of numbers/ },
    { text: 'method => region=east', want: /'method' has no value/ },
    { text: '=hello => region=east', want: /is not understood/ },
  ])
    it(`of the form ${text} are named`, () =>
      expect(documentOf(name, conditions(text)).faults).toEqual([expect.stringMatching(want)]));

  it('on calls are named at ports that are not decoded', () => {
    const { faults, rule } = routes(eastAndWest, { [name]: conditions('method=hello => region=east') }, ['dubbo']);
    expect(rule).toBeNull();
    expect(faults).toEqual([
      {
        origin: name,
        message: `its conditions on methods or attachments have no effect at port dubbo of ${greetHost}`,
      },
    ]);
  });

  it('that combine to too many routes are named and left out', () => {
    const many = Array.from({ length: 8 }, (_, index) => `attachments[a${index}]=1 => host=10.0.0.1`);
    const { faults, rule } = routes(eastAndWest, { [name]: conditions(...many) });
    expect(rule).toBeNull();
    expect(faults).toEqual([{ origin: name, message: expect.stringContaining('more than 128') }]);
  });
});

describe('timeouts of overrides', () => {
  it('become those of routes, for all methods and for single ones', () => {
    const { rule } = routes(['10.0.0.1'], { 'override://0.0.0.0/demo.Greet?timeout=1500&hello.timeout=100': '' });
    expect(rule?.http).toEqual([
      {
        match: [{ uri: { exact: '/demo.Greet/hello' } }, { headers: { method: { exact: 'hello' } } }],
        route: to(null),
        timeout: '100ms',
      },
      { route: to(null), timeout: '1500ms' },
    ]);
  });

  for (const { name: of, url, protocols, want } of [
    {
      name: 'single instances',
      url: 'override://10.0.0.1:20880/demo.Greet?timeout=1',
      protocols: ['tri'],
      want: /single instances/,
    },
    {
      name: 'no number',
      url: 'override://0.0.0.0/demo.Greet?timeout=soon',
      protocols: ['tri'],
      want: /no number of milliseconds/,
    },
    {
      name: 'undecoded ports',
      url: 'override://0.0.0.0/demo.Greet?timeout=9',
      protocols: ['dubbo'],
      want: /no effect at port dubbo/,
    },
  ])
    it(`are named for ${of}`, () => {
      const { faults, rule } = routes(['10.0.0.1', '10.0.0.2'], { [url]: '' }, protocols);
      expect(rule).toBeNull();
      expect(faults).toEqual([{ origin: url, message: expect.stringMatching(want) }]);
    });
});

it('rules of a kind that is not supported are named', () => {
  for (const kind of ['greeter.script-router', 'greeter.MESHAPPRULE', 'greeter.affinity-router'])
    expect(documentOf(kind, 'x').faults).toEqual([expect.stringMatching(/are not supported/)]);
});
