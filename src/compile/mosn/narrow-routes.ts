import type { VirtualHostPlan } from '../../plan/route.ts';
import { ruleId } from '../../rules/rule.ts';
import type { HostContext } from '../resolve/routes.ts';

/** Leaves out the routes that MOSN would take for others: it does not read that a condition is inverted. */
export function narrowForMosn(
  hosts: readonly VirtualHostPlan[],
  { rule, problems }: HostContext,
): readonly VirtualHostPlan[] {
  return hosts.map((host) => {
    const routes = host.routes.filter(({ match }) => !match.headers.some(({ inverted }) => inverted));
    if (routes.length < host.routes.length && rule !== null) {
      const message = 'MOSN cannot match withoutHeaders: such routes are left out for it';
      problems.push({ origin: ruleId(rule), message });
    }
    return { ...host, routes };
  });
}
