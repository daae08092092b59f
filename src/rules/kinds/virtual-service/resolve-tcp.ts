import type { WeightedTarget } from '../../../plan/route.ts';
import type { DestinationSpec } from './destination-schema.ts';
import type { TcpRouteSpec } from './l4-schema.ts';
import type { RouteContext } from './resolve-http.ts';
import { appliesTo } from './resolve-match.ts';

/** Targets of connections. */
export interface TcpRoute {
  readonly targets: readonly WeightedTarget[];
  /** First destination, whose rule decides the settings of the connections. Without subset if there are several. */
  readonly first: DestinationSpec;
}

/**
 * Returns the route of connections to `context.port`: the first that applies; `null` for none.
 * Conditions on subnets are not compiled yet: a match with them is skipped.
 */
export function resolveTcpTargets(routes: readonly TcpRouteSpec[], context: RouteContext): TcpRoute | null {
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
    const [only, ...others] = route.map(({ destination }) => destination);
    if (only === undefined) return null;
    const first = others.length === 0 ? only : { ...only, subset: undefined };
    return { targets: targets.filter(({ weight }) => weight > 0), first };
  }
  return null;
}
