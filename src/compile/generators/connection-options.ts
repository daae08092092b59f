import type { ConnectionLimits, DestinationPlan, KeepalivePlan, UpstreamProtocol } from '../../plan/destination.ts';
import type { ClusterJson, HttpProtocolOptionsJson } from '../../proto/json.ts';
import { durationFromMs, extension } from './json.ts';

export const httpOptionsType = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const unlimited = 4_294_967_295;

/** Generates the limits of a cluster. Without a rule they are off. */
export const thresholds = (limits: ConnectionLimits) => ({
  maxConnections: limits.maxConnections ?? unlimited,
  maxPendingRequests: limits.maxPendingRequests ?? unlimited,
  maxRequests: limits.maxRequests ?? unlimited,
  maxRetries: limits.maxRetries ?? unlimited,
  ...(limits.retryBudget === undefined
    ? {}
    : {
        retryBudget: {
          budgetPercent: { value: limits.retryBudget.percent },
          minRetryConcurrency: limits.retryBudget.minConcurrent,
        },
      }),
  trackRemaining: true,
});

type Connections = Pick<DestinationPlan, 'protocol' | 'limits'> & Partial<Pick<DestinationPlan, 'tls'>>;

/** Generates the HTTP options of a cluster; none if all are Envoy's defaults. */
export function protocolOptions({
  protocol,
  limits,
  tls = null,
}: Connections): Pick<ClusterJson, 'typedExtensionProtocolOptions'> {
  const common = commonOptions(limits);
  const upstream = serverNameOptions(tls);
  if (protocol === 'http1' && isEmpty(common) && isEmpty(upstream)) return {};
  const options = extension(httpOptionsType, {
    ...(isEmpty(common) ? {} : { commonHttpProtocolOptions: common }),
    ...(isEmpty(upstream) ? {} : { upstreamHttpProtocolOptions: upstream }),
    ...protocolConfig(protocol, limits),
  } satisfies HttpProtocolOptionsJson);
  return { typedExtensionProtocolOptions: { [httpOptionsType]: options } };
}

type CommonOptions = NonNullable<HttpProtocolOptionsJson['commonHttpProtocolOptions']>;

const commonOptions = (limits: ConnectionLimits): CommonOptions => ({
  ...(limits.idleTimeoutMs === undefined ? {} : { idleTimeout: durationFromMs(limits.idleTimeoutMs) }),
  ...(limits.maxConnectionMs === undefined ? {} : { maxConnectionDuration: durationFromMs(limits.maxConnectionMs) }),
  ...(limits.maxRequestsPerConnection === undefined
    ? {}
    : { maxRequestsPerConnection: limits.maxRequestsPerConnection }),
});

/** Without a configured server name, that of the request is sent, and the certificate must have it. */
function serverNameOptions(tls: DestinationPlan['tls']): { autoSni?: boolean; autoSanValidation?: boolean } {
  if (tls === null || tls.sni !== null) return {};
  const checksName = tls.authorities !== null && tls.serverNames.length === 0;
  return { autoSni: true, ...(checksName ? { autoSanValidation: true } : {}) };
}

function protocolConfig(protocol: UpstreamProtocol, limits: ConnectionLimits): HttpProtocolOptionsJson {
  const http2ProtocolOptions = http2Options(limits);
  switch (protocol) {
    case 'http1':
      return { explicitHttpConfig: { httpProtocolOptions: {} } };
    case 'http2':
      return { explicitHttpConfig: { http2ProtocolOptions } };
    default:
      return { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions } };
  }
}

function http2Options({ http2 }: ConnectionLimits) {
  const { maxStreams, pingIntervalMs, pingTimeoutMs } = http2 ?? {};
  const pings = pingIntervalMs !== undefined || pingTimeoutMs !== undefined;
  return {
    ...(maxStreams === undefined ? {} : { maxConcurrentStreams: maxStreams }),
    ...(pings
      ? {
          connectionKeepalive: {
            ...(pingIntervalMs === undefined ? {} : { interval: durationFromMs(pingIntervalMs) }),
            timeout: durationFromMs(pingTimeoutMs ?? defaultPingTimeoutMs),
          },
        }
      : {}),
  };
}

/** Envoy requires a timeout. */
const defaultPingTimeoutMs = 10_000;

const isEmpty = (object: object): boolean => Object.keys(object).length === 0;

/** Generates probes on idle connections. Envoy has whole seconds. */
export function keepalive(plan: KeepalivePlan | undefined): Pick<ClusterJson, 'upstreamConnectionOptions'> {
  if (plan === undefined) return {};
  const { probes, timeMs, intervalMs } = plan;
  return {
    upstreamConnectionOptions: {
      tcpKeepalive: {
        ...(probes === undefined ? {} : { keepaliveProbes: probes }),
        ...(timeMs === undefined ? {} : { keepaliveTime: Math.ceil(timeMs / 1000) }),
        ...(intervalMs === undefined ? {} : { keepaliveInterval: Math.ceil(intervalMs / 1000) }),
      },
    },
  };
}
