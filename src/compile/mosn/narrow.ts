import type { HostPlan } from '../../plan/host.ts';
import type { RouteAction, RoutePlan, VirtualHostPlan } from '../../plan/route.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { rulesAmong } from '../resolve/origins.ts';
import { narrowDestination } from './destinations.ts';

/**
 * Removes destinations with dynamic DNS, and routes that MOSN would misread, because it ignores that a condition is
 * inverted. From the others it removes settings that MOSN does not know.
 */
export function narrowForMosn(plan: HostPlan): HostPlan {
  const problems: PlanProblem[] = [...plan.problems];
  const known = plan.destinations.filter(({ endpoints }) => endpoints.type !== 'dynamic-dns');
  const [unknown] = plan.destinations.filter((destination) => !known.includes(destination));
  const [service = ''] = unknown?.origins ?? [];
  if (unknown !== undefined) problems.push({ origin: service, message: 'MOSN cannot look up the names of calls' });
  const destinations = known.map((destination) => narrowDestination(destination, problems));
  const virtualHosts = plan.virtualHosts.map((host) => keepMosnRoutes(host, problems));
  return { ...plan, destinations, virtualHosts, problems };
}

function keepMosnRoutes(host: VirtualHostPlan, problems: PlanProblem[]): VirtualHostPlan {
  const report = (shortcoming: string) => {
    for (const origin of rulesAmong(host.origins)) problems.push({ origin, message: `MOSN ${shortcoming}` });
  };
  const narrowRoute = (route: RoutePlan): RoutePlan => {
    for (const { name } of route.perFilter) report(`does not know the filter ${name}`);
    if (hashesQuery(route)) report('cannot choose endpoints by a query parameter');
    if (route.statPrefix !== '') report('has no statistics of a statPrefix');
    return { ...route, perFilter: [], statPrefix: '', action: narrowAction(route.action, report) };
  };
  const routes = host.routes.filter(({ match }) => !match.headers.some(({ inverted }) => inverted));
  if (routes.length < host.routes.length) report('cannot match withoutHeaders: such routes are left out for it');
  return { ...host, routes: routes.map(narrowRoute) };
}

function narrowAction(action: RouteAction, report: (shortcoming: string) => void): RouteAction {
  if (action.type !== 'forward') return action;
  const { retries, targets } = action;
  if (retries?.avoidPreviousLocalities) report('does not choose localities for retries');
  if (targets.some(({ rewriteHost }) => rewriteHost !== null)) report('does not set the host of one destination');
  return {
    ...action,
    targets: targets.map((target) => ({ ...target, rewriteHost: null })),
    retries: retries === null ? null : { ...retries, avoidPreviousLocalities: false },
  };
}

const hashesQuery = ({ action }: RoutePlan): boolean =>
  action.type === 'forward' && action.hashKeys.some(({ type }) => type === 'query');
