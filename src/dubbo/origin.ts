import { ipVersion } from '../lib/ip.ts';
import type { EndpointOrigin } from '../model/endpoint.ts';
import { type Provider, sidecarPortParameter } from './provider.ts';

/** Builds the origin of a provider's endpoint: `place` is the folder in which the provider is registered. */
export function providerOrigin(
  place: string,
  { address, port, parameters }: Pick<Provider, 'address' | 'port' | 'parameters'>,
): EndpointOrigin {
  const host = ipVersion(address) === 6 ? `[${address}]` : address;
  return { place, instance: `${host}:${port}`, ...(parameters.has(sidecarPortParameter) ? { ownPort: port } : {}) };
}
