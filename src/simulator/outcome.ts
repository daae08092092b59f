import type { TcpProxyJson } from '../proto/json.ts';
import type { ChosenCluster, Outcome, ProxyConfiguration, SimulatedCall } from './call.ts';
import type { RouteEntryJson } from './route-match.ts';

type ActionJson = NonNullable<RouteEntryJson['route']>;
type RedirectJson = NonNullable<RouteEntryJson['redirect']>;

/** Names the clusters of a TCP proxy. */
export function tcpOutcome({ cluster, weightedClusters }: TcpProxyJson, configuration: ProxyConfiguration): Outcome {
  const weighted = (weightedClusters?.clusters ?? []).map(({ name = '', weight = 0 }) => ({ name, weight }));
  return forward(cluster === undefined ? weighted : [{ name: cluster, weight: 1 }], configuration);
}

/** Determines the result of a request that a route accepts. */
export function routeOutcome(
  { route, redirect, directResponse }: RouteEntryJson,
  call: SimulatedCall,
  configuration: ProxyConfiguration,
): Outcome {
  if (redirect !== undefined) {
    return { type: 'redirect', status: redirectStatus(redirect), location: locationOf(redirect, call) };
  }
  if (directResponse !== undefined) return { type: 'respond', status: directResponse.status ?? 200 };
  if (route !== undefined) return forward(clustersOf(route, call), configuration);
  return { type: 'error', error: 'no-route', reason: 'the route has no action of a proxy' };
}

function clustersOf({ cluster, clusterHeader, weightedClusters }: ActionJson, call: SimulatedCall) {
  if (cluster !== undefined) return [{ name: cluster, weight: 1 }];
  if (clusterHeader !== undefined) return [{ name: call.headers.get(clusterHeader.toLowerCase()) ?? '', weight: 1 }];
  return (weightedClusters?.clusters ?? []).map(({ name = '', weight }) => ({ name, weight: weight ?? 0 }));
}

function forward(clusters: readonly Omit<ChosenCluster, 'exists'>[], configuration: ProxyConfiguration): Outcome {
  const exists = (name: string) => configuration.clusters.some((one) => one.name === name);
  return { type: 'forward', clusters: clusters.map((one) => ({ ...one, exists: exists(one.name) })) };
}

const statuses: Readonly<Record<string, number>> = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
};

const redirectStatus = ({ responseCode }: RedirectJson): number => statuses[responseCode ?? ''] ?? 301;

/** Builds the location of a redirect. A rewrite of a prefix or by an expression is shown as its target. */
function locationOf(redirect: RedirectJson, { host, path, tls }: SimulatedCall): string {
  const own = tls === 'none' ? 'http' : 'https';
  const scheme = redirect.schemeRedirect ?? (redirect.httpsRedirect === true ? 'https' : own);
  const [name = '', port] = host.split(/:(?=\d+$)/);
  const given = redirect.portRedirect ?? (redirect.hostRedirect === undefined && scheme === own ? port : undefined);
  const target = redirect.pathRedirect ?? redirect.prefixRewrite ?? path;
  return `${scheme}://${redirect.hostRedirect ?? name}${given === undefined ? '' : `:${given}`}${target}`;
}
