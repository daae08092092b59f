import type { RouteConfigurationJson, VirtualHostJson } from '../proto/json.ts';
import type { SimulatedCall } from './call.ts';

/**
 * Finds the virtual host of a request: an exact domain, else the longest `*.suffix`, else the longest `prefix.*`, else
 * `*`: https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-virtualhost
 */
export function matchVirtualHost(configuration: RouteConfigurationJson, call: SimulatedCall): VirtualHostJson | null {
  const ignoresPort = configuration.ignorePortInHostMatching === true;
  const host = (ignoresPort ? withoutPort(call.host) : call.host).toLowerCase();
  let best: { readonly host: VirtualHostJson; readonly rate: number } | null = null;
  for (const virtualHost of configuration.virtualHosts ?? []) {
    for (const domain of virtualHost.domains ?? []) {
      const rate = rateDomain(domain.toLowerCase(), host);
      if (rate > (best?.rate ?? 0)) best = { host: virtualHost, rate };
    }
  }
  return best?.host ?? null;
}

/** Ranks of domains; the length of a domain orders those of one rank. */
const rank = { any: 1, prefix: 1_000, suffix: 1_000_000, exact: 1_000_000_000 };

/** Returns 0 for a domain that the host does not match. */
function rateDomain(domain: string, host: string): number {
  if (domain === host) return rank.exact;
  if (domain === '*') return rank.any;
  if (host.length < domain.length) return 0; // a wildcard stands for at least one character
  if (domain.startsWith('*') && host.endsWith(domain.slice(1))) return rank.suffix + domain.length;
  if (domain.endsWith('*') && host.startsWith(domain.slice(0, -1))) return rank.prefix + domain.length;
  return 0;
}

/** Removes the port of `host:80` and `[::1]:80`. */
const withoutPort = (host: string): string => host.replace(/^(\[[^\]]*\]|[^:]*):\d+$/, '$1');
