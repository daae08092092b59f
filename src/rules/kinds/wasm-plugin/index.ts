import type { RuleKind } from '../../rule.ts';
import { targetColumn, textColumn } from '../shared/columns.ts';
import { type WasmPluginSpec, wasmPluginSpec } from './schema.ts';

/** Istio's WasmPlugin. */
export const wasmPlugin: RuleKind<'WasmPlugin', WasmPluginSpec> = {
  kind: 'WasmPlugin',
  plural: 'wasmplugins',
  singular: 'wasmplugin',
  shortNames: [],
  group: 'extensions.istio.io',
  versions: ['v1alpha1'],
  scope: 'namespaced',
  about:
    'A WebAssembly module that proxies run as a filter: its location, its configuration, and the traffic that it processes.',
  spec: wasmPluginSpec,
  columns: [
    textColumn('URL', 'url', { about: 'Location of the module.' }),
    textColumn('Phase', 'phase', { about: "The mesh's own filter before which it runs." }),
    textColumn('Failure', 'failStrategy', {
      about: 'Traffic handling when it fails.',
      otherwise: 'FAIL_CLOSE',
      wide: true,
    }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
