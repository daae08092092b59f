import { assertNever } from '../../lib/assert-never.ts';
import { ipVersion } from '../../lib/ip.ts';
import {
  type ChainMatch,
  type FilterChainPlan,
  type ListenerFrame,
  type ListenerTraffic,
  virtualInboundName,
} from '../../plan/listener.ts';
import type { FilterChainJson, FilterChainMatchJson, ListenerJson } from '../../proto/json.ts';
import type { HttpFilterKind } from '../http-filters/kind.ts';
import { writeHttpFilters } from '../http-filters/write.ts';
import { dnsCache } from './dns.ts';
import { servedFilter } from './inbound.ts';
import { extension, listenAt, overAds } from './json.ts';
import { type FilterJson, httpConnectionManager, type NamedListener, tcpFilter } from './listeners.ts';

/** Properties of connections that a listener detects before it chooses a chain. */
export interface Inspections {
  /** True if it detects plain HTTP and its version. */
  readonly http: boolean;
  /** Original destination ports of which all connections have the same chain, so that plain HTTP is not detected. */
  readonly plainPorts: readonly number[];
  /** True if it detects TLS and the server name. */
  readonly tls: boolean;
}

/** Generates a listener without its chains. */
export const generateFrame = (frame: ListenerFrame, inspections: Inspections): NamedListener => ({
  name: frame.name,
  trafficDirection: frame.direction === 'outbound' ? 'OUTBOUND' : 'INBOUND',
  ...listenAt(frame.binds, frame.port),
  ...(frame.bindsToPort ? {} : { bindToPort: false }),
  ...(frame.transparent ? { transparent: true } : {}),
  ...listenerFilters(frame, inspections),
});

/** Generates a chain without its match. */
export const generateChain = (plan: FilterChainPlan, filters: readonly HttpFilterKind[]): FilterChainJson => ({
  ...(plan.name === '' ? {} : { name: plan.name }),
  filters: [...lookupFilters(plan), trafficFilter(plan, filters)],
});

/** Generates the match of a chain; empty if it accepts every connection. */
export function generateMatch(match: ChainMatch, { tls }: Inspections): FilterChainMatchJson {
  // TLS connections have ALPN names too: chains for plain HTTP must not match these.
  const transport = match.transport ?? (tls && match.protocols.length > 0 ? 'plain' : null);
  return {
    ...(match.port === null ? {} : { destinationPort: match.port }),
    ...(match.addresses.length === 0 ? {} : { prefixRanges: match.addresses.map(range) }),
    ...(match.sources.length === 0 ? {} : { sourcePrefixRanges: match.sources.map(range) }),
    ...(match.serverNames.length === 0 ? {} : { serverNames: [...match.serverNames] }),
    ...(transport === null ? {} : { transportProtocol: transport === 'tls' ? 'tls' : 'raw_buffer' }),
    ...(match.protocols.length === 0 ? {} : { applicationProtocols: [...match.protocols] }),
  };
}

function range(text: string) {
  const [addressPrefix = '', bits] = text.split('/');
  return { addressPrefix, prefixLen: bits === undefined ? (ipVersion(addressPrefix) === 4 ? 32 : 128) : Number(bits) };
}

type ListenerTimeout = Pick<ListenerJson, 'listenerFiltersTimeout' | 'continueOnListenerFiltersTimeout'>;
type ListenerFilters = ListenerTimeout & Pick<ListenerJson, 'listenerFilters'>;
type ListenerFilterJson = NonNullable<ListenerJson['listenerFilters']>[number];

function listenerFilters({ name, direction }: ListenerFrame, { http, tls, plainPorts }: Inspections): ListenerFilters {
  const filters = [
    ...(name === virtualInboundName ? [listenerFilter('original_dst', 'OriginalDst')] : []),
    ...(tls ? [listenerFilter('tls_inspector', 'TlsInspector')] : []),
    ...(http ? [{ ...listenerFilter('http_inspector', 'HttpInspector'), ...disabledOn(plainPorts) }] : []),
  ];
  return {
    ...(filters.length === 0 ? {} : { listenerFilters: filters }),
    ...(tls || http ? timeouts[direction] : {}),
  };
}

/**
 * Time to wait for the first bytes of a client. Outbound, a client that has not sent anything would count as one of
 * another protocol, and reach another service. Inbound, it reaches the workload anyway: servers that speak first on a
 * port without a protocol begin after this time.
 */
const timeouts: Readonly<Record<ListenerFrame['direction'], ListenerTimeout>> = {
  outbound: { listenerFiltersTimeout: '0s' },
  inbound: { listenerFiltersTimeout: '1s', continueOnListenerFiltersTimeout: true },
};

/** Disables a filter for ports. */
function disabledOn(ports: readonly number[]): Pick<ListenerFilterJson, 'filterDisabled'> {
  const rules = ports.map((port) => ({ destinationPortRange: { start: port, end: port + 1 } }));
  const [first, ...others] = rules;
  if (first === undefined) return {};
  return { filterDisabled: others.length === 0 ? first : { orMatch: { rules } } };
}

const listenerFilter = (name: string, message: string) => ({
  name: `envoy.filters.listener.${name}`,
  typedConfig: extension(`envoy.extensions.filters.listener.${name}.v3.${message}`, {}),
});

function lookupFilters({ traffic }: FilterChainPlan): readonly FilterJson[] {
  if (traffic.type !== 'tcp' || traffic.lookup === undefined) return [];
  const { families, port } = traffic.lookup;
  const type = 'envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig';
  const typedConfig = extension(type, { dnsCacheConfig: dnsCache(families), portValue: port });
  return [{ name: 'envoy.filters.network.sni_dynamic_forward_proxy', typedConfig }];
}

function trafficFilter({ listener, traffic }: FilterChainPlan, kinds: readonly HttpFilterKind[]): FilterJson {
  switch (traffic.type) {
    case 'tcp':
      return tcpFilter(firstName(traffic), traffic.targets, traffic.connection);
    case 'http':
      return httpConnectionManager({
        statPrefix: `outbound_${listener.name}`,
        rds: { configSource: overAds, routeConfigName: traffic.routeConfiguration },
        httpFilters: writeHttpFilters(traffic.filters, kinds),
        normalizePath: true,
      });
    case 'served':
      return servedFilter(traffic, kinds);
    default:
      return assertNever(traffic);
  }
}

const firstName = ({ targets }: Extract<ListenerTraffic, { type: 'tcp' }>): string => targets[0]?.destination ?? '';
