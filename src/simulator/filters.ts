import type { FilterChainJson, HttpConnectionManagerJson, TcpProxyJson } from '../proto/json.ts';

const managerType = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const tcpType = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

/** Returns the HTTP connection manager of a chain; null if it has none. */
export const connectionManagerOf = (chain: FilterChainJson): HttpConnectionManagerJson | null =>
  filterOf(chain, managerType) as HttpConnectionManagerJson | null; // `@type` says so

/** Returns the TCP proxy of a chain; null if it has none. */
export const tcpProxyOf = (chain: FilterChainJson): TcpProxyJson | null =>
  filterOf(chain, tcpType) as TcpProxyJson | null; // `@type` says so

/** Reports whether the TLS context of a chain, or one within its transport socket, requires a client certificate. */
export const requiresClientCertificate = ({ transportSocket }: FilterChainJson): boolean =>
  hasTrue(transportSocket?.typedConfig, 'requireClientCertificate');

function filterOf({ filters = [] }: FilterChainJson, type: string): object | null {
  return filters.map(({ typedConfig }) => typedConfig).find((config) => typeOf(config) === type) ?? null;
}

function typeOf(config: { '@type'?: string } | undefined): string {
  const url = config?.['@type'] ?? '';
  return url.slice(url.lastIndexOf('/') + 1);
}

function hasTrue(value: unknown, key: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, one]) => (name === key ? one === true : hasTrue(one, key)));
}
