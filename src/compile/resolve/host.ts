import type { Service } from '../../model/service.ts';
import type { HostPlan, PlanProblem } from '../../plan/host.ts';
import { ruleId } from '../../rules/rule.ts';
import { resolveDestinations } from './destinations.ts';
import { resolveListeners } from './listeners.ts';
import type { Reader } from './reader.ts';
import { resolveRoutes } from './routes.ts';

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
  const context = { reader, host, service: callable, rule, problems };
  const virtualHosts = serves ? resolveRoutes(context) : [];
  const listeners = serves && callable !== null ? resolveListeners({ ...context, service: callable }) : [];
  return {
    host,
    destinations,
    virtualHosts,
    listeners,
    references: [...reader.references()],
    dependencies: [...reader.dependencies()],
    problems,
  };
}

function effectiveRule(reader: Reader, host: string, service: Service | null, problems: PlanProblem[]) {
  const effective = reader.virtualService(host, service === null);
  if (effective === null) return null;
  for (const beaten of effective.beaten) {
    problems.push({ origin: ruleId(beaten), message: `not used for ${host}: ${ruleId(effective.rule)} comes first` });
  }
  return effective.rule;
}
