import { covers } from '../../../model/names.ts';
import type { SidecarSpec } from './schema.ts';

/** What the proxies of a Sidecar may call: any of these. */
export interface EgressHost {
  /** A namespace, or `*`. */
  readonly namespace: string;
  /** A hostname or wildcard. */
  readonly host: string;
}

/**
 * The hosts that a Sidecar lets its proxies call; `.` is the namespace of the proxies, in which there is nothing to
 * call when it is `*` (all namespaces that are empty). No `egress` means everything, `~` nothing.
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

/** Whether a service may be called. */
export const admitsService = (egress: readonly EgressHost[], namespace: string, host: string): boolean =>
  egress.some((it) => (it.namespace === '*' || it.namespace === namespace) && covers(it.host, host));

/** Whether a rule for `host` (which may be a wildcard) has a say: where it and an egress host overlap. */
export const admitsRule = (egress: readonly EgressHost[], namespace: string, host: string): boolean =>
  egress.some(
    (it) => (it.namespace === '*' || it.namespace === namespace) && (covers(it.host, host) || covers(host, it.host)),
  );
