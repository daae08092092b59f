import type { Compiled } from '../../compiled.ts';
import { qualifiedHost } from '../../fields.ts';
import type { Labels } from '../../labels.ts';
import type { DestinationRuleSpec } from './schema.ts';

/** Found by the host that is called; told apart by who may see it and whom it selects. */
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
 * The labels of the clients in the rule's namespace that it is for; none for all of these, whether `matchLabels` is empty or left out.
 * Null: the rule is for every client that may see it.
 */
export const selectorOf = ({ workloadSelector }: DestinationRuleSpec): Labels | null =>
  workloadSelector === undefined ? null : (workloadSelector.matchLabels ?? {});
