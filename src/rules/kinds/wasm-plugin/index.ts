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
  about: 'A WebAssembly module that proxies run as a filter: where it is, what it is given, which traffic it sees.',
  spec: wasmPluginSpec,
  columns: [
    textColumn('URL', 'url', { about: 'Where the module is.' }),
    textColumn('Phase', 'phase', { about: "Before which of the mesh's own filters it runs." }),
    textColumn('Failure', 'failStrategy', {
      about: 'What becomes of traffic when it fails.',
      otherwise: 'FAIL_CLOSE',
      wide: true,
    }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
