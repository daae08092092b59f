import { isPartialWildcard } from '../../model/names.ts';
import { isHttp, isTls, type ServicePort } from '../../model/service.ts';
import { outboundName } from '../../plan/destination.ts';
import { anyConnection, type ChainMatch, type ListenerTraffic, plainHttp } from '../../plan/listener.ts';
import { outboundFilters } from '../../plan/route-filters.ts';
import { resolveTcpConnection } from '../../rules/kinds/destination-rule/resolve-connections.ts';
import type { VirtualService } from '../../rules/kinds/virtual-service/index.ts';
import {
  type ConnectionRoute,
  resolveTcpRoutes,
  resolveTlsRoutes,
} from '../../rules/kinds/virtual-service/resolve-connections.ts';
import { ruleId } from '../../rules/rule.ts';
import { policyOf } from './destinations.ts';
import { detectsHttp, hasOwnListeners, isCaptured } from './detection.ts';
import { namesOf } from './domains.ts';
import { dynamicDnsFilters, serverNameLookup } from './dynamic-dns.ts';
import { routeConfigurationOf } from './egress.ts';
import { destinationPolicy, routeContext, type ServiceContext } from './routes.ts';

/** Connections to a port of a service, and their treatment. */
export interface ConnectionPlan {
  readonly match: ChainMatch;
  readonly takesRest: boolean;
  readonly traffic: ListenerTraffic;
  /** Rule of the route; null for the service itself. */
  readonly rule: VirtualService | null;
}

/** Listener of a port as the resolved connections depend on it. */
export interface ListenerPlace {
  /** Ranges of addresses of the service; empty if the listener has only its connections. */
  readonly ranges: readonly string[];
  /** True for a listener of all addresses: only the server name distinguishes TLS services there. */
  readonly isForEveryAddress: boolean;
}

/** Resolves the connections of a port as a function of their listener. */
export type PortConnections = (place: ListenerPlace) => readonly ConnectionPlan[];

/** Resolves the connections to a port of a service. No two of them have a common match. */
export function resolveConnections(context: ServiceContext, port: ServicePort): PortConnections {
  if (isHttp(port.protocol)) {
    const connections = [httpConnections(context, port)];
    return () => connections;
  }
  const own = ownTraffic(context, port);
  const speaksTls = isTls(port.protocol);
  const { ruled, isComplete } = speaksTls ? tlsRoutes(context, port) : tcpRoutes(context, port);
  const needsOwn = !isComplete && (!speaksTls || ruled.length === 0);
  const detects = detectsHttp(context, port);
  return (place) => {
    const { ranges, isForEveryAddress } = place;
    const withHttp = (plans: readonly ConnectionPlan[]) => {
      const other = withoutDuplicates(plans);
      return detects ? [detectedConnections(context, port, place), ...other] : other;
    };
    const routed = ruled.map(({ addresses, sources, serverNames, traffic, rule }) => ({
      match: matchOf({ addresses: addresses.length === 0 ? ranges : addresses, sources, serverNames }),
      takesRest: false,
      traffic,
      rule,
    }));
    const hidden = speaksTls && (isForEveryAddress || ranges.length > 0) && context.reader.client.hasFilterChains;
    const serverNames = hidden ? serverNamesOf(context) : [];
    if (!needsOwn || (hidden && serverNames.length === 0)) return withHttp(routed);
    const match = matchOf({ addresses: ranges, sources: [], serverNames });
    return withHttp([...routed, { match, takesRest: false, traffic: own, rule: null }]);
  };
}

/** Returns the connections to a port that turn out to be HTTP. */
function detectedConnections(context: ServiceContext, port: ServicePort, place: ListenerPlace): ConnectionPlan {
  const isShared = place.isForEveryAddress || !hasOwnListeners(context);
  const { reader, service } = context;
  const routeConfiguration = isShared
    ? routeConfigurationOf(reader.egress, port.number)
    : `${service.hostname}:${port.number}`;
  return {
    match: { ...anyConnection, addresses: place.ranges, protocols: plainHttp },
    takesRest: false,
    traffic: { type: 'http', routeConfiguration, filters: httpFiltersOf(context) },
    rule: null,
  };
}

const httpFiltersOf = (context: ServiceContext) => [...outboundFilters, ...dynamicDnsFilters(context)];

/** Returns the connections to an HTTP port. Without interception, other bytes have no other destination. */
function httpConnections(context: ServiceContext, port: ServicePort): ConnectionPlan {
  const { reader } = context;
  const detects = reader.client.hasFilterChains;
  return {
    match: detects ? { ...anyConnection, protocols: plainHttp } : anyConnection,
    takesRest: detects && !isCaptured(reader),
    traffic: {
      type: 'http',
      routeConfiguration: routeConfigurationOf(reader.egress, port.number),
      filters: httpFiltersOf(context),
    },
    rule: null,
  };
}

/** Forwards connections unchanged: TLS and unknown protocols. */
function ownTraffic(context: ServiceContext, { number }: ServicePort): ListenerTraffic {
  const { reader, service } = context;
  const destination = outboundName(number, '', service.hostname);
  return {
    type: 'tcp',
    targets: [{ destination, weight: 1, headers: null, rewriteHost: null }],
    connection: resolveTcpConnection(policyOf(reader, service, number)),
    ...serverNameLookup(context, number),
  };
}

interface RuledConnections {
  readonly ruled: readonly (Omit<ConnectionRoute, 'targets' | 'first'> & Pick<ConnectionPlan, 'traffic' | 'rule'>)[];
  /** True if the routes apply to every connection. */
  readonly isComplete: boolean;
}

function tlsRoutes(context: ServiceContext, port: ServicePort): RuledConnections {
  const { rules, problems, reader } = context;
  const ruled = rules.all.flatMap((rule) => {
    const routes = resolveTlsRoutes(rule, routeContext(context, port.number));
    if (routes.length === 0) return [];
    if (!reader.client.hasFilterChains) {
      problems.push({ origin: ruleId(rule), message: `spec.tls: ${oneChainClients} cannot match server names` });
      return [];
    }
    rules.use(rule, 'tls');
    return routes.map((route) => trafficOf(route, { context, rule, port }));
  });
  return { ruled, isComplete: false };
}

function tcpRoutes(context: ServiceContext, port: ServicePort): RuledConnections {
  const { rules, problems, reader } = context;
  const ruled: RuledConnections['ruled'][number][] = [];
  for (const rule of rules.all) {
    const { routes, isComplete } = resolveTcpRoutes(rule, routeContext(context, port.number));
    const known = reader.client.hasFilterChains ? routes : routes.filter(isUnconditional);
    if (known.length < routes.length) {
      problems.push({ origin: ruleId(rule), message: `spec.tcp: ${oneChainClients} cannot match subnets` });
    }
    if (known.length > 0) rules.use(rule, 'tcp');
    ruled.push(...known.map((route) => trafficOf(route, { context, rule, port })));
    if (isComplete) return { ruled, isComplete };
  }
  return { ruled, isComplete: false };
}

const oneChainClients = 'listeners of MOSN have one chain and';

const isUnconditional = ({ addresses, sources }: ConnectionRoute): boolean => addresses.length + sources.length === 0;

interface RuledPort {
  readonly context: ServiceContext;
  readonly rule: VirtualService;
  readonly port: ServicePort;
}

function trafficOf(route: ConnectionRoute, { context, rule, port }: RuledPort): RuledConnections['ruled'][number] {
  const { targets, first, ...conditions } = route;
  const connection = resolveTcpConnection(destinationPolicy(context, rule, first, port.number));
  return { ...conditions, traffic: { type: 'tcp', targets, connection }, rule };
}

/**
 * Returns the server names that clients of a service send: its names, and the short forms of its other names. Envoy
 * does not match partial wildcards.
 */
function serverNamesOf({ service, reader }: ServiceContext): readonly string[] {
  const others = [...service.aliases, ...reader.otherNames(service.hostname)];
  const names = [service.hostname, ...others.flatMap((name) => namesOf(name, reader.facts))];
  return [...new Set(names.filter((name) => !isPartialWildcard(name)))];
}

type Conditions = Pick<ChainMatch, 'addresses' | 'sources' | 'serverNames'>;

/** Creates a match. The server name `*` stands for all of them, which Envoy cannot express as a name. */
function matchOf({ addresses, sources, serverNames }: Conditions): ChainMatch {
  if (serverNames.includes('*')) return { ...anyConnection, addresses, sources, transport: 'tls' };
  if (addresses.length + sources.length + serverNames.length === 0) return anyConnection;
  return { ...anyConnection, addresses, sources, serverNames };
}

/** Removes from each plan the connections of earlier ones: the first route that matches applies. */
function withoutDuplicates(plans: readonly ConnectionPlan[]): readonly ConnectionPlan[] {
  const taken = new Set<string>();
  return plans.flatMap((plan) => {
    const { addresses, sources, serverNames, transport } = plan.match;
    const places = orAny(addresses).flatMap((address) => orAny(sources).map((source) => ({ address, source })));
    const left = places.map(({ address, source }) => {
      const keyOf = (name: string) => [address, source, transport, name].join('\n');
      const free = orAny(serverNames).filter((name) => !taken.has(keyOf(name)));
      for (const name of free) taken.add(keyOf(name));
      return { address, source, free };
    });
    const all = Math.max(1, serverNames.length);
    if (left.every(({ free }) => free.length === all)) return [plan];
    return left
      .filter(({ free }) => free.length > 0)
      .map(({ address, source, free }) => ({
        ...plan,
        match: { ...plan.match, ...matchOfPlace(address, source), serverNames: free.filter((name) => name !== '') },
      }));
  });
}

const orAny = (values: readonly string[]): readonly string[] => (values.length === 0 ? [''] : values);

const matchOfPlace = (address: string, source: string) => ({
  addresses: address === '' ? [] : [address],
  sources: source === '' ? [] : [source],
});
