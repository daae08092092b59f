import { pathFinder } from '../../present-paths.ts';
import type { Rule, RuleKind } from '../../rule.ts';
import { countColumn, textColumn } from '../shared/columns.ts';
import { listColumn } from '../shared/list-column.ts';
import { compiledDestinationRule } from './audience.ts';
import { pendingTlsFields } from './resolve-tls.ts';
import { type DestinationRuleSpec, destinationRuleSpec } from './schema.ts';

/** A validated DestinationRule. */
export type DestinationRule = Rule<'DestinationRule', DestinationRuleSpec>;

/** Istio's DestinationRule. */
export const destinationRule: RuleKind<'DestinationRule', DestinationRuleSpec> = {
  kind: 'DestinationRule',
  plural: 'destinationrules',
  singular: 'destinationrule',
  shortNames: ['dr'],
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  scope: 'namespaced',
  about: 'How a service is called: its subsets, load balancing, connection pools and outlier detection.',
  spec: destinationRuleSpec,
  columns: [
    textColumn('Host', 'host', { about: 'The service that it is for.' }),
    countColumn('Subsets', 'subsets', { about: 'How many subsets it names.', wide: true }),
    textColumn('TLS', 'trafficPolicy.tls.mode', { about: 'How connections are secured.', wide: true }),
    listColumn('Exported to', 'exportTo', { about: 'The namespaces whose proxies see it.', wide: true }),
  ],
  pending: (spec) => pendingDestinationRuleFields(spec),
  compiled: compiledDestinationRule,
};

/** Fields of a policy, and of the settings of a port. */
const pendingOwnFields = ['loadBalancer.zoneAwareLbSetting', 'outlierDetection.outlierDetectionHttpErrorCodes'];

const pendingPolicyFields = [
  ...pendingOwnFields,
  ...pendingOwnFields.map((field) => `portLevelSettings[].${field}`),
  'retryBudget.budgetInterval',
];

const findPending = pathFinder(
  ['trafficPolicy', 'subsets[].trafficPolicy'].flatMap((policy) =>
    pendingPolicyFields.map((field) => `${policy}.${field}`),
  ),
);

/** Returns the fields that are accepted and stored but not compiled yet. They are reported to the author. */
export function pendingDestinationRuleFields(spec: DestinationRuleSpec): readonly string[] {
  const policies = [
    { policy: spec.trafficPolicy, path: 'spec.trafficPolicy' },
    ...(spec.subsets ?? []).map(({ trafficPolicy }, index) => ({
      policy: trafficPolicy,
      path: `spec.subsets[${index}].trafficPolicy`,
    })),
  ];
  const secured = policies.flatMap(({ policy, path }) => [
    { tls: policy?.tls, path: `${path}.tls` },
    ...(policy?.portLevelSettings ?? []).map(({ tls }, index) => ({
      tls,
      path: `${path}.portLevelSettings[${index}].tls`,
    })),
  ]);
  const tlsFields = secured.flatMap(({ tls, path }) =>
    tls === undefined ? [] : pendingTlsFields(tls).map((field) => path + field),
  );
  return [...findPending(spec), ...tlsFields];
}
