import { isHttp, type Service } from '../../model/service.ts';
import { outboundName } from '../../plan/destination.ts';
import type { RoutePlan, VirtualHostPlan } from '../../plan/route.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { qualifiedHost } from '../../rules/fields.ts';
import type { PortPolicy } from '../../rules/kinds/destination-rule/policy-schema.ts';
import { resolveHashKey } from '../../rules/kinds/destination-rule/resolve-balancing.ts';
import type { DestinationSpec } from '../../rules/kinds/virtual-service/destination-schema.ts';
import type { VirtualService } from '../../rules/kinds/virtual-service/index.ts';
import { defaultRoute, resolveHttpRoutes } from '../../rules/kinds/virtual-service/resolve-http.ts';
import type { RouteContext, RulePart } from '../../rules/kinds/virtual-service/route-context.ts';
import { ruleId } from '../../rules/rule.ts';
import { policyOf, serviceOrigin } from './destinations.ts';

import { detectsHttp, hasOwnListeners } from './detection.ts';
import { domainsOf, namesOf, withAbsolute } from './domains.ts';
import { addressed, hasRoutesOf } from './egress.ts';

import type { HostReader } from './host-reader.ts';
import type { HostRules } from './host-rules.ts';

/** Inputs for resolving the routes and listeners of one host. */
export interface HostContext {
  readonly reader: HostReader;
  readonly host: string;
  readonly service: Service | null;
  readonly rules: HostRules;
  readonly problems: PlanProblem[];
}

export type ServiceContext = HostContext & { readonly service: Service };

/** Port on which hosts without a service are routed. */
const portOfUnknownHosts = 80;

/** Resolves a virtual host for each HTTP port. A VirtualService's host without a service has one on port 80. */
export function resolveRoutes(context: HostContext): readonly VirtualHostPlan[] {
  const { service, reader } = context;
  const hosts = service === null ? resolveRulesAlone(context) : httpPorts({ ...context, service });
  const shared = hosts.map((host) => addressed(reader.egress, host));
  return service === null ? shared : [...shared, ...ownRoutes({ ...context, service }, hosts)];
}

/** Resolves a virtual host for each port with requests that the listener routes. */
const httpPorts = (context: ServiceContext): readonly VirtualHostPlan[] =>
  context.service.ports
    .filter((port) => isHttp(port.protocol) || detectsHttp(context, port))
    .filter(({ number }) => hasRoutesOf(context.reader.egress, number))
    .map(({ number }) => resolvePort(context, number));

/** Gives detected ports with listeners of their own a route configuration each. Their routes apply to every host in it. */
function ownRoutes(context: ServiceContext, hosts: readonly VirtualHostPlan[]): readonly VirtualHostPlan[] {
  if (!hasOwnListeners(context)) return [];
  const detected = context.service.ports.filter((port) => detectsHttp(context, port)).map(({ number }) => number);
  return hosts
    .filter(({ port }) => port !== null && detected.includes(port))
    .map((host) => ({ ...host, routeConfiguration: host.name, ownDomain: '*', domains: ['*'] }));
}

/** Resolves the virtual host of one port of a service. */
export function resolvePort(context: ServiceContext, port: number): VirtualHostPlan {
  const { service, reader } = context;
  const ruled = resolveRuledRoutes(context, port);
  const domains = domainsOf(service, reader.facts, reader.otherNames(service.hostname));
  return {
    name: `${service.hostname}:${port}`,
    routeConfiguration: String(port),
    ownDomain: service.hostname,
    domains: withEndpoints(domains, endpointDomains(context, port)),
    port,
    createdAtMs: service.createdAtMs,
    routes: ruled?.routes ?? [ownRoute(context, port)],
    origins: [serviceOrigin(service), ...(ruled?.rules ?? []).map(ruleId)],
  };
}

/** Resolves the route of a port without rules. */
function ownRoute({ reader, service }: ServiceContext, port: number): RoutePlan {
  const { loadBalancer } = policyOf(reader, service, port);
  const destination = outboundName(port, '', service.hostname);
  return defaultRoute(destination, reader.defaultRetries(), resolveHashKey(loadBalancer));
}

/** Adds endpoints to domains. Returns the given list if there are none, because scopes share it. */
const withEndpoints = (domains: readonly string[], endpoints: readonly string[]): readonly string[] =>
  endpoints.length === 0 ? domains : [...new Set([...domains, ...endpoints])];

/**
 * Returns endpoint addresses as domains. Clients of a headless service may call an endpoint by its address. If unknown
 * hosts are refused, such a call needs a known domain; otherwise it is forwarded as an unknown host.
 */
function endpointDomains({ reader, service }: ServiceContext, port: number): readonly string[] {
  if (!service.headless || reader.facts.interception === 'none' || reader.unknownHosts() !== 'refuse') return [];
  const names = service.ports.filter(({ number }) => number === port).map(({ name }) => name);
  return reader
    .allEndpoints(service)
    .filter(({ ports }) => names.some((name) => ports[name] !== undefined))
    .map(({ address }) => (address.includes(':') ? `[${address}]` : address))
    .sort();
}

/** Routes of a rule for one port. */
interface RuledRoutes {
  /** The rule, then its delegates. */
  readonly rules: readonly [VirtualService, ...VirtualService[]];
  readonly routes: readonly RoutePlan[];
}

/** Resolves the routes of one port by the first rule that has some for it. Returns null if there is none. */
function resolveRuledRoutes(context: HostContext, port: number): RuledRoutes | null {
  for (const rule of context.rules.all) {
    const { routes, delegates } = resolveHttpRoutes(rule, routeContext(context, port));
    if (routes.length === 0) continue;
    context.rules.use(rule, 'http');
    return { rules: [rule, ...delegates], routes };
  }
  return null;
}

/**
 * Resolves the virtual hosts of rules for a host without a service. Those of an alias are on the ports of its service.
 */
function resolveRulesAlone(context: HostContext): readonly VirtualHostPlan[] {
  const { host, reader } = context;
  const [first] = context.rules.all;
  if (first === undefined) return [];
  const real = reader.realHost(host);
  const service = real === host ? null : reader.callableService(real);
  if (service === null) {
    return hasRoutesOf(reader.egress, portOfUnknownHosts) ? resolveHostWithoutService(context) : [];
  }
  return httpPorts({ ...context, service }).map((virtualHost) => ({
    ...virtualHost,
    name: `${host}:${virtualHost.port}`,
    ownDomain: host,
    domains: withAbsolute(namesOf(host, reader.facts)),
    createdAtMs: createdAtMs(first),
  }));
}

// NaN has no order.
const createdAtMs = ({ metadata }: VirtualService): number => Date.parse(metadata.creationTimestamp) || 0;

/** Resolves the virtual host of a host without a service; none without a rule. */
export function resolveHostWithoutService(context: HostContext): readonly VirtualHostPlan[] {
  const { host, reader } = context;
  if (host.startsWith('*') && reader.coversCallable(host)) return []; // the rule applies to these services
  const ruled = resolveRuledRoutes(context, portOfUnknownHosts);
  if (ruled === null) return [];
  return [
    {
      name: `${host}:${portOfUnknownHosts}`,
      routeConfiguration: String(portOfUnknownHosts),
      ownDomain: host,
      domains: [host],
      port: portOfUnknownHosts,
      createdAtMs: createdAtMs(ruled.rules[0]),
      routes: ruled.routes,
      origins: ruled.rules.map(ruleId),
    },
  ];
}

/** Creates the context of routes for clients of `port`. Missing destinations are reported to their rules. */
export function routeContext(context: HostContext, port: number): RouteContext {
  const { reader, problems } = context;
  const { facts } = reader;
  const report = ({ rule, path }: RulePart, message: string) => {
    problems.push({ origin: ruleId(rule), message: `${path}: ${message}` });
  };
  return {
    port,
    isOfNamespace: facts.isOfNamespace,
    hasLabels: facts.hasLabels,
    hashKey: (destination, rule) => resolveHashKey(destinationPolicy(context, rule, destination, port).loadBalancer),
    defaultRetries: reader.defaultRetries(),
    virtualService: reader.virtualServiceOf,
    isExportedTo: reader.isExportedTo,
    report,
    destinationName(destination, at) {
      const { rule } = at;
      const host = qualifiedHost(destination.host, rule.metadata.namespace, reader.domainSuffix);
      const service = reader.referencedService(host);
      const message = service === null ? missingService(reader, host) : missingPart(reader, service, destination);
      if (message !== null) report(at, message);
      const name = service?.hostname ?? host;
      return outboundName(destinationPort(destination, service, port), destination.subset ?? '', name);
    },
  };
}

/** Returns the policy of a route's destination, empty if it does not exist. `port` is that of the clients. */
export function destinationPolicy(
  { reader }: HostContext,
  rule: VirtualService,
  destination: DestinationSpec,
  port: number,
): PortPolicy {
  const service = reader.referencedService(
    qualifiedHost(destination.host, rule.metadata.namespace, reader.domainSuffix),
  );
  if (service === null) return {};
  return policyOf(reader, service, destinationPort(destination, service, port), destination.subset);
}

/** Returns the named port, else the only port of the service, else the port that the client called. */
function destinationPort({ port }: DestinationSpec, service: Service | null, clientPort: number): number {
  if (port !== undefined) return port.number;
  const [only, ...others] = service?.ports ?? [];
  return only !== undefined && others.length === 0 ? only.number : clientPort;
}

function missingService(reader: HostReader, host: string): string {
  const real = reader.realHost(host);
  return real === host ? `there is no service ${host}` : `there is no service ${real}, of which ${host} is an alias`;
}

function missingPart(reader: HostReader, service: Service, { port, subset }: DestinationSpec): string | null {
  if (port !== undefined && !service.ports.some(({ number }) => number === port.number)) {
    return `${service.hostname} has no port ${port.number}`;
  }
  if (subset === undefined) return null;
  const subsets = reader.destinationRule(service)?.subsets ?? [];
  return subsets.some(({ name }) => name === subset) ? null : `${service.hostname} has no subset ${subset}`;
}
