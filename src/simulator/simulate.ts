import type { FilterChainJson, RouteConfigurationJson, VirtualHostJson } from '../proto/json.ts';
import type { Answer, CallError, ProxyConfiguration, SimulatedCall } from './call.ts';
import { matchChain } from './chain-match.ts';
import { connectionOf } from './connection.ts';
import { connectionManagerOf, requiresClientCertificate, tcpProxyOf } from './filters.ts';
import { findListener } from './listener-match.ts';
import { routeOutcome, tcpOutcome } from './outcome.ts';
import { matchesRoute } from './route-match.ts';
import { matchVirtualHost } from './virtual-host-match.ts';

const unanswered: Answer = {
  listener: null,
  chain: null,
  routeConfiguration: null,
  virtualHost: null,
  route: null,
  routeIndex: null,
  outcome: { type: 'error', error: 'no-listener', reason: '' },
};

/** Finds the resources that answer a call, by Envoy's rules. */
export function simulate(configuration: ProxyConfiguration, call: SimulatedCall): Answer {
  const listener = findListener(configuration.listeners, call);
  if (listener === null) {
    return failed(unanswered, 'no-listener', `no listener for ${call.address || 'any address'} and port ${call.port}`);
  }
  const at = { ...unanswered, listener: listener.name ?? '' };
  const matched = matchChain(listener, connectionOf(listener, call));
  if (matched.type === 'none') {
    return failed(at, 'no-chain', `no filter chain fits ${matched.unmet}, and there is no default chain`);
  }
  if (matched.type === 'several') {
    return failed(at, 'several-chains', `${matched.names.join(', ')} have equal conditions`);
  }
  return throughChain({ ...at, chain: matched.chain.name ?? '' }, { configuration, call, chain: matched.chain });
}

interface ChainStep {
  readonly configuration: ProxyConfiguration;
  readonly call: SimulatedCall;
  readonly chain: FilterChainJson;
}

function throughChain(at: Answer, step: ChainStep): Answer {
  const { configuration, call, chain } = step;
  const endsTls = chain.transportSocket !== undefined;
  if (endsTls && call.tls === 'none') return failed(at, 'tls-error', 'plain text to a filter chain with TLS');
  if (endsTls && requiresClientCertificate(chain) !== (call.tls === 'mtls')) {
    const reason = call.tls === 'mtls' ? 'asks for no client certificate' : 'requires a client certificate';
    return failed(at, 'mtls-error', `the filter chain ${reason}`);
  }
  const manager = connectionManagerOf(chain);
  if (manager !== null) {
    if (call.tls !== 'none' && !endsTls) return failed(at, 'protocol-error', 'TLS to a filter chain for plain HTTP');
    if (call.protocol === 'tcp') return failed(at, 'protocol-error', 'bytes that are not HTTP to an HTTP filter chain');
    return throughRoutes(at, step, manager.routeConfig ?? manager.rds?.routeConfigName ?? '');
  }
  const tcp = tcpProxyOf(chain);
  if (tcp === null) return failed(at, 'no-chain', 'the filter chain has neither an HTTP nor a TCP filter');
  return { ...at, outcome: tcpOutcome(tcp, configuration) };
}

function throughRoutes(before: Answer, { configuration, call }: ChainStep, source: RouteConfigurationJson | string) {
  const name = typeof source === 'string' ? source : (source.name ?? '');
  const found = typeof source === 'string' ? configuration.routes.find((one) => one.name === source) : source;
  const at = { ...before, routeConfiguration: name };
  if (found === undefined) return failed(at, 'no-virtual-host', `there is no route configuration ${name}`);
  const host = matchVirtualHost(found, call);
  if (host === null) return failed(at, 'no-virtual-host', `no virtual host has the domain ${call.host || '(none)'}`);
  return throughVirtualHost({ ...at, virtualHost: host.name ?? '' }, { configuration, call, host });
}

interface HostStep {
  readonly configuration: ProxyConfiguration;
  readonly call: SimulatedCall;
  readonly host: VirtualHostJson;
}

function throughVirtualHost(at: Answer, { configuration, call, host }: HostStep): Answer {
  const isTls = host.requireTls === 'ALL' || host.requireTls === 'EXTERNAL_ONLY';
  if (isTls && call.tls === 'none') return failed(at, 'tls-redirect', 'the virtual host redirects plain HTTP to https');
  const routes = host.routes ?? [];
  const index = routes.findIndex((route) => matchesRoute(route, call));
  const route = routes[index];
  if (route === undefined) {
    return failed(at, 'no-route', `none of ${routes.length} routes fits ${call.method} ${call.path}`);
  }
  return { ...at, route: route.name ?? '', routeIndex: index, outcome: routeOutcome(route, call, configuration) };
}

const failed = (at: Answer, error: CallError, reason: string): Answer => ({
  ...at,
  outcome: { type: 'error', error, reason },
});
