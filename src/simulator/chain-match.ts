import { canonicalAddress } from '../lib/ip.ts';
import type { FilterChainJson, FilterChainMatchJson, ListenerJson } from '../proto/json.ts';
import type { InspectedConnection } from './connection.ts';
import { inRange } from './ranges.ts';

/** Result of the search. `unmet`: the condition that no chain meets. */
export type ChainMatchResult =
  | { readonly type: 'found'; readonly chain: FilterChainJson }
  | { readonly type: 'several'; readonly names: readonly string[] }
  | { readonly type: 'none'; readonly unmet: string };

/**
 * One property of a connection. `specificity` is higher for a chain that names it more exactly, 0 for a chain without
 * the condition, null for a chain whose condition does not hold.
 */
interface ChainCondition {
  readonly what: (connection: InspectedConnection) => string;
  readonly specificity: (match: FilterChainMatchJson, connection: InspectedConnection) => number | null;
}

/**
 * Finds the filter chain of a connection. Properties are compared in Envoy's order; after each one only the chains that
 * name it most exactly remain, even if none of them fits the next one:
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto#config-listener-v3-filterchainmatch
 */
export function matchChain(listener: ListenerJson, connection: InspectedConnection): ChainMatchResult {
  let chains = listener.filterChains ?? [];
  for (const { specificity, what } of steps) {
    const rated = chains.map((chain) => ({ chain, value: specificity(chain.filterChainMatch ?? {}, connection) }));
    const best = Math.max(-1, ...rated.map(({ value }) => value ?? -1));
    chains = rated.filter(({ value }) => value !== null && value === best).map(({ chain }) => chain);
    if (chains.length === 0) return otherwise(listener, what(connection));
  }
  const [chain, ...others] = chains;
  if (chain === undefined) return otherwise(listener, 'the connection');
  if (others.length === 0) return { type: 'found', chain };
  return { type: 'several', names: chains.map(({ name }) => name ?? 'an unnamed chain') };
}

function otherwise({ defaultFilterChain }: ListenerJson, unmet: string): ChainMatchResult {
  return defaultFilterChain === undefined ? { type: 'none', unmet } : { type: 'found', chain: defaultFilterChain };
}

const steps: readonly ChainCondition[] = [
  {
    what: ({ port }) => `port ${port}`,
    specificity: ({ destinationPort }, { port }) => oneOf(destinationPort == null ? [] : [destinationPort], [port]),
  },
  {
    what: ({ address }) => `address ${address}`,
    specificity: ({ prefixRanges }, { address }) => longestRange(prefixRanges ?? [], address),
  },
  {
    what: ({ serverName }) => (serverName === '' ? 'a connection without a server name' : `server name ${serverName}`),
    specificity: ({ serverNames }, { serverName }) => longestName(serverNames ?? [], serverName),
  },
  {
    what: ({ transport }) => `transport protocol ${transport}`,
    specificity: ({ transportProtocol = '' }, { transport }) =>
      oneOf(transportProtocol === '' ? [] : [transportProtocol], [transport]),
  },
  {
    what: ({ protocols }) => `application protocols ${protocols.join(', ') || '(none)'}`,
    specificity: ({ applicationProtocols }, { protocols }) => firstOffered(applicationProtocols ?? [], protocols),
  },
  {
    what: ({ source }) => `source address ${source?.address ?? '(unknown)'}`,
    specificity: ({ directSourcePrefixRanges }, { source }) =>
      longestRange(directSourcePrefixRanges ?? [], source?.address ?? ''),
  },
  {
    what: () => 'the type of the source',
    specificity: ({ sourceType }, connection) => sourceTypeOf(sourceType ?? 'ANY', connection),
  },
  {
    what: ({ source }) => `source address ${source?.address ?? '(unknown)'}`,
    specificity: ({ sourcePrefixRanges }, { source }) => longestRange(sourcePrefixRanges ?? [], source?.address ?? ''),
  },
  {
    what: ({ source }) => `source port ${source?.port ?? '(unknown)'}`,
    specificity: ({ sourcePorts }, { source }) => oneOf(sourcePorts ?? [], source === null ? [] : [source.port]),
  },
];

/** Rates an exact condition. */
function oneOf<T>(wanted: readonly T[], given: readonly T[]): number | null {
  if (wanted.length === 0) return 0;
  return wanted.some((one) => given.includes(one)) ? 1 : null;
}

type RangesJson = NonNullable<FilterChainMatchJson['prefixRanges']>;

/** Rates ranges: the longest prefix goes first. */
function longestRange(ranges: RangesJson, address: string): number | null {
  if (ranges.length === 0) return 0;
  const held = ranges.filter((range) => inRange(range.addressPrefix ?? '', range.prefixLen ?? 0, address));
  return held.length === 0 ? null : 1 + Math.max(...held.map(({ prefixLen }) => prefixLen ?? 0));
}

/** Rates server names: an exact one goes first, then the longest `*.` name. */
function longestName(names: readonly string[], serverName: string): number | null {
  if (names.length === 0) return 0;
  const rates = names.flatMap((name) => {
    if (serverName === '') return [];
    if (name === serverName) return [Number.MAX_SAFE_INTEGER];
    return name.startsWith('*.') && serverName.endsWith(name.slice(1)) && serverName.length > name.length - 1
      ? [name.length]
      : [];
  });
  return rates.length === 0 ? null : Math.max(...rates);
}

/** Rates application protocols: the first one that the client offers goes first. */
function firstOffered(wanted: readonly string[], offered: readonly string[]): number | null {
  if (wanted.length === 0) return 0;
  const index = offered.findIndex((protocol) => wanted.includes(protocol));
  return index === -1 ? null : offered.length - index;
}

function sourceTypeOf(type: string, { source, address }: InspectedConnection): number | null {
  if (type === 'ANY') return 0;
  const isLocal =
    source !== null &&
    (source.address === canonicalAddress(address) || source.address.startsWith('127.') || source.address === '::1');
  return isLocal === (type === 'SAME_IP_OR_LOOPBACK') ? 1 : null;
}
