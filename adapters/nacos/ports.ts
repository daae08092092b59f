import { isKnownProtocol, servicePort } from '../../src/dubbo/protocols.ts';
import type { Protocol, ServicePort } from '../../src/model/service.ts';

/** Protocols that providers of Dubbo do not have, with the ports that clients call. */
const ownProtocols: Readonly<Record<string, { readonly protocol: Protocol; readonly number: number }>> = {
  http2: { protocol: 'http2', number: 8_083 },
  tls: { protocol: 'tls', number: 8_443 },
  tcp: { protocol: 'tcp', number: 9_000 },
};

/** Reports whether metadata may name this protocol, in lower case. */
export const isPortProtocol = (name: string): boolean => Object.hasOwn(ownProtocols, name) || isKnownProtocol(name);

/**
 * Returns the port of a service for a protocol, in any case, with the configured number if there is one. Null for an
 * unknown protocol. Nacos knows ports of instances only; these differ, so none of them decides by which number clients
 * call the service.
 */
export function portFor(text: string, numbers: Readonly<Record<string, number>>): ServicePort | null {
  const name = text.toLowerCase();
  const own = Object.hasOwn(ownProtocols, name) ? ownProtocols[name] : undefined;
  if (own === undefined) return servicePort(name, numbers);
  return {
    name,
    protocol: own.protocol,
    number: (Object.hasOwn(numbers, name) ? numbers[name] : undefined) ?? own.number,
  };
}
