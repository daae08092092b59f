import type { RuleKind } from '../../rule.ts';
import { targetColumn, textColumn } from '../shared/columns.ts';
import { type TrafficExtensionSpec, trafficExtensionSpec } from './schema.ts';

/** Istio's TrafficExtension. */
export const trafficExtension: RuleKind<'TrafficExtension', TrafficExtensionSpec> = {
  kind: 'TrafficExtension',
  plural: 'trafficextensions',
  singular: 'trafficextension',
  shortNames: [],
  group: 'extensions.istio.io',
  versions: ['v1alpha1'],
  scope: 'namespaced',
  about: 'Code that proxies run as a filter (a WebAssembly module or Lua), and the traffic that it processes.',
  spec: trafficExtensionSpec,
  columns: [
    {
      name: 'Type',
      type: 'string',
      about: 'Type of the code: wasm or lua.',
      value: ({ wasm, lua }) => (wasm !== undefined ? 'wasm' : lua !== undefined ? 'lua' : null),
    },
    textColumn('Phase', 'phase', { about: "The mesh's own filter before which it runs." }),
    textColumn('URL', 'wasm.url', { about: 'Location of the module.', wide: true }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
