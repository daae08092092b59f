import { describe, expect, it } from 'vitest';
import { parseOldYaml } from '../../../../src/adapter-contract/yaml.ts';
import { govern } from '../../../../src/dubbo/governance/govern.ts';
import { readRuleUrl } from '../../../../src/dubbo/governance/read-rules.ts';
import { documentOf, type GivenRules, governed, providerOf } from '../../../support/dubbo/governed.ts';

/** Returns weights by address, in parentheses where an instance is not called. */
const shown = (endpoints: ReturnType<typeof govern>['endpoints']): string =>
  endpoints
    .map(({ address, weight, health }) => (health === 'healthy' ? `${address}=${weight}` : `(${address}=${weight})`))
    .join(' ');

const one = '10.0.0.1=100 10.0.0.2=100';
const [first, second] = ['10.0.0.1', '10.0.0.2'];
const pair = [first, second].map(providerOf);
const weights = (rules: GivenRules): string => shown(governed(pair, rules).endpoints);

describe('override URLs apply', () => {
  for (const { name, url, want } of [
    { name: 'a weight to all', url: 'override://0.0.0.0/demo.Greet?weight=7', want: '10.0.0.1=7 10.0.0.2=7' },
    { name: 'a weight to one', url: 'override://10.0.0.1:20880/demo.Greet?weight=7', want: '10.0.0.1=7 10.0.0.2=100' },
    { name: 'nothing at another port', url: 'override://10.0.0.1:20881/demo.Greet?weight=7', want: one },
    {
      name: 'disabled=true',
      url: 'override://10.0.0.2:20880/demo.Greet?disabled=true',
      want: '10.0.0.1=100 (10.0.0.2=100)',
    },
    { name: 'weight 0', url: 'override://10.0.0.2:20880/demo.Greet?weight=0', want: '10.0.0.1=100 (10.0.0.2=1)' },
    { name: 'nothing if switched off', url: 'override://0.0.0.0/demo.Greet?weight=7&enabled=false', want: one },
    {
      name: 'values encoded twice',
      url: 'override://0.0.0.0/demo.Greet?application=%252A&weight=%2537',
      want: '10.0.0.1=7 10.0.0.2=7',
    },
    {
      name: 'a URL encoded as a whole',
      url: 'override%3A%2F%2F0.0.0.0%2Fdemo.Greet%3Fweight%3D7',
      want: '10.0.0.1=7 10.0.0.2=7',
    },
    { name: 'nothing to another version', url: 'override://0.0.0.0/demo.Greet?weight=7&version=1.0', want: one },
    { name: 'nothing to another group', url: 'override://0.0.0.0/demo.Greet?weight=7&group=g', want: one },
    {
      name: 'to every version and group',
      url: 'override://0.0.0.0/demo.Greet?weight=7&version=*&group=*',
      want: '10.0.0.1=7 10.0.0.2=7',
    },
    {
      name: 'to the application of providers',
      url: 'override://0.0.0.0/demo.Greet?weight=7&side=provider&application=greeter',
      want: '10.0.0.1=7 10.0.0.2=7',
    },
    {
      name: 'nothing to another application',
      url: 'override://0.0.0.0/demo.Greet?weight=7&side=provider&application=other',
      want: one,
    },
    {
      name: 'a condition on a parameter',
      url: 'override://0.0.0.0/demo.Greet?weight=7&~application=greeter',
      want: '10.0.0.1=7 10.0.0.2=7',
    },
    { name: 'nothing without it', url: 'override://0.0.0.0/demo.Greet?weight=7&~region=east', want: one },
    { name: 'absent parameters only', url: 'absent://0.0.0.0/demo.Greet?weight=7', want: '10.0.0.1=7 10.0.0.2=7' },
  ])
    it(name, () => {
      const document = readRuleUrl(url, parseOldYaml);
      expect(document.faults).toEqual([]);
      const service = { namespace: 'default', hostname: 'demo', ports: [], providers: pair };
      expect(shown(govern(service, new Map([['node', document]])).endpoints)).toBe(want);
    });

  it('an absent parameter keeps the value that a provider has', () => {
    const own = [providerOf('10.0.0.1?weight=50')];
    expect(shown(governed(own, { 'absent://0.0.0.0/demo.Greet?weight=7': '' }).endpoints)).toBe('10.0.0.1=50');
  });

  for (const { name, url, want } of [
    { name: 'of one consumer', url: 'override://10.0.0.9/demo.Greet?weight=7', want: /for the consumer at 10.0.0.9/ },
    {
      name: 'of an application of consumers',
      url: 'override://0.0.0.0/demo.Greet?weight=7&application=shop',
      want: /for the consumers of shop/,
    },
    { name: 'with a script', url: 'script://0.0.0.0/demo.Greet?rule=x', want: /rules of the kind script/ },
    { name: 'that is no URL', url: 'override:weight', want: /is not a URL/ },
    {
      name: 'with bad encoding',
      url: 'override://0.0.0.0/demo.Greet?weight=%zz',
      want: /not properly percent-encoded/,
    },
  ])
    it(`names a rule ${name}`, () =>
      expect(readRuleUrl(url, parseOldYaml).faults).toEqual([expect.stringMatching(want)]));
});

const service = (configs: string, more = '') =>
  `configVersion: v3.0\nscope: service\nkey: demo.Greet\n${more}\nconfigs:\n${configs}`;
const application = (configs: string) => `configVersion: v3.0\nscope: application\nkey: greeter\nconfigs:\n${configs}`;

describe('configurators of the configuration centre apply', () => {
  for (const { name, rules, want } of [
    {
      name: 'to all instances',
      rules: { 'demo.Greet::.configurators': service('- {side: provider, parameters: {weight: 7}}') },
      want: '10.0.0.1=7 10.0.0.2=7',
    },
    {
      name: 'to addresses of providers',
      rules: {
        'demo.Greet::.configurators': service(
          "- {side: provider, addresses: ['10.0.0.1:20880', '10.0.0.2:9'], parameters: {weight: 7}}",
        ),
      },
      want: '10.0.0.1=7 10.0.0.2=100',
    },
    {
      name: 'to instances as all consumers see them',
      rules: {
        'demo.Greet::.configurators': service(
          "- {side: consumer, addresses: ['0.0.0.0'], providerAddresses: ['10.0.0.2:20880'], parameters: {disabled: true}}",
        ),
      },
      want: '10.0.0.1=100 (10.0.0.2=100)',
    },
    {
      name: 'the conditions of Dubbo 3',
      rules: {
        'demo.Greet::.configurators': service(
          '- side: consumer\n  match: {providerAddress: {wildcard: 10.0.0.2}, app: {oneof: [{wildcard: "*"}]}}\n  parameters: {weight: 7}',
        ),
      },
      want: '10.0.0.1=100 10.0.0.2=7',
    },
    {
      name: 'conditions on parameters and networks',
      rules: {
        'demo.Greet::.configurators': service(
          '- side: provider\n  match: {address: {cird: 10.0.0.2/31}, param: [{key: application, value: {prefix: greet}}]}\n  parameters: {weight: 7}',
        ),
      },
      want: '10.0.0.1=100 10.0.0.2=7',
    },
    {
      name: 'nothing while switched off',
      rules: {
        'demo.Greet::.configurators': service('- {side: provider, parameters: {weight: 7}}', 'enabled: false'),
      },
      want: one,
    },
    {
      name: 'nothing to another service',
      rules: { 'demo.Greet:1.0:.configurators': 'configs: [{side: provider, parameters: {weight: 7}}]' },
      want: one,
    },
    {
      name: 'to the providers of an application',
      rules: { 'greeter.configurators': application('- {side: provider, parameters: {weight: 7}}') },
      want: '10.0.0.1=7 10.0.0.2=7',
    },
    {
      name: 'to some services of an application',
      rules: {
        'greeter.configurators': application('- {side: provider, services: [demo.Other], parameters: {weight: 7}}'),
      },
      want: one,
    },
    {
      name: 'a service before its application, and that before a node',
      rules: {
        'override://0.0.0.0/demo.Greet?weight=1&disabled=true': '',
        'greeter.configurators': application('- {side: provider, parameters: {weight: 2, disabled: false}}'),
        'demo.Greet::.configurators': service('- {side: provider, parameters: {weight: 3}}'),
      },
      want: '10.0.0.1=3 10.0.0.2=3',
    },
    {
      name: 'an address before all, and a larger priority before a smaller one',
      rules: {
        'override://0.0.0.0/demo.Greet?weight=1&priority=9': '',
        'override://0.0.0.0/demo.Greet?weight=2&priority=8': '',
        'override://10.0.0.2:20880/demo.Greet?weight=3': '',
      },
      want: '10.0.0.1=1 10.0.0.2=3',
    },
    {
      name: 'a list of URLs',
      rules: { 'demo.Greet::.configurators': '["override://10.0.0.1:20880/demo.Greet?weight=7"]' },
      want: '10.0.0.1=7 10.0.0.2=100',
    },
  ])
    it(name, () => expect(weights(rules)).toBe(want));

  for (const { name, text, want } of [
    { name: 'no YAML', text: '{', want: /it is no YAML/ },
    { name: 'no list of items', text: 'configs: 3', want: /configs: / },
    { name: 'another key', text: 'key: demo.Other\nconfigs: []', want: /its key is 'demo.Other'/ },
    { name: 'no side', text: service('- {parameters: {weight: 7}}'), want: /names no side/ },
    { name: 'no parameters', text: service('- {side: provider, parameters: {}}'), want: /has no parameters/ },
    {
      name: 'single consumers',
      text: service("- {side: consumer, addresses: ['10.0.0.9'], parameters: {weight: 7}}"),
      want: /for consumers at 10.0.0.9/,
    },
    {
      name: 'an address that is none',
      text: service("- {side: provider, addresses: ['10.*'], parameters: {weight: 7}}"),
      want: /'10\.\*' is no address/,
    },
    {
      name: 'an unknown condition',
      text: service('- {side: provider, match: {zone: x}, parameters: {weight: 7}}'),
      want: /zone/,
    },
  ])
    it(`name what is wrong: ${name}`, () =>
      expect(documentOf('demo.Greet::.configurators', text).faults).toEqual([expect.stringMatching(want)]));

  it('apply good items beside a wrong one', () => {
    const text = service('- {side: provider, parameters: {weight: 7}}\n- {side: sideways, parameters: {weight: 8}}');
    expect(weights({ 'demo.Greet::.configurators': text })).toBe('10.0.0.1=7 10.0.0.2=7');
    expect(documentOf('demo.Greet::.configurators', text).faults).toEqual([expect.stringMatching(/configs\[1\]/)]);
  });

  for (const { key, want } of [
    { key: 'loadbalance', want: 'the parameter loadbalance is not supported' },
    { key: 'hello.retries', want: 'the parameter hello.retries is not supported' },
  ])
    it(`name the parameter ${key}, which has no meaning here`, () =>
      expect(governed(pair, { [`override://0.0.0.0/demo.Greet?${key}=1`]: '' }).faults).toEqual([
        { origin: `override://0.0.0.0/demo.Greet?${key}=1`, message: want },
      ]));
});
