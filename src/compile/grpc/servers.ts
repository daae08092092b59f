import type { InboundPort } from '../../plan/listener.ts';
import type { HttpConnectionManagerJson, ListenerJson } from '../../proto/json.ts';
import { extension, socketAddress } from '../generators/json.ts';
import type { NamedListener } from '../generators/listeners.ts';
import { routerAlone } from '../http-filters/index.ts';
import { writeHttpFilters } from '../http-filters/write.ts';

/** Addresses at which a server may listen: all IPv4 ones, all, or loopback. It requests the listener of its address. */
const addresses = ['0.0.0.0', '::', '127.0.0.1'];

/**
 * Generates the listeners that gRPC servers need before they serve (gRFC A36). They accept every call. Bootstraps name
 * them by the template that `binnacle bootstrap` prints. TCP ports are included: the server knows its own protocol.
 */
export const generateServerListeners = (ports: readonly InboundPort[]): readonly NamedListener[] =>
  ports.flatMap(({ targetPort }) => addresses.map((address) => serverListener(address, targetPort)));

const nameOf = (address: string, port: number): string =>
  `grpc/server?xds.resource.listening_address=${address.includes(':') ? `[${address}]` : address}:${port}`;

const manager = {
  statPrefix: 'server',
  routeConfig: {
    name: 'all',
    virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '' }, nonForwardingAction: {} }] }],
  },
  httpFilters: writeHttpFilters([], routerAlone),
} satisfies HttpConnectionManagerJson;

const takeEveryCall = {
  name: 'envoy.filters.network.http_connection_manager',
  typedConfig: extension('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', manager),
};

function serverListener(address: string, port: number): NamedListener {
  return {
    name: nameOf(address, port),
    address: socketAddress(address, port),
    filterChains: [{ filters: [takeEveryCall] }],
  } satisfies ListenerJson;
}
