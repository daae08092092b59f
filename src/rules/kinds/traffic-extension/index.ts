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
  about: 'Code that proxies run as a filter: a WebAssembly module or Lua, and which traffic it sees.',
  spec: trafficExtensionSpec,
  columns: [
    {
      name: 'Type',
      type: 'string',
      about: 'What the code is: wasm or lua.',
      value: ({ wasm, lua }) => (wasm !== undefined ? 'wasm' : lua !== undefined ? 'lua' : null),
    },
    textColumn('Phase', 'phase', { about: "Before which of the mesh's own filters it runs." }),
    textColumn('URL', 'wasm.url', { about: 'Where the module is.', wide: true }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
