import type { Audience, Compiled } from '../../compiled.ts';
import { qualifiedHost } from '../../fields.ts';
import type { Labels } from '../../labels.ts';
import type { DestinationRuleSpec } from './schema.ts';

/** Index by host. The audience is `exportTo`, the workload selector, and places if localities may be preferred. */
export const compiledDestinationRule: Compiled<DestinationRuleSpec> = {
  index: {
    by: 'host',
    makesHosts: false,
    hosts: ({ host }, { namespace, domainSuffix }) => [qualifiedHost(host, namespace, domainSuffix)],
  },
  audience(spec) {
    const selector = selectorOf(spec);
    return { namespaces: spec.exportTo ?? [], labels: selector === null ? [] : [selector], places: placesOf(spec) };
  },
};

/** Outlier detection alone prefers localities, by the setting of the mesh. */
function placesOf({ trafficPolicy, subsets = [] }: DestinationRuleSpec): Audience['places'] {
  const policies = [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)]
    .flatMap((policy) => [policy, ...(policy?.portLevelSettings ?? [])])
    .filter((policy) => policy?.outlierDetection ?? policy?.loadBalancer?.localityLbSetting);
  if (policies.length === 0) return undefined;
  return { labels: policies.flatMap((policy) => placeLabels(policy?.loadBalancer?.localityLbSetting)) };
}

/** Returns the names of the labels that a locality setting compares. */
export const placeLabels = (
  setting: { readonly failoverPriority?: readonly string[] | undefined } = {},
): readonly string[] => (setting.failoverPriority ?? []).map((label) => label.split('=')[0] ?? label);

/**
 * Returns the labels of the clients that the rule selects in its namespace, empty for all of them. Null: the rule has
 * no selector and applies to every client that it is exported to.
 */
export const selectorOf = ({ workloadSelector }: DestinationRuleSpec): Labels | null =>
  workloadSelector === undefined ? null : (workloadSelector.matchLabels ?? {});
