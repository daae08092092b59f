import type { RuleKind } from '../../rule.ts';
import { countColumn, targetColumn, textsOf } from '../shared/columns.ts';
import { idleOperation } from './patch-problems.ts';
import { type EnvoyFilterSpec, envoyFilterSpec } from './schema.ts';

/** Istio's EnvoyFilter. */
export const envoyFilter: RuleKind<'EnvoyFilter', EnvoyFilterSpec> = {
  kind: 'EnvoyFilter',
  plural: 'envoyfilters',
  singular: 'envoyfilter',
  shortNames: [],
  group: 'networking.istio.io',
  versions: ['v1alpha3'],
  scope: 'namespaced',
  about: "Changes to Envoy's configuration itself, for settings that no other kind has.",
  spec: envoyFilterSpec,
  columns: [
    countColumn('Patches', 'configPatches', { about: 'Number of changes.' }),
    {
      name: 'Applies To',
      type: 'string',
      about: "The changed parts of Envoy's configuration.",
      value: (spec) => textsOf(spec, 'configPatches', 'applyTo'),
    },
    {
      name: 'Operations',
      type: 'string',
      about: 'Operations on these parts.',
      wide: true,
      value: (spec) => textsOf(spec, 'configPatches', 'patch.operation'),
    },
    {
      name: 'Priority',
      type: 'integer',
      about: 'Order among EnvoyFilters, lowest first.',
      wide: true,
      value: ({ priority }) => (typeof priority === 'number' ? priority : 0),
    },
    targetColumn,
  ],
  pending: () => ['spec'],
  doubts: ({ configPatches = [] }) =>
    configPatches.flatMap((patch, index) =>
      idleOperation(patch).map(([path, message]) => ({
        path: `spec.configPatches[${index}].${path.join('.')}`,
        message,
      })),
    ),
};
