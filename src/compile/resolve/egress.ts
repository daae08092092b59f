import { isHttp, type Service, type ServicePort } from '../../model/service.ts';
import { anyAddress, type IpFamilies } from '../../plan/ip-families.ts';
import type { VirtualHostPlan } from '../../plan/route.ts';
import { isUnixAddress } from '../../rules/addresses.ts';
import { type EgressPlace, everyPort } from '../../rules/kinds/sidecar/resolve.ts';

/** Listener by which clients call a host. A Sidecar may define several, each with hosts of its own. */
export interface Egress {
  readonly place: EgressPlace;
  /** Places of the listeners before this one. They have precedence. */
  readonly earlier: readonly EgressPlace[];
  /** Name of the route configuration if it is not that of the port. */
  readonly routeConfiguration: string | null;
}

/** Listener of clients without a Sidecar: each service has its ports. */
export const plainEgress: Egress = { place: everyPort, earlier: [], routeConfiguration: null };

/** Listener for clients that use their proxy as HTTP proxy. */
export const httpProxyEgress = (port: number): Egress => ({
  place: { port, protocol: 'http-proxy', bind: '127.0.0.1', bindsToPort: true },
  earlier: [],
  routeConfiguration: 'http_proxy',
});

/** Returns true if all ports of a service are called at one place: a socket or an HTTP proxy. */
export const isSharedPlace = ({ port, protocol }: EgressPlace): boolean => port === 0 || protocol === 'http-proxy';

/** Returns the ports of a service that clients call at a place, with the service's own protocols. */
export const calledPorts = (place: EgressPlace, { ports }: Service): readonly ServicePort[] =>
  place.port === null || isSharedPlace(place) ? ports : ports.filter(({ number }) => number === place.port);

/**
 * Returns the ports of a service for which a listener has chains, with the protocols of the listener. At a shared place,
 * requests name their port, and connections without requests can have one port only.
 */
export function listenerPorts({ place }: Egress, service: Service): readonly ServicePort[] {
  const ports = calledPorts(place, service).filter(({ protocol }) => protocol !== 'udp');
  if (!isSharedPlace(place)) {
    return ports.map((port) => (place.protocol === null ? port : { ...port, protocol: listenerProtocol(place, port) }));
  }
  const http = ports.filter((port) => isHttp(listenerProtocol(place, port))).slice(0, 1);
  const connections = ports.length === 1 && place.protocol !== 'http-proxy' ? ports : [];
  return (http.length > 0 ? http : connections).map((port) => ({ ...port, protocol: listenerProtocol(place, port) }));
}

const listenerProtocol = ({ protocol }: EgressPlace, port: ServicePort): ServicePort['protocol'] =>
  protocol === 'http-proxy' ? (isHttp(port.protocol) ? port.protocol : 'tcp') : (protocol ?? port.protocol);

/** Returns true if a service cannot be called at a socket, because connections do not name one of its ports. */
export const isAmbiguous = (egress: Egress, service: Service): boolean =>
  isSharedPlace(egress.place) &&
  egress.place.protocol !== 'http-proxy' &&
  calledPorts(egress.place, service).length > 0 &&
  listenerPorts(egress, service).length === 0;

/** Returns true if the requests to a port are routed by the hosts of this listener. */
export const hasRoutesOf = ({ place, earlier }: Egress, port: number): boolean =>
  isSharedPlace(place) ||
  ((place.port === null || place.port === port) && earlier.every((other) => other.port !== port));

/** Returns the name of the route configuration for requests to a port. */
export function routeConfigurationOf({ place, routeConfiguration }: Egress, port: number): string {
  if (routeConfiguration !== null) return routeConfiguration;
  return place.port === 0 ? place.bind : String(place.port ?? port);
}

/**
 * Writes the domains of a virtual host for its listener. At a shared place, requests name their port; without one, they
 * are for port 80.
 */
export function addressed(egress: Egress, host: VirtualHostPlan): VirtualHostPlan {
  const routeConfiguration = routeConfigurationOf(egress, host.port ?? 0);
  const { port } = host;
  if (!isSharedPlace(egress.place) || port === null) return { ...host, routeConfiguration };
  const withPort = (domain: string) => (domain === '*' ? domain : `${domain}:${port}`);
  const domains = host.domains.flatMap((domain) => (port === 80 ? [withPort(domain), domain] : [withPort(domain)]));
  return {
    ...host,
    routeConfiguration,
    ownDomain: withPort(host.ownDomain),
    domains: [...new Set(domains)],
    port: null,
  };
}

/** Returns the addresses of a listener that a Sidecar places; null if they are those of the services. */
export function placedAddresses({ place }: Egress, families: IpFamilies): readonly [string, ...string[]] | null {
  if (place.bind !== '') return [place.bind];
  return place.bindsToPort ? [loopback(families)] : null;
}

const loopback = (families: IpFamilies): string => (families === 'ipv6' ? '::1' : '127.0.0.1');

/** Returns true if an earlier listener has this address and port. */
export const isTaken = ({ earlier, place }: Egress, bind: string, port: number, families: IpFamilies): boolean =>
  place.port === null && earlier.some((other) => other.port === port && primaryBind(other, families) === bind);

/** Returns the address of a listener; null if each service has its own. */
function primaryBind(place: EgressPlace, families: IpFamilies): string | null {
  const [placed] = placedAddresses({ ...plainEgress, place }, families) ?? [];
  const isHttpPort = place.protocol === 'http-proxy' || (place.protocol !== null && isHttp(place.protocol));
  return placed ?? (isHttpPort ? anyAddress[families][0] : null);
}

/** Returns the parts of egress listeners that clients without listeners of their own, or with one chain, do not have. */
export function* unsupportedPlaces(places: readonly EgressPlace[], isProxy: boolean): Generator<string> {
  for (const [index, { port, protocol, bind, bindsToPort }] of places.entries()) {
    const path = `spec.egress[${index}]`;
    if (isProxy) {
      if (isUnixAddress(bind)) yield `${path}.bind for MOSN`;
      if (protocol === 'http-proxy') yield `${path}.port.protocol for MOSN`;
      continue;
    }
    if (port !== null) yield `${path}.port for gRPC clients`;
    if (bind !== '') yield `${path}.bind for gRPC clients`;
    else if (bindsToPort) yield `${path}.captureMode for gRPC clients`;
  }
}
