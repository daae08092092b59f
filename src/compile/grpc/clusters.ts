import type { DestinationPlan, OutlierPlan } from '../../plan/destination.ts';
import type { ClusterJson } from '../../proto/json.ts';
import type { NamedCluster } from '../generators/clusters.ts';
import { durationFromMs, overAds, socketAddress } from '../generators/json.ts';

/**
 * Generates the cluster of a destination, with the fields that gRPC clients read. They reject unknown load balancers,
 * and most do not know least request: all get round robin.
 */
export function generateGrpcCluster(plan: DestinationPlan): NamedCluster {
  return {
    name: plan.name,
    ...discovery(plan),
    lbPolicy: 'ROUND_ROBIN',
    circuitBreakers: { thresholds: [{ maxRequests: plan.limits.maxRequests ?? unlimited }] }, // the default is 1024
    ...outlierDetection(plan.outlier),
  } satisfies ClusterJson;
}

const unlimited = 4_294_967_295;

function discovery({ name, endpoints }: DestinationPlan): Omit<ClusterJson, 'name'> {
  if (endpoints.type !== 'dns') return { type: 'EDS', edsClusterConfig: { edsConfig: overAds, serviceName: name } };
  const lbEndpoints = endpoints.targets.map(({ address, port }) => ({
    endpoint: { address: socketAddress(address, port) },
  }));
  return { type: 'LOGICAL_DNS', loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints }] } };
}

/** Envoy's default. */
const defaultConsecutiveErrors = 5;

/**
 * Generates outlier detection. gRPC clients count failure rates, not consecutive failures (gRFC A50). An endpoint is
 * ejected if all calls of an interval failed, and they were as many as the rule's limit of consecutive failures.
 */
function outlierDetection(outlier: OutlierPlan | null): Pick<ClusterJson, 'outlierDetection'> {
  if (outlier === null) return {};
  const { consecutive5xx = defaultConsecutiveErrors, consecutiveGatewayErrors = 0, intervalMs } = outlier;
  const runs = [consecutive5xx, consecutiveGatewayErrors].filter((count) => count > 0);
  return {
    outlierDetection: {
      enforcingSuccessRate: 0,
      ...(runs.length === 0
        ? { enforcingFailurePercentage: 0 }
        : {
            enforcingFailurePercentage: 100,
            failurePercentageThreshold: 99,
            failurePercentageMinimumHosts: 1,
            failurePercentageRequestVolume: Math.min(...runs),
          }),
      ...(intervalMs === undefined ? {} : { interval: durationFromMs(intervalMs) }),
      ...(outlier.baseEjectionMs === undefined ? {} : { baseEjectionTime: durationFromMs(outlier.baseEjectionMs) }),
      ...(outlier.maxEjectionPercent === undefined ? {} : { maxEjectionPercent: outlier.maxEjectionPercent }),
    },
  };
}
