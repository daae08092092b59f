import { canonicalAddress, ipVersion } from '../lib/ip.ts';
import { proxyPorts } from '../model/proxy.ts';
import type { ListenerJson } from '../proto/json.ts';
import type { SimulatedCall } from './call.ts';

/**
 * Finds the listener of a call. Captured connections come to the listener of port 15001 or 15006. One with
 * `use_original_dst` hands them to the listener of the original address, else to that of the port at every address, else
 * keeps them: https://www.envoyproxy.io/docs/envoy/latest/configuration/listeners/listener_filters/original_dst_filter
 */
export function findListener(listeners: readonly ListenerJson[], call: SimulatedCall): ListenerJson | null {
  if (call.direction === 'gateway') return listenerAt(listeners, call);
  const captured = listenerOnPort(listeners, proxyPorts[call.direction]);
  if (captured === null) return listenerAt(listeners, call);
  return (captured.useOriginalDst === true ? listenerAt(listeners, call) : null) ?? captured;
}

const listenerOnPort = (listeners: readonly ListenerJson[], port: number): ListenerJson | null =>
  listeners.find((listener) => binds(listener).some((bind) => bind.port === port)) ?? null;

function listenerAt(listeners: readonly ListenerJson[], { address, port }: SimulatedCall): ListenerJson | null {
  const wanted = canonicalAddress(address);
  const every = ipVersion(address) === 6 ? ['::'] : address === '' ? ['0.0.0.0', '::'] : ['0.0.0.0'];
  const at = (addresses: readonly string[]) =>
    listeners.find((listener) =>
      binds(listener).some((bind) => bind.port === port && addresses.includes(bind.address)),
    );
  return at([wanted]) ?? at(every) ?? null;
}

/** Returns the addresses of a listener. Pipes have none. */
function binds({ address, additionalAddresses = [] }: ListenerJson) {
  const all = [address, ...additionalAddresses.map((one) => one.address)];
  return all.flatMap((one) => {
    const socket = one?.socketAddress;
    return socket === undefined
      ? []
      : [{ address: canonicalAddress(socket.address ?? ''), port: socket.portValue ?? 0 }];
  });
}
