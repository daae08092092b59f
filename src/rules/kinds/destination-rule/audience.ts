import type { Compiled } from '../../compiled.ts';
import { qualifiedHost } from '../../fields.ts';
import type { Labels } from '../../labels.ts';
import type { DestinationRuleSpec } from './schema.ts';

/** Index by host. The audience is `exportTo` and the workload selector. */
export const compiledDestinationRule: Compiled<DestinationRuleSpec> = {
  index: {
    by: 'host',
    makesHosts: false,
    hosts: ({ host }, { namespace, domainSuffix }) => [qualifiedHost(host, namespace, domainSuffix)],
  },
  audience(spec) {
    const selector = selectorOf(spec);
    return { namespaces: spec.exportTo ?? [], labels: selector === null ? [] : [selector] };
  },
};

/**
 * Returns the labels of the clients that the rule selects in its namespace, empty for all of them. Null: the rule has
 * no selector and applies to every client that it is exported to.
 */
export const selectorOf = ({ workloadSelector }: DestinationRuleSpec): Labels | null =>
  workloadSelector === undefined ? null : (workloadSelector.matchLabels ?? {});
