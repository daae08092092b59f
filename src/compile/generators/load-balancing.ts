import { assertNever } from '../../lib/assert-never.ts';
import type { LoadBalancing, WarmupPlan } from '../../plan/destination.ts';
import type { ClusterJson } from '../../proto/json.ts';
import { durationFromMs } from './json.ts';

/** Generates the choice of an endpoint. The address of `passthrough` is that of the client's connection. */
export function loadBalancing(plan: LoadBalancing): Partial<ClusterJson> {
  switch (plan.type) {
    case 'round-robin':
      return { lbPolicy: 'ROUND_ROBIN', ...slowStart('roundRobinLbConfig', plan.warmup) };
    case 'least-request':
      return { lbPolicy: 'LEAST_REQUEST', ...slowStart('leastRequestLbConfig', plan.warmup) };
    case 'random':
      return { lbPolicy: 'RANDOM' };
    case 'passthrough':
      return { lbPolicy: 'CLUSTER_PROVIDED' };
    case 'ring-hash':
      return {
        lbPolicy: 'RING_HASH',
        ...(plan.minRingSize === null ? {} : { ringHashLbConfig: { minimumRingSize: String(plan.minRingSize) } }),
      };
    case 'maglev':
      return {
        lbPolicy: 'MAGLEV',
        ...(plan.tableSize === null ? {} : { maglevLbConfig: { tableSize: String(plan.tableSize) } }),
      };
    default:
      return assertNever(plan);
  }
}

function slowStart(field: 'roundRobinLbConfig' | 'leastRequestLbConfig', warmup: WarmupPlan | null) {
  if (warmup === null) return {};
  const { windowMs, minPercent, aggression } = warmup;
  return {
    [field]: {
      slowStartConfig: {
        slowStartWindow: durationFromMs(windowMs),
        ...(aggression === undefined
          ? {}
          : { aggression: { defaultValue: aggression, runtimeKey: 'slow_start.aggression' } }), // Envoy needs a key
        ...(minPercent === undefined ? {} : { minWeightPercent: { value: minPercent } }),
      },
    },
  };
}
