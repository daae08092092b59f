import type { RuleKind } from '../../rule.ts';
import { targetColumn, textColumn } from '../shared/columns.ts';
import { type ProxyConfigSpec, proxyConfigSpec } from './schema.ts';

/** Istio's ProxyConfig. */
export const proxyConfig: RuleKind<'ProxyConfig', ProxyConfigSpec> = {
  kind: 'ProxyConfig',
  plural: 'proxyconfigs',
  singular: 'proxyconfig',
  shortNames: [],
  group: 'networking.istio.io',
  versions: ['v1beta1'],
  scope: 'namespaced',
  about: 'Start-up settings of the proxies of some workloads: threads, environment, image.',
  spec: proxyConfigSpec,
  columns: [
    {
      name: 'Concurrency',
      type: 'integer',
      about: 'Worker threads; 0 for all cores.',
      value: ({ concurrency }) => (typeof concurrency === 'number' ? concurrency : null),
    },
    textColumn('Image', 'image.imageType', { about: 'Image of the proxy.' }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
