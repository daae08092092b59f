import { type MeshConfigSpec, meshConfigSpec } from '../../mesh-config.ts';
import { pathFinder } from '../../present-paths.ts';
import type { RuleKind } from '../../rule.ts';
import { textColumn } from '../shared/columns.ts';

/** The mesh configuration as an object: there is one, and what it says overrides binnacle.yaml while the program runs. */
export const meshConfig: RuleKind<'MeshConfig', MeshConfigSpec> = {
  kind: 'MeshConfig',
  plural: 'meshconfigs',
  singular: 'meshconfig',
  shortNames: [],
  group: 'mesh.binnacle.dev',
  versions: ['v1'],
  scope: 'cluster',
  onlyName: 'default',
  about: 'What holds for the whole mesh. It overrides the configuration file field by field, without a restart.',
  spec: meshConfigSpec,
  columns: [
    textColumn('Outbound', 'outboundTrafficPolicy.mode', { about: 'What becomes of calls to unknown hosts.' }),
    textColumn('Root Namespace', 'rootNamespace', { about: 'The namespace whose rules hold for the whole mesh.' }),
    textColumn('Connect Timeout', 'connectTimeout', {
      about: 'How long a connection to a service may take to be made.',
      wide: true,
    }),
  ],
  pending: pathFinder(['trustDomain']),
};
