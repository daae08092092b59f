import type { FilterChainJson, ListenerJson, VirtualHostJson } from '../../src/proto/json.ts';
import type { ProxyConfiguration, SimulatedCall } from '../../src/simulator/call.ts';

/* Builders for tests of the simulator, with ordinary values for everything that a test leaves out. */

/** A request of the application for 10.0.0.1:80. */
export const callTo = (overrides: Partial<SimulatedCall> = {}): SimulatedCall => ({
  direction: 'outbound',
  address: '10.0.0.1',
  port: 80,
  protocol: 'http',
  tls: 'none',
  sni: '',
  alpn: [],
  host: 'shop',
  path: '/',
  method: 'GET',
  headers: new Map(),
  source: null,
  ...overrides,
});

export const resources = (overrides: Partial<ProxyConfiguration>): ProxyConfiguration => ({
  listeners: [],
  routes: [],
  clusters: [],
  ...overrides,
});

/** A listener with the inspectors of TLS and of plain HTTP. */
export const listenerOn = (
  address: string,
  portValue: number,
  filterChains: FilterChainJson[],
  overrides: Partial<ListenerJson> = {},
): ListenerJson => ({
  name: `${address}_${portValue}`,
  address: { socketAddress: { address, portValue } },
  listenerFilters: [
    { name: 'envoy.filters.listener.tls_inspector' },
    { name: 'envoy.filters.listener.http_inspector' },
  ],
  filterChains,
  ...overrides,
});

/** A chain that forwards bytes to the cluster of its name. */
export const tcpChain = (name: string, match: FilterChainJson['filterChainMatch'] = {}): FilterChainJson => ({
  name,
  filterChainMatch: match,
  filters: [
    {
      name: 'envoy.filters.network.tcp_proxy',
      typedConfig: tcpProxy({ cluster: name }),
    },
  ],
});

/** A chain for HTTP with these virtual hosts. */
export const httpChain = (virtualHosts: VirtualHostJson[], match: FilterChainJson['filterChainMatch'] = {}) => ({
  name: 'http',
  filterChainMatch: match,
  filters: [
    {
      name: 'envoy.filters.network.http_connection_manager',
      typedConfig: httpManager({ routeConfig: { name: 'inline', ignorePortInHostMatching: true, virtualHosts } }),
    },
  ],
});

export const tcpProxy = (fields: object): object => ({
  '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  ...fields,
});

export const httpManager = (fields: object): object => ({
  '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  ...fields,
});
