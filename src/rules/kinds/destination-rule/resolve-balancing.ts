import type { LoadBalancing, OutlierPlan, WarmupPlan } from '../../../plan/destination.ts';
import type { HashKey } from '../../../plan/route.ts';
import { durationMs } from '../../duration.ts';
import type { LoadBalancerSpec } from './load-balancer-schema.ts';
import type { OutlierDetectionSpec } from './outlier-schema.ts';

type ConsistentHashSpec = NonNullable<LoadBalancerSpec['consistentHash']>;

/** Resolves the choice of an endpoint: least request unless the rule chooses another algorithm. */
export function resolveLoadBalancing(spec: LoadBalancerSpec | undefined): LoadBalancing {
  if (spec?.consistentHash !== undefined) return resolveHashBalancing(spec.consistentHash);
  switch (spec?.simple) {
    case 'ROUND_ROBIN':
      return { type: 'round-robin', warmup: resolveWarmup(spec) };
    case 'RANDOM':
      return { type: 'random' };
    case 'PASSTHROUGH':
      return { type: 'passthrough' };
    default:
      return { type: 'least-request', warmup: resolveWarmup(spec) };
  }
}

function resolveHashBalancing({ maglev, ringHash, minimumRingSize }: ConsistentHashSpec): LoadBalancing {
  if (maglev !== undefined) return { type: 'maglev', tableSize: maglev.tableSize || null };
  if (ringHash !== undefined) return { type: 'ring-hash', minRingSize: ringHash.minimumRingSize || null };
  return { type: 'ring-hash', minRingSize: minimumRingSize || defaultRingSize };
}

const defaultRingSize = 1024;

/** Resolves the warm-up of new endpoints. The older form has the client's defaults. */
function resolveWarmup(spec: LoadBalancerSpec | undefined): WarmupPlan | null {
  if (spec?.warmup !== undefined) {
    const { duration, minimumPercent = 10, aggression = 1 } = spec.warmup;
    return { windowMs: durationMs(duration), minPercent: minimumPercent, aggression };
  }
  return spec?.warmupDurationSecs === undefined ? null : { windowMs: durationMs(spec.warmupDurationSecs) };
}

/** Resolves the part of a request whose hash chooses the endpoint; null without one. */
export function resolveHashKey(spec: LoadBalancerSpec | undefined): HashKey | null {
  const { httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName } = spec?.consistentHash ?? {};
  if (httpHeaderName !== undefined) return { type: 'header', name: httpHeaderName };
  if (httpQueryParameterName !== undefined) return { type: 'query', name: httpQueryParameterName };
  if (httpCookie === undefined) return useSourceIp === true ? { type: 'source-address' } : null;
  const { name, path = '', ttl, attributes = [] } = httpCookie;
  return {
    type: 'cookie',
    name,
    path,
    ttlMs: ttl === undefined ? null : durationMs(ttl),
    attributes: attributes.map((it) => ({ name: it.name, value: it.value ?? '' })),
  };
}

export function resolveOutlier(spec: OutlierDetectionSpec | undefined): OutlierPlan | null {
  if (spec === undefined) return null;
  const optionalMs = (text: string | undefined) => (text === undefined ? undefined : durationMs(text));
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
