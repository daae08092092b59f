import { canonicalAddress } from '../../../lib/ip.ts';
import { covers } from '../../../model/names.ts';
import type { Protocol } from '../../../model/service.ts';
import { isUnixAddress } from '../../addresses.ts';
import { isHttpProxy, protocolOf } from '../../protocols.ts';
import type { ConnectionPoolSpec } from '../destination-rule/connection-pool-schema.ts';
import type { EgressSpec, IngressSpec } from './listener-schema.ts';
import type { SidecarSpec } from './schema.ts';

/** An element of the hosts that a Sidecar's proxies may call. */
export interface EgressHost {
  /** A namespace, or `*`. */
  readonly namespace: string;
  /** A hostname or wildcard. */
  readonly host: string;
}

/** Address and port at which clients call hosts. */
export interface EgressPlace {
  /** Port; 0 for a socket. Null: the ports of the services. */
  readonly port: number | null;
  /** Null: the protocols of the services. */
  readonly protocol: Protocol | 'http-proxy' | null;
  /** IP address or `unix://…`; empty for the address of the services. */
  readonly bind: string;
  /** True if it opens a socket, although other traffic is captured. */
  readonly bindsToPort: boolean;
}

/** An egress listener of a Sidecar. */
export interface EgressListener {
  readonly place: EgressPlace;
  readonly hosts: readonly EgressHost[];
  readonly excluded: readonly EgressHost[];
}

/** The place of calls without a Sidecar. */
export const everyPort: EgressPlace = { port: null, protocol: null, bind: '', bindsToPort: false };

const everything: EgressListener = { place: everyPort, hosts: [{ namespace: '*', host: '*' }], excluded: [] };

/**
 * Returns the egress listeners of a Sidecar. `.` is the namespace of the proxies. When that is `*` (all namespaces
 * without proxies), `.` matches no service. An absent `egress` means everything.
 */
export function resolveEgress({ egress = [] }: SidecarSpec, proxyNamespace: string): readonly EgressListener[] {
  if (egress.length === 0) return [everything];
  return egress.map((listener) => ({ place: placeOf(listener), ...resolveHosts(listener.hosts, proxyNamespace) }));
}

function placeOf({ port, bind = '', captureMode }: EgressSpec): EgressPlace {
  const protocol = port?.protocol ?? '';
  return {
    port: port === undefined ? null : (port.number ?? 0),
    protocol: isHttpProxy(protocol) ? 'http-proxy' : (protocolOf(protocol) ?? null),
    bind: canonicalAddress(bind),
    bindsToPort: captureMode === 'NONE' || isUnixAddress(bind),
  };
}

function resolveHosts(texts: readonly string[], own: string): Pick<EgressListener, 'hosts' | 'excluded'> {
  const hosts: EgressHost[] = [];
  const excluded: EgressHost[] = [];
  for (const text of texts) {
    const slash = text.indexOf('/');
    const written = text.slice(0, slash);
    const isExcluded = written.startsWith('~');
    const named = isExcluded ? written.slice(1) || '*' : written;
    if (named === '.' && own === '*') continue;
    const host = { namespace: named === '.' ? own : named, host: text.slice(slash + 1).toLowerCase() };
    (isExcluded ? excluded : hosts).push(host);
  }
  return { hosts, excluded };
}

/** Returns whether proxies may call a service through a listener. */
export const admitsService = ({ hosts, excluded }: EgressListener, namespace: string, host: string): boolean =>
  hosts.some((it) => isIn(it, namespace) && covers(it.host, host)) && !isExcluded(excluded, namespace, host);

/** Returns whether a rule for `host` (possibly a wildcard) applies: whether `host` and an egress host overlap. */
export const admitsRule = ({ hosts, excluded }: EgressListener, namespace: string, host: string): boolean =>
  hosts.some((it) => isIn(it, namespace) && (covers(it.host, host) || covers(host, it.host))) &&
  !isExcluded(excluded, namespace, host);

const isIn = (it: EgressHost, namespace: string): boolean => it.namespace === '*' || it.namespace === namespace;

const isExcluded = (excluded: readonly EgressHost[], namespace: string, host: string): boolean =>
  excluded.some((it) => isIn(it, namespace) && covers(it.host, host));

/** Returns whether a Sidecar changes the inbound configuration of its proxies. */
export const hasInboundSettings = ({ ingress = [], inboundConnectionPool }: SidecarSpec): boolean =>
  ingress.length > 0 || inboundConnectionPool !== undefined;

/** Returns the ingress listener of a port. */
export const ingressOf = ({ ingress = [] }: SidecarSpec, port: number): IngressSpec | undefined =>
  ingress.find((listener) => listener.port.number === port);

/** Returns the limits of an inbound port; undefined if the Sidecar has none. */
export const inboundPool = (spec: SidecarSpec, port: number): ConnectionPoolSpec | undefined =>
  ingressOf(spec, port)?.connectionPool ?? spec.inboundConnectionPool;
