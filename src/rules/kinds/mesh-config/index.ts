import { type MeshConfigSpec, meshConfigSpec } from '../../mesh-config.ts';
import { pathFinder } from '../../present-paths.ts';
import type { RuleKind } from '../../rule.ts';
import { textColumn } from '../shared/columns.ts';

/** The mesh configuration as an object. There is one; it overrides binnacle.yaml while the program runs. */
export const meshConfig: RuleKind<'MeshConfig', MeshConfigSpec> = {
  kind: 'MeshConfig',
  plural: 'meshconfigs',
  singular: 'meshconfig',
  shortNames: [],
  group: 'mesh.binnacle.dev',
  versions: ['v1'],
  scope: 'cluster',
  onlyName: 'default',
  about: 'Settings of the whole mesh. They override the configuration file field by field, without a restart.',
  spec: meshConfigSpec,
  columns: [
    textColumn('Outbound', 'outboundTrafficPolicy.mode', { about: 'Policy for calls to unknown hosts.' }),
    textColumn('Root Namespace', 'rootNamespace', { about: 'The namespace whose rules apply to the whole mesh.' }),
    textColumn('Connect Timeout', 'connectTimeout', {
      about: 'Timeout for connecting to a service.',
      wide: true,
    }),
  ],
  pending: pathFinder(['trustDomain']),
};
