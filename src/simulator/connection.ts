import type { ListenerJson } from '../proto/json.ts';
import type { SimulatedCall } from './call.ts';

/** Properties of a connection that filter chains can match, as the listener's inspectors detect them. */
export interface InspectedConnection {
  readonly port: number;
  readonly address: string;
  readonly serverName: string;
  readonly transport: 'tls' | 'raw_buffer';
  readonly protocols: readonly string[];
  readonly source: SimulatedCall['source'];
}

type ListenerFilterJson = NonNullable<ListenerJson['listenerFilters']>[number];
type FilterConditionJson = NonNullable<ListenerFilterJson['filterDisabled']>;

/** Applies a listener's inspectors to a call. Without them, TLS, server name and protocols are not detected. */
export function connectionOf(listener: ListenerJson, call: SimulatedCall): InspectedConnection {
  const { port, address, source } = call;
  const isTls = call.tls !== 'none' && inspects(listener, 'tls_inspector', port);
  const isPlainHttp = call.tls === 'none' && inspects(listener, 'http_inspector', port);
  return {
    port,
    address,
    source,
    serverName: isTls ? call.sni.toLowerCase() : '',
    transport: isTls ? 'tls' : 'raw_buffer',
    protocols: isTls ? call.alpn : isPlainHttp ? plainProtocols[call.protocol] : [],
  };
}

/** Names that the HTTP inspector gives to plain HTTP. */
const plainProtocols: Readonly<Record<SimulatedCall['protocol'], readonly string[]>> = {
  http: ['http/1.1'],
  http2: ['h2c'],
  tcp: [],
};

function inspects({ listenerFilters = [] }: ListenerJson, name: string, port: number): boolean {
  return listenerFilters.some((filter) => isInspector(filter, name) && !isDisabled(filter.filterDisabled, port));
}

/** Recognises a filter by its type or, without one, by its name. */
function isInspector({ name = '', typedConfig }: ListenerFilterJson, inspector: string): boolean {
  const type = typedConfig?.['@type'];
  return typeof type === 'string' ? type.includes(`.${inspector}.v3.`) : name.endsWith(inspector);
}

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto#config-listener-v3-listenerfilterchainmatchpredicate */
function isDisabled(condition: FilterConditionJson | undefined, port: number): boolean {
  if (condition === undefined) return false;
  const { orMatch, andMatch, notMatch, anyMatch, destinationPortRange: range } = condition;
  if (orMatch !== undefined) return (orMatch.rules ?? []).some((rule) => isDisabled(rule, port));
  if (andMatch !== undefined) return (andMatch.rules ?? []).every((rule) => isDisabled(rule, port));
  if (notMatch !== undefined) return !isDisabled(notMatch, port);
  if (range !== undefined) return port >= (range.start ?? 0) && port < (range.end ?? 0);
  return anyMatch === true;
}
