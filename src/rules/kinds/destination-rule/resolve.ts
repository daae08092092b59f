import type { ConnectionLimits, LoadBalancing, OutlierPlan } from '../../../plan/destination.ts';
import { durationMs } from '../../duration.ts';
import { ruleId } from '../../rule.ts';
import type { ConnectionPoolSpec } from './connection-pool-schema.ts';
import type { DestinationRule } from './index.ts';
import type { LoadBalancerSpec } from './load-balancer-schema.ts';
import type { OutlierDetectionSpec } from './outlier-schema.ts';
import type { TrafficPolicySpec } from './policy-schema.ts';
import type { SubsetSpec } from './schema.ts';

/** Several DestinationRules of one host, merged. */
export interface MergedDestinationRule {
  readonly policy: TrafficPolicySpec | undefined;
  readonly subsets: readonly SubsetSpec[];
  /** Rule ids, in order of precedence. */
  readonly origins: readonly string[];
  readonly problems: readonly { readonly origin: string; readonly message: string }[];
}

/**
 * Merges the rules of one host, given in order of precedence. Appends unique subsets and keeps the first trafficPolicy.
 */
export function mergeDestinationRules(rules: readonly DestinationRule[]): MergedDestinationRule {
  const subsets = new Map<string, { readonly subset: SubsetSpec; readonly origin: string }>();
  const problems: { origin: string; message: string }[] = [];
  let policy: TrafficPolicySpec | undefined;
  for (const rule of rules) {
    const origin = ruleId(rule);
    for (const subset of rule.spec.subsets ?? []) {
      const earlier = subsets.get(subset.name);
      if (earlier === undefined) subsets.set(subset.name, { subset, origin });
      else problems.push({ origin, message: `subset ${subset.name} is dropped: ${earlier.origin} has it already` });
    }
    if (policy !== undefined && rule.spec.trafficPolicy !== undefined) {
      problems.push({ origin, message: 'spec.trafficPolicy is not used: an older rule of the same host has one' });
    }
    policy ??= rule.spec.trafficPolicy;
  }
  return {
    policy,
    subsets: [...subsets.values()].map(({ subset }) => subset),
    origins: rules.map(ruleId),
    problems,
  };
}

/** The settings of one port of a destination or of a subset. */
export type PortPolicy = Pick<TrafficPolicySpec, 'connectionPool' | 'loadBalancer' | 'outlierDetection'>;

/**
 * Returns the policy of `port`. A subset's policy overrides field by field. A port's settings replace all fields
 * together, including those that it leaves out.
 */
export function portPolicy(rule: MergedDestinationRule, subset: SubsetSpec | null, port: number): PortPolicy {
  return override(override({}, rule.policy, port), subset?.trafficPolicy, port);
}

function override(base: PortPolicy, policy: TrafficPolicySpec | undefined, port: number): PortPolicy {
  if (policy === undefined) return base;
  const own = policy.portLevelSettings?.find((settings) => settings.port.number === port);
  if (own !== undefined) return own;
  return {
    connectionPool: policy.connectionPool ?? base.connectionPool,
    loadBalancer: policy.loadBalancer ?? base.loadBalancer,
    outlierDetection: policy.outlierDetection ?? base.outlierDetection,
  };
}

/**
 * Returns least request unless the rule chooses another algorithm. Consistent hashing is not compiled yet and falls
 * back to it.
 */
export function resolveLoadBalancing(loadBalancer: LoadBalancerSpec | undefined): LoadBalancing {
  switch (loadBalancer?.simple) {
    case 'ROUND_ROBIN':
      return 'round-robin';
    case 'RANDOM':
      return 'random';
    case 'PASSTHROUGH':
      return 'passthrough';
    default:
      return 'least-request';
  }
}

/** Returns whether requests of HTTP/1.1 ports are sent upstream as HTTP/2. */
export const upgradesToHttp2 = (pool: ConnectionPoolSpec | undefined): boolean =>
  pool?.http?.h2UpgradePolicy === 'UPGRADE';

export function resolveLimits(pool: ConnectionPoolSpec | undefined, defaultConnectTimeoutMs: number): ConnectionLimits {
  const { tcp, http } = pool ?? {};
  return {
    connectTimeoutMs: optionalMs(tcp?.connectTimeout) ?? defaultConnectTimeoutMs,
    maxConnections: limit(tcp?.maxConnections),
    maxPendingRequests: limit(http?.http1MaxPendingRequests),
    maxRequests: limit(http?.http2MaxRequests),
    maxRetries: limit(http?.maxRetries),
    maxRequestsPerConnection: limit(http?.maxRequestsPerConnection),
    httpIdleTimeoutMs: optionalMs(http?.idleTimeout),
    keepalive: resolveKeepalive(tcp?.tcpKeepalive),
  };
}

/** Maps 0 to undefined: the published API uses 0 for "the default". */
const limit = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

const optionalMs = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : durationMs(text);

type KeepaliveSpec = NonNullable<ConnectionPoolSpec['tcp']>['tcpKeepalive'];

function resolveKeepalive(spec: KeepaliveSpec): ConnectionLimits['keepalive'] {
  if (spec === undefined) return undefined;
  return {
    ...(spec.probes === undefined ? {} : { probes: spec.probes }),
    ...(spec.time === undefined ? {} : { timeMs: durationMs(spec.time) }),
    ...(spec.interval === undefined ? {} : { intervalMs: durationMs(spec.interval) }),
  };
}

export function resolveOutlier(spec: OutlierDetectionSpec | undefined): OutlierPlan | null {
  if (spec === undefined) return null;
  return {
    consecutive5xx: spec.consecutive5xxErrors,
    consecutiveGatewayErrors: spec.consecutiveGatewayErrors ?? spec.consecutiveErrors,
    consecutiveLocalOriginFailures: spec.consecutiveLocalOriginFailures,
    splitLocalOrigin: spec.splitExternalLocalOriginErrors ?? false,
    intervalMs: optionalMs(spec.interval),
    baseEjectionMs: optionalMs(spec.baseEjectionTime),
    maxEjectionPercent: spec.maxEjectionPercent,
    minHealthPercent: spec.minHealthPercent,
  };
}
