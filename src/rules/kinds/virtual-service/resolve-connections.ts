import { canonicalRange } from '../../../lib/ip-range.ts';
import type { WeightedTarget } from '../../../plan/route.ts';
import type { DestinationSpec } from './destination-schema.ts';
import type { VirtualService } from './index.ts';
import type { TcpRouteSpec } from './l4-schema.ts';
import { appliesTo } from './resolve-match.ts';
import type { RouteContext, RulePart } from './route-context.ts';

/** Connections that a route sends to its targets. An empty list is no condition. */
export interface ConnectionRoute {
  /** Called addresses or ranges in canonical form, in place of those of the service. */
  readonly addresses: readonly string[];
  /** Addresses or ranges of clients in canonical form. */
  readonly sources: readonly string[];
  /** Server names in lower case. Empty for routes of TCP. */
  readonly serverNames: readonly string[];
  /** At least one target. */
  readonly targets: readonly WeightedTarget[];
  /** First destination, whose rule decides the settings of the connections. Without subset if there are several. */
  readonly first: DestinationSpec;
}

/** Returns the routes of TLS connections to `context.port`, one for each match that applies. */
export const resolveTlsRoutes = (rule: VirtualService, context: RouteContext): readonly ConnectionRoute[] =>
  (rule.spec.tls ?? []).flatMap(({ match, route }, index) => {
    const matching = match.filter((it) => appliesTo(it, context));
    if (matching.length === 0) return [];
    const targets = resolveTargets(route, { rule, path: `spec.tls[${index}]` }, context);
    return matching.map(({ sniHosts, destinationSubnets }) => ({
      addresses: rangesOf(destinationSubnets ?? []),
      sources: [],
      serverNames: [...new Set(sniHosts.map((name) => name.toLowerCase()))],
      targets,
      first: firstOf(route),
    }));
  });

/** Routes of TCP connections to one port. */
export interface TcpRoutes {
  readonly routes: readonly ConnectionRoute[];
  /** True if the last route applies to every connection of the service. */
  readonly isComplete: boolean;
}

/** Returns the routes of TCP connections to `context.port`, up to the first one without conditions on addresses. */
export function resolveTcpRoutes(rule: VirtualService, context: RouteContext): TcpRoutes {
  const found: ConnectionRoute[] = [];
  for (const [index, { match, route }] of (rule.spec.tcp ?? []).entries()) {
    const matches = match === undefined || match.length === 0 ? [{}] : match;
    const matching = matches.filter((it) => appliesTo(it, context));
    if (matching.length === 0) continue;
    const targets = resolveTargets(route, { rule, path: `spec.tcp[${index}]` }, context);
    const conditions = matching.map(({ destinationSubnets, sourceSubnet }) => ({
      addresses: rangesOf(destinationSubnets ?? []),
      sources: rangesOf(sourceSubnet === undefined ? [] : [sourceSubnet]),
    }));
    const all = conditions.find(({ addresses, sources }) => addresses.length + sources.length === 0);
    for (const it of all === undefined ? conditions : [all])
      found.push({ ...it, serverNames: [], targets, first: firstOf(route) });
    if (all !== undefined) return { routes: found, isComplete: true };
  }
  return { routes: found, isComplete: false };
}

const rangesOf = (subnets: readonly string[]): readonly string[] => [...new Set(subnets.map(canonicalRange))];

type DestinationsSpec = TcpRouteSpec['route'];

function firstOf([first, ...others]: DestinationsSpec): DestinationSpec {
  if (first === undefined) throw new Error('a route has a destination'); // by its schema
  return others.length === 0 ? first.destination : { ...first.destination, subset: undefined };
}

function resolveTargets(
  route: DestinationsSpec,
  { rule, path }: RulePart,
  context: RouteContext,
): readonly WeightedTarget[] {
  const targets = route.map(({ destination, weight }, position) => ({
    destination: context.destinationName(destination, { rule, path: `${path}.route[${position}].destination` }),
    weight: route.length === 1 ? 1 : (weight ?? 0),
    headers: null,
    rewriteHost: null,
  }));
  return targets.filter(({ weight }) => weight > 0);
}
