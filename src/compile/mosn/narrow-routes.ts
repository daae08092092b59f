import type { RoutePlan, VirtualHostPlan } from '../../plan/route.ts';
import { ruleId } from '../../rules/rule.ts';
import type { HostContext } from '../resolve/routes.ts';

/**
 * Leaves out the routes that MOSN would take for others: it does not read that a condition is inverted. Of the others it
 * leaves out the settings of filters.
 */
export function narrowForMosn(
  hosts: readonly VirtualHostPlan[],
  { rule, problems }: HostContext,
): readonly VirtualHostPlan[] {
  const report = (shortcoming: string) => {
    if (rule !== null) problems.push({ origin: ruleId(rule), message: `MOSN ${shortcoming}` });
  };
  const withoutFilters = (route: RoutePlan): RoutePlan => {
    for (const { name } of route.perFilter) report(`does not know the filter ${name}`);
    return route.perFilter.length === 0 ? route : { ...route, perFilter: [] };
  };
  return hosts.map((host) => {
    const routes = host.routes.filter(({ match }) => !match.headers.some(({ inverted }) => inverted));
    if (routes.length < host.routes.length) report('cannot match withoutHeaders: such routes are left out for it');
    return { ...host, routes: routes.map(withoutFilters) };
  });
}
