import { selects } from '../rules/labels.ts';
import type { Rule, RuleKind } from '../rules/rule.ts';
import type { ProxyFacts } from './facts.ts';
import type { World } from './world/world.ts';

/**
 * The one rule that a proxy has of a kind that selects workloads: one of its namespace that selects it by labels, else the default of its
 * namespace, else that of the root namespace; the oldest of several. Labels are read only where some rule asks for them.
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
