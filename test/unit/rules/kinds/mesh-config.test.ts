import { describe, expect, test } from 'vitest';
import { meshConfig } from '../../../../src/rules/kinds/mesh-config/index.ts';
import { namespace } from '../../../../src/rules/kinds/namespace/index.ts';
import { accepts, refuses } from '../../../support/bad-specs.ts';

describe('a MeshConfig', () => {
  accepts(meshConfig, {
    'every field': {
      rootNamespace: 'mesh',
      trustDomain: 'example.com',
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
      defaultServiceExportTo: ['.'],
      defaultVirtualServiceExportTo: ['*'],
      defaultDestinationRuleExportTo: ['shop', '.'],
      connectTimeout: '2s',
    },
    'a policy that says nothing': { outboundTrafficPolicy: {} },
  });

  refuses(meshConfig, [
    {
      name: 'a policy that is none',
      spec: { outboundTrafficPolicy: { mode: 'ALLOW_SOME' } },
      want: [['spec.outboundTrafficPolicy.mode', 'ALLOW_ANY, REGISTRY_ONLY']],
    },
    { name: 'a timeout of nothing', spec: { connectTimeout: '0s' }, want: [['spec.connectTimeout', '1ms or more']] },
    { name: 'a timeout as a number', spec: { connectTimeout: 5 }, want: [['spec.connectTimeout', 'expected string']] },
    { name: 'a root without name', spec: { rootNamespace: '' }, want: [['spec.rootNamespace', '>=1']] },
    {
      name: 'services that no namespace sees',
      spec: { defaultServiceExportTo: [] },
      want: [['spec.defaultServiceExportTo', '>=1']],
    },
    {
      name: 'a mistyped field',
      spec: { trustDomian: 'a' },
      want: [['spec.trustDomian', 'did you mean "trustDomain"?']],
    },
  ]);

  test('reports that its trust domain has no effect yet', () => {
    expect(meshConfig.pending({ trustDomain: 'a', rootNamespace: 'b' })).toEqual(['spec.trustDomain']);
  });
});

describe('a Namespace', () => {
  test('is accepted as kubectl sends it', () => {
    for (const spec of [{}, { finalizers: ['kubernetes'] }]) expect(namespace.spec.safeParse(spec).success).toBe(true);
  });

  for (const { name, spec } of [
    { name: 'another finalizer', spec: { finalizers: ['example.com/guard'] } },
    { name: 'finalizers that are no list', spec: { finalizers: 'kubernetes' } },
    { name: 'an unknown field', spec: { quota: 1 } },
    { name: 'a list', spec: [] },
    { name: 'a text', spec: 'kubernetes' },
  ]) {
    test(`is refused with ${name} in its spec`, () => expect(namespace.spec.safeParse(spec).success).toBe(false));
  }
});
