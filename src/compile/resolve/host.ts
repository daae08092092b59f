import type { Service } from '../../model/service.ts';
import type { HostPlan } from '../../plan/host.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { ruleId } from '../../rules/rule.ts';
import { resolveChains } from './chains.ts';
import { resolveDestinations } from './destinations.ts';
import type { Reader } from './reader.ts';
import { type HostContext, resolveRoutes } from './routes.ts';
import { resolveTargets } from './targets.ts';

/**
 * Plans everything that `host` contributes to a scope. `isReferenced`: a route of another host leads here, so its
 * destinations are needed even if the scope's proxies may not call it themselves.
 */
export function resolveHost(reader: Reader, host: string, isReferenced: boolean): HostPlan {
  const callable = reader.callableService(host);
  const reached = callable ?? (isReferenced ? reader.visibleService(host) : null);
  const problems: PlanProblem[] = [];
  const destinations = reached === null ? [] : resolveDestinations(reader, reached, problems);
  // Gateways have routes of their own making, by Gateway objects.
  const serves = reader.facts.role === 'sidecar';
  const rule = serves ? effectiveRule(reader, host, callable, problems) : null;
  const entrance = serves ? resolveEntrance({ reader, host, service: callable, rule, problems }) : noEntrance;
  return {
    host,
    destinations,
    ...entrance,
    references: [...reader.references()],
    dependencies: [...reader.dependencies()],
    problems,
  };
}

/** How calls of the host come in. */
type Entrance = Pick<HostPlan, 'virtualHosts' | 'chains' | 'targets'>;

const noEntrance: Entrance = { virtualHosts: [], chains: [], targets: [] };

function resolveEntrance(context: HostContext): Entrance {
  if (!context.reader.client.isProxy) return { chains: [], ...resolveTargets(context) };
  const { service } = context;
  const chains = service === null ? [] : resolveChains({ ...context, service });
  return { virtualHosts: resolveRoutes(context), chains, targets: [] };
}

function effectiveRule(reader: Reader, host: string, service: Service | null, problems: PlanProblem[]) {
  const effective = reader.virtualService(host, service === null);
  if (effective === null) return null;
  for (const beaten of effective.beaten) {
    problems.push({ origin: ruleId(beaten), message: `not used for ${host}: ${ruleId(effective.rule)} comes first` });
  }
  return effective.rule;
}
