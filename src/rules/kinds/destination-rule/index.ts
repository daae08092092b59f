import { presentPaths } from '../../fields.ts';
import type { Rule, RuleKind } from '../../rule.ts';
import { type DestinationRuleSpec, destinationRuleSpec } from './schema.ts';

/** A validated DestinationRule. */
export type DestinationRule = Rule<'DestinationRule', DestinationRuleSpec>;

/** Istio's DestinationRule. */
export const destinationRule: RuleKind<'DestinationRule', DestinationRuleSpec> = {
  kind: 'DestinationRule',
  plural: 'destinationrules',
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: destinationRuleSpec,
};

const pendingPolicyFields = [
  'loadBalancer.consistentHash',
  'loadBalancer.localityLbSetting',
  'loadBalancer.warmupDurationSecs',
  'loadBalancer.warmup',
  'connectionPool.tcp.maxConnectionDuration',
  'connectionPool.tcp.idleTimeout',
  'connectionPool.http.useClientProtocol',
  'connectionPool.http.maxConcurrentStreams',
  'tunnel',
  'proxyProtocol',
  'retryBudget',
];

/** What is accepted and stored but not compiled yet: reported, never ignored silently. */
export const pendingDestinationRuleFields = (spec: DestinationRuleSpec): readonly string[] =>
  ['trafficPolicy.', 'trafficPolicy.portLevelSettings[].', 'subsets[].trafficPolicy.']
    .flatMap((prefix) =>
      presentPaths(
        spec,
        [...pendingPolicyFields, 'tls'].map((field) => `${prefix}${field}`),
      ),
    )
    .concat(
      presentPaths(
        spec,
        pendingPolicyFields.map((field) => `subsets[].trafficPolicy.portLevelSettings[].${field}`),
      ),
    )
    .concat(presentPaths(spec, ['subsets[].trafficPolicy.portLevelSettings[].tls']));
