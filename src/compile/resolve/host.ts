import type { Service } from '../../model/service.ts';
import type { HostPlan } from '../../plan/host.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { ruleId } from '../../rules/rule.ts';
import { resolveChains } from './chains.ts';
import { resolveDestinations } from './destinations.ts';
import type { HostReader } from './host-reader.ts';
import { type HostContext, resolveRoutes } from './routes.ts';
import { resolveTargets } from './targets.ts';

/**
 * Plans everything that `host` contributes to a scope. `isReferenced`: a route of another host needs its destinations,
 * even if the scope's proxies may not call it.
 */
export function resolveHost(reader: HostReader, host: string, isReferenced: boolean): HostPlan {
  const callable = reader.callableService(host);
  const reached = callable ?? (isReferenced ? reader.visibleService(host) : null);
  const problems: PlanProblem[] = [];
  const destinations = reached === null ? [] : resolveDestinations(reader, reached, problems);
  // Gateway objects define the routes of gateways.
  const isSidecar = reader.facts.role === 'sidecar';
  const rule = isSidecar ? effectiveRule(reader, host, callable, problems) : null;
  const routing = isSidecar ? resolveRouting({ reader, host, service: callable, rule, problems }) : noRouting;
  return {
    host,
    destinations,
    ...routing,
    references: [...reader.references()],
    dependencies: [...reader.dependencies()],
    problems,
  };
}

/** Plans for calls of the host. */
type Routing = Pick<HostPlan, 'virtualHosts' | 'chains' | 'targets'>;

const noRouting: Routing = { virtualHosts: [], chains: [], targets: [] };

function resolveRouting(context: HostContext): Routing {
  if (!context.reader.client.isProxy) return { chains: [], ...resolveTargets(context) };
  const { service } = context;
  const chains = service === null ? [] : resolveChains({ ...context, service });
  return { virtualHosts: resolveRoutes(context), chains, targets: [] };
}

function effectiveRule(reader: HostReader, host: string, service: Service | null, problems: PlanProblem[]) {
  const effective = reader.virtualService(host, service === null);
  if (effective === null) return null;
  for (const overridden of effective.overridden) {
    problems.push({
      origin: ruleId(overridden),
      message: `not used for ${host}: ${ruleId(effective.rule)} comes first`,
    });
  }
  return effective.rule;
}
