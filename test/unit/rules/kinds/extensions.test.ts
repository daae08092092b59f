import { describe } from 'vitest';
import { proxyConfig } from '../../../../src/rules/kinds/proxy-config/index.ts';
import { trafficExtension } from '../../../../src/rules/kinds/traffic-extension/index.ts';
import { wasmPlugin } from '../../../../src/rules/kinds/wasm-plugin/index.ts';
import { accepts, refuses } from '../../../support/bad-specs.ts';

const url = 'oci://registry.example/auth:v1';
const wasm = {
  url,
  sha256: 'a'.repeat(64),
  imagePullPolicy: 'Always',
  imagePullSecret: 'registry',
  verificationKey: 'key',
  pluginConfig: { users: [{ name: 'ann', limits: { perSecond: 2 } }] },
  pluginName: 'auth',
  failStrategy: 'FAIL_OPEN',
  vmConfig: {
    env: [
      { name: 'A', value: '1' },
      { name: 'POD', valueFrom: 'HOST' },
    ],
  },
  type: 'HTTP',
};
const match = [{ mode: 'SERVER', ports: [{ number: 80 }, { number: 443 }] }, {}];
const env = (...list: readonly object[]) => ({ url, vmConfig: { env: list } });

describe('a WasmPlugin', () => {
  accepts(wasmPlugin, {
    'every field': { ...wasm, selector: { matchLabels: { app: 'a' } }, phase: 'AUTHN', priority: -5, match },
    'no priority': { url, priority: null },
    'an image without scheme': { url: 'localhost:5000/auth:v1', sha256: '' },
    'a file': { url: 'file:///plugins/auth.wasm' },
  });

  refuses(wasmPlugin, [
    { name: 'no module', spec: {}, want: [['spec.url', 'expected string']] },
    { name: 'another scheme', spec: { url: 'ftp://a/b' }, want: [['spec.url', 'http, https, file or oci']] },
    { name: 'an invalid address', spec: { url: 'a b' }, want: [['spec.url', 'must be an address']] },
    { name: 'a short checksum', spec: { url, sha256: 'abc' }, want: [['spec.sha256', '64 hexadecimal digits']] },
    {
      name: 'a phase of its sibling',
      spec: { url, phase: 'UNSPECIFIED' },
      want: [['spec.phase', 'UNSPECIFIED_PHASE']],
    },
    { name: 'a priority with a fraction', spec: { url, priority: 1.5 }, want: [['spec.priority', 'expected int']] },
    {
      name: 'a value beside HOST',
      spec: env({ name: 'A', valueFrom: 'HOST', value: 'x' }),
      want: [['spec.vmConfig.env[0].value', 'left out with valueFrom HOST']],
    },
    {
      name: 'a variable twice',
      spec: env({ name: 'A' }, { name: 'B' }, { name: 'A' }),
      want: [['spec.vmConfig.env[2].name', 'occurs twice: A']],
    },
    {
      name: 'a variable without name',
      spec: env({ value: 'x' }),
      want: [['spec.vmConfig.env[0].name', 'expected string']],
    },
    {
      name: 'ports out of range',
      spec: { url, match: [{ ports: [{ number: 0 }] }] },
      want: [['spec.match[0].ports[0].number', '>=1']],
    },
    {
      name: 'a port twice',
      spec: { url, match: [{ ports: [{ number: 80 }, { number: 80 }] }] },
      want: [['spec.match[0].ports[1].number', 'occurs twice: 80']],
    },
    {
      name: 'a configuration that is a text',
      spec: { url, pluginConfig: 'a: b' },
      want: [['spec.pluginConfig', 'expected record']],
    },
  ]);
});

describe('a TrafficExtension', () => {
  accepts(trafficExtension, {
    'every field of a module': { wasm, selector: { matchLabels: { app: 'a' } }, phase: 'STATS', priority: 1, match },
    'Lua code': {
      lua: { inlineCode: 'function envoy_on_request(handle) end' },
      targetRefs: [{ kind: 'GatewayClass', group: 'gateway.networking.k8s.io', name: 'istio-waypoint' }],
    },
  });

  refuses(trafficExtension, [
    { name: 'no code', spec: {}, want: [['spec', 'needs the code']] },
    {
      name: 'both sorts of code',
      spec: { wasm: { url }, lua: { inlineCode: 'x' } },
      want: [['spec', 'only one of wasm and lua']],
    },
    { name: 'empty code', spec: { lua: { inlineCode: '' } }, want: [['spec.lua.inlineCode', 'must be the code']] },
    {
      name: 'too much code',
      spec: { lua: { inlineCode: 'x'.repeat(65_537) } },
      want: [['spec.lua.inlineCode', 'at most 65536']],
    },
    { name: 'a module that is nowhere', spec: { wasm: {} }, want: [['spec.wasm.url', 'expected string']] },
    {
      name: 'a phase of its sibling',
      spec: { lua: { inlineCode: 'x' }, phase: 'UNSPECIFIED_PHASE' },
      want: [['spec.phase', 'one of UNSPECIFIED, AUTHN']],
    },
    {
      name: 'the older form of a target',
      spec: { lua: { inlineCode: 'x' }, targetRef: { kind: 'Service', name: 'a' } },
      want: [['spec.targetRef', 'did you mean "targetRefs"?']],
    },
    {
      name: 'a selector beside a target',
      spec: { lua: { inlineCode: 'x' }, selector: {}, targetRefs: [] },
      want: [['spec', 'only one of selector and targetRefs']],
    },
  ]);
});

describe('a ProxyConfig', () => {
  accepts(proxyConfig, {
    'every field': {
      selector: { matchLabels: { app: 'a' } },
      concurrency: 0,
      environmentVariables: { ISTIO_META_A: 'b' },
      image: { imageType: 'distroless' },
    },
    'no number of threads': { concurrency: null },
  });

  refuses(proxyConfig, [
    {
      name: 'fewer threads than none',
      spec: { concurrency: -1 },
      want: [['spec.concurrency', '0 (all cores) or more']],
    },
    { name: 'half a thread', spec: { concurrency: 0.5 }, want: [['spec.concurrency', 'expected int']] },
    {
      name: 'a long value',
      spec: { environmentVariables: { A: 'x'.repeat(2_049) } },
      want: [['spec.environmentVariables.A', 'at most 2048']],
    },
    {
      name: 'a value that is a number',
      spec: { environmentVariables: { A: 1 } },
      want: [['spec.environmentVariables.A', 'expected string']],
    },
    { name: 'an image by its name', spec: { image: 'debug' }, want: [['spec.image', 'expected object']] },
    {
      name: 'a wildcard in the name of a label',
      spec: { selector: { matchLabels: { 'a*': 'b' } } },
      want: [['spec.selector.matchLabels["a*"]', 'wildcards are not supported']],
    },
  ]);
});
