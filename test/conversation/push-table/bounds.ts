import type { XdsType } from '../../../src/proto/resource.ts';
import type { RowKind } from './row.ts';

/**
 * Types that a change of a kind may reach at a sidecar at most: what other control planes of this API compile again for
 * it. Secrets are in none: rules have no private keys.
 */
export const bounds: Readonly<Record<RowKind, readonly XdsType[]>> = {
  VirtualService: ['listener', 'route'],
  // Listeners: how TCP connections to the destination are proxied.
  DestinationRule: ['cluster', 'endpoint', 'listener', 'route'],
  ServiceEntry: ['cluster', 'endpoint', 'listener', 'route'],
  WorkloadEntry: ['endpoint'],
  WorkloadGroup: [],
  Sidecar: ['cluster', 'listener', 'route'],
  Gateway: [],
  EnvoyFilter: ['cluster', 'endpoint', 'listener', 'route'],
  ProxyConfig: [],
  PeerAuthentication: ['cluster', 'endpoint', 'listener'],
  RequestAuthentication: ['listener'],
  AuthorizationPolicy: ['listener'],
  Telemetry: ['listener'],
  WasmPlugin: ['listener'],
  TrafficExtension: ['listener'],
  MeshConfig: ['cluster', 'endpoint', 'listener', 'route'],
  services: ['cluster', 'endpoint', 'listener', 'route'],
  endpoints: ['endpoint'],
};
