import type { ConnectionLimits, KeepalivePlan, UpstreamProtocol } from '../../../plan/destination.ts';
import type { TcpConnectionPlan } from '../../../plan/listener.ts';
import { durationMs } from '../../duration.ts';
import type { MeshConfig } from '../../mesh-config.ts';
import type { ConnectionPoolSpec } from './connection-pool-schema.ts';
import type { PortPolicy } from './policy-schema.ts';

type MeshDefaults = Pick<MeshConfig, 'connectTimeout' | 'tcpKeepalive' | 'h2UpgradePolicy'>;

/** Resolves the limits of connections. The mesh has defaults for the timeout and for probes. */
export function resolveLimits(policy: PortPolicy, mesh: MeshDefaults): ConnectionLimits {
  const { tcp, http } = policy.connectionPool ?? {};
  return {
    connectTimeoutMs: durationMs(tcp?.connectTimeout ?? mesh.connectTimeout),
    maxConnections: limit(tcp?.maxConnections),
    maxPendingRequests: limit(http?.http1MaxPendingRequests),
    maxRequests: limit(http?.http2MaxRequests),
    maxRetries: limit(http?.maxRetries),
    retryBudget: resolveRetryBudget(policy.retryBudget),
    maxRequestsPerConnection: limit(http?.maxRequestsPerConnection),
    maxConnectionMs: optionalMs(tcp?.maxConnectionDuration),
    idleTimeoutMs: optionalMs(http?.idleTimeout ?? tcp?.idleTimeout),
    keepalive: resolveKeepalive(tcp?.tcpKeepalive, mesh.tcpKeepalive),
    http2: {
      maxStreams: limit(http?.maxConcurrentStreams),
      pingIntervalMs: optionalMs(http?.http2KeepAlive?.interval),
      pingTimeoutMs: optionalMs(http?.http2KeepAlive?.timeout),
    },
  };
}

/** Maps 0 to undefined: the published API uses 0 for "the default". */
const limit = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

const optionalMs = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : durationMs(text);

function resolveRetryBudget(spec: PortPolicy['retryBudget']): ConnectionLimits['retryBudget'] {
  if (spec === undefined) return undefined;
  return { percent: spec.percent ?? 20, minConcurrent: limit(spec.minRetryConcurrency) ?? 3 };
}

type KeepaliveSpec = NonNullable<ConnectionPoolSpec['tcp']>['tcpKeepalive'];

/** Resolves probes on idle connections. A rule overrides the settings of the mesh one by one. */
function resolveKeepalive(own: KeepaliveSpec, ofMesh: MeshConfig['tcpKeepalive']): KeepalivePlan | undefined {
  if (own === undefined && ofMesh === undefined) return undefined;
  return {
    probes: limit(own?.probes) ?? limit(ofMesh?.probes),
    timeMs: optionalMs(own?.time ?? ofMesh?.time),
    intervalMs: optionalMs(own?.interval ?? ofMesh?.interval),
  };
}

/**
 * Resolves the HTTP version to a port. `own` is that of the port; `client` if the protocol is detected. Rules and the
 * mesh upgrade only ports that are known to speak HTTP/1.
 */
export function resolveProtocol(
  own: UpstreamProtocol,
  isHttpPort: boolean,
  pool: ConnectionPoolSpec | undefined,
  mesh: MeshDefaults,
): UpstreamProtocol {
  if (pool?.http?.useClientProtocol === true) return 'client';
  const { h2UpgradePolicy = 'DEFAULT' } = pool?.http ?? {};
  const policy = h2UpgradePolicy === 'DEFAULT' ? mesh.h2UpgradePolicy : h2UpgradePolicy;
  return isHttpPort && policy === 'UPGRADE' ? 'http2' : own;
}

/** Resolves the settings of TCP connections to a destination; undefined if all are defaults. */
export function resolveTcpConnection({
  connectionPool,
  loadBalancer,
  tunnel,
}: PortPolicy): TcpConnectionPlan | undefined {
  const { idleTimeout, maxConnectionDuration } = connectionPool?.tcp ?? {};
  const plan: TcpConnectionPlan = {
    idleTimeoutMs: idleTimeout === undefined ? null : durationMs(idleTimeout),
    maxDurationMs: maxConnectionDuration === undefined ? null : durationMs(maxConnectionDuration),
    hashesSource: loadBalancer?.consistentHash?.useSourceIp === true,
    tunnel: tunnel === undefined ? null : { target: tunnelTarget(tunnel), usesPost: tunnel.protocol === 'POST' },
  };
  const isDefault = idleTimeout === undefined && maxConnectionDuration === undefined && tunnel === undefined;
  return isDefault && !plan.hashesSource ? undefined : plan;
}

const tunnelTarget = ({ targetHost, targetPort }: NonNullable<PortPolicy['tunnel']>): string =>
  `${targetHost.includes(':') ? `[${targetHost}]` : targetHost}:${targetPort}`;
