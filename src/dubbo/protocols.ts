import type { ServicePort } from '../model/service.ts';

/**
 * Protocols of providers: what a proxy can do with each, and the port that clients call. A port has the name of its
 * protocol. The port is Dubbo's own default where there is one, and never that of an instance.
 */
const knownProtocols: Readonly<Record<string, Pick<ServicePort, 'protocol' | 'number'>>> = {
  dubbo: { protocol: 'tcp', number: 20_880 },
  tri: { protocol: 'grpc', number: 50_051 },
  grpc: { protocol: 'grpc', number: 50_052 },
  rest: { protocol: 'http', number: 8_080 },
  http: { protocol: 'http', number: 80 },
  https: { protocol: 'https', number: 443 },
  hessian: { protocol: 'http', number: 8_081 },
  webservice: { protocol: 'http', number: 8_082 },
  thrift: { protocol: 'tcp', number: 9_090 },
  rmi: { protocol: 'tcp', number: 1_099 },
  rsocket: { protocol: 'tcp', number: 7_000 },
  motan: { protocol: 'tcp', number: 8_002 },
  motan2: { protocol: 'tcp', number: 8_003 },
};

export const isKnownProtocol = (name: string): boolean => Object.hasOwn(knownProtocols, name);

/**
 * Returns the port of a known protocol, with the configured number if there is one. Null for an unknown protocol.
 */
export function servicePort(name: string, numbers: Readonly<Record<string, number>> = {}): ServicePort | null {
  const known = isKnownProtocol(name) ? knownProtocols[name] : undefined;
  if (known === undefined) return null;
  return { name, ...known, ...(Object.hasOwn(numbers, name) ? { number: numbers[name] } : {}) };
}
