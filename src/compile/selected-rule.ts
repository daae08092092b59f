import { selects } from '../rules/labels.ts';
import type { Rule, RuleKind } from '../rules/rule.ts';
import type { ProxyFacts } from './facts.ts';
import type { World } from './world/world.ts';

/**
 * Returns the one rule that applies to a proxy, for kinds that select workloads. A rule of its namespace that selects
 * its labels comes first, then the default of its namespace, then that of the root namespace. Of several, the oldest
 * applies. Labels are read only if some rule selects by them.
 */
export function selectedRule<K extends string, S>(
  kind: RuleKind<K, S>,
  proxy: ProxyFacts,
  world: World,
): Rule<K, S> | null {
  const selectorOf = ({ spec }: Rule<K, S>) =>
    kind.compiled?.index.by === 'workload' ? kind.compiled.index.selector(spec) : null;
  const isDefault = (rule: Rule<K, S>) => selectorOf(rule) === null;
  const own = world.rules.inNamespace(kind, proxy.get('namespace'));
  const selecting = own.find((rule) => {
    const selector = selectorOf(rule);
    return selector !== null && selects(selector, proxy.get('labels'));
  });
  const ofRoot = () => world.rules.inNamespace(kind, world.mesh().rootNamespace).find(isDefault);
  return selecting ?? own.find(isDefault) ?? ofRoot() ?? null;
}
