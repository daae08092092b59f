import type { OutlierPlan } from '../../plan/destination.ts';
import type { ClusterJson } from '../../proto/json.ts';
import { durationFromMs } from './json.ts';

/** Generates outlier detection. 0 disables a kind of ejection. Ejection by success rate is off. */
export function generateOutlierDetection(outlier: OutlierPlan | null): Pick<ClusterJson, 'outlierDetection'> {
  if (outlier === null) return {};
  const { consecutive5xx, consecutiveGatewayErrors: gateway, intervalMs, baseEjectionMs, maxEjectionPercent } = outlier;
  return {
    outlierDetection: {
      enforcingSuccessRate: 0,
      ...(consecutive5xx === undefined ? {} : { consecutive5xx, enforcingConsecutive5xx: enforcing(consecutive5xx) }),
      ...(gateway === undefined
        ? {}
        : { consecutiveGatewayFailure: gateway, enforcingConsecutiveGatewayFailure: enforcing(gateway) }),
      ...localOrigin(outlier),
      ...(intervalMs === undefined ? {} : { interval: durationFromMs(intervalMs) }),
      ...(baseEjectionMs === undefined ? {} : { baseEjectionTime: durationFromMs(baseEjectionMs) }),
      ...(maxEjectionPercent === undefined ? {} : { maxEjectionPercent }),
    },
  };
}

const enforcing = (count: number) => (count > 0 ? 100 : 0);

/** Generates the ejection for errors of the proxy itself, which Envoy counts only if they are split from the others. */
function localOrigin({ splitLocalOrigin, consecutiveLocalOriginFailures: local }: OutlierPlan) {
  if (!splitLocalOrigin) return {};
  return {
    splitExternalLocalOriginErrors: true,
    enforcingLocalOriginSuccessRate: 0,
    ...(local === undefined
      ? {}
      : { consecutiveLocalOriginFailure: local, enforcingConsecutiveLocalOriginFailure: enforcing(local) }),
  };
}
