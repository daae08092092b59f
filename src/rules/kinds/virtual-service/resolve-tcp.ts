import type { WeightedTarget } from '../../../plan/route.ts';
import type { TcpRouteSpec } from './l4-schema.ts';
import type { RouteContext } from './resolve-http.ts';
import { appliesTo } from './resolve-match.ts';

/**
 * Returns the targets of connections to `context.port`: those of the first route that applies; `null` for none.
 * Conditions on subnets are not compiled yet: a match with them is skipped.
 */
export function resolveTcpTargets(
  routes: readonly TcpRouteSpec[],
  context: RouteContext,
): readonly WeightedTarget[] | null {
  for (const [index, { match, route }] of routes.entries()) {
    const applies =
      match === undefined ||
      match.length === 0 ||
      match.some(
        (it) => it.destinationSubnets === undefined && it.sourceSubnet === undefined && appliesTo(it, context),
      );
    if (!applies) continue;
    const targets = route.map(({ destination, weight }, position) => ({
      destination: context.destinationName(destination, `spec.tcp[${index}].route[${position}].destination`),
      weight: route.length === 1 ? 1 : (weight ?? 0),
      headers: null,
    }));
    return targets.filter(({ weight }) => weight > 0);
  }
  return null;
}
