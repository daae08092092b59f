import type { Rule, RuleId } from '../../src/rules/rule.ts';

/** Returns the id that `Kind/namespace/name` writes out. */
export const ruleIdOf = (text: string): RuleId => text as RuleId; // the form of `ruleId`

/** A validated rule, as the rules room passes it on. */
export const rule = <Spec>(
  kind: string,
  name: string,
  spec: Spec,
  metadata: Partial<Rule['metadata']> = {},
): Rule<string, Spec> => ({
  kind,
  apiVersion: 'networking.istio.io/v1',
  metadata: {
    name,
    namespace: 'default',
    labels: {},
    annotations: {},
    creationTimestamp: '2026-01-01T00:00:00Z',
    generation: 1,
    resourceVersion: '1',
    uid: `${kind}-${name}`,
    ...metadata,
  },
  spec,
  origin: 'store',
});
