import { covers } from '../../../model/names.ts';
import type { ConnectionPoolSpec } from '../destination-rule/connection-pool-schema.ts';
import type { IngressSpec } from './listener-schema.ts';
import type { SidecarSpec } from './schema.ts';

/** An element of the hosts that a Sidecar's proxies may call. */
export interface EgressHost {
  /** A namespace, or `*`. */
  readonly namespace: string;
  /** A hostname or wildcard. */
  readonly host: string;
}

/**
 * Returns the hosts that a Sidecar's proxies may call. `.` is the namespace of the proxies. When that is `*` (all
 * namespaces without proxies), `.` matches no service. An absent `egress` means everything, `~` nothing.
 */
export function resolveEgress(spec: SidecarSpec, proxyNamespace: string): readonly EgressHost[] {
  if (spec.egress === undefined || spec.egress.length === 0) return [{ namespace: '*', host: '*' }];
  return spec.egress
    .flatMap(({ hosts }) => hosts)
    .flatMap((text) => {
      const slash = text.indexOf('/');
      const namespace = text.slice(0, slash);
      if (namespace === '~' || (namespace === '.' && proxyNamespace === '*')) return [];
      return [{ namespace: namespace === '.' ? proxyNamespace : namespace, host: text.slice(slash + 1).toLowerCase() }];
    });
}

/** Returns whether proxies may call a service. */
export const admitsService = (egress: readonly EgressHost[], namespace: string, host: string): boolean =>
  egress.some((it) => (it.namespace === '*' || it.namespace === namespace) && covers(it.host, host));

/** Returns whether a rule for `host` (possibly a wildcard) applies: whether `host` and an egress host overlap. */
export const admitsRule = (egress: readonly EgressHost[], namespace: string, host: string): boolean =>
  egress.some(
    (it) => (it.namespace === '*' || it.namespace === namespace) && (covers(it.host, host) || covers(host, it.host)),
  );

/** Returns whether a Sidecar changes the inbound configuration of its proxies. */
export const hasInboundSettings = ({ ingress = [], inboundConnectionPool }: SidecarSpec): boolean =>
  ingress.length > 0 || inboundConnectionPool !== undefined;

/** Returns the ingress listener of a port. */
export const ingressOf = ({ ingress = [] }: SidecarSpec, port: number): IngressSpec | undefined =>
  ingress.find((listener) => listener.port.number === port);

/** Returns the limits of an inbound port; undefined if the Sidecar has none. */
export const inboundPool = (spec: SidecarSpec, port: number): ConnectionPoolSpec | undefined =>
  ingressOf(spec, port)?.connectionPool ?? spec.inboundConnectionPool;
