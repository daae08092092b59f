import type { PlanProblem } from '../../plan/unit.ts';
import type { VirtualService } from '../../rules/kinds/virtual-service/index.ts';
import type { RuleLayer } from '../../rules/kinds/virtual-service/schema.ts';
import { ruleId } from '../../rules/rule.ts';

/** VirtualServices of one host, with a record of those in effect. */
export interface HostRules {
  /** Rules in order of precedence. */
  readonly all: readonly VirtualService[];
  /** Records that routes of a rule are in effect. */
  use(rule: VirtualService, layer: RuleLayer): void;
  /** Returns the rules that have no effect because an equally visible rule for the same host comes first. */
  conflicts(host: string): readonly PlanProblem[];
}

const layers: readonly RuleLayer[] = ['http', 'tls', 'tcp'];

/**
 * Creates the rules of a host. `groups` has rules of equal visibility for one host or wildcard. A rule of another group
 * that comes first is intended: it is no conflict.
 */
export function createHostRules(groups: readonly (readonly VirtualService[])[]): HostRules {
  const used: Record<RuleLayer, Set<VirtualService>> = { http: new Set(), tls: new Set(), tcp: new Set() };
  const winnerOf = (rule: VirtualService, group: readonly VirtualService[]): VirtualService | undefined => {
    const earlier = group.slice(0, group.indexOf(rule));
    const lost = layers.filter((layer) => (rule.spec[layer] ?? []).length > 0 && !used[layer].has(rule));
    return earlier.find((other) => lost.some((layer) => used[layer].has(other)));
  };
  return {
    all: groups.flat(),
    use: (rule, layer) => void used[layer].add(rule),
    conflicts: (host) =>
      groups.flatMap((group) =>
        group.flatMap((rule) => {
          const winner = winnerOf(rule, group);
          if (winner === undefined) return [];
          return [{ origin: ruleId(rule), message: `not used for ${host}: ${ruleId(winner)} comes first` }];
        }),
      ),
  };
}
