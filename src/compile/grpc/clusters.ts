import type { DestinationPlan, OutlierPlan } from '../../plan/destination.ts';
import type { ClusterJson } from '../../proto/json.ts';
import type { NamedCluster } from '../generators/clusters.ts';
import { durationFromMs, overAds, socketAddress } from '../generators/json.ts';

/**
 * The cluster of a destination, with the fields that gRPC clients read. They refuse a load balancer that they do not know,
 * and least request is unknown to most: all of them have round robin.
 */
export function generateGrpcCluster(plan: DestinationPlan): NamedCluster {
  return {
    name: plan.name,
    ...discovery(plan),
    lbPolicy: 'ROUND_ROBIN',
    circuitBreakers: { thresholds: [{ maxRequests: plan.limits.maxRequests ?? unlimited }] }, // left out it is 1024
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

/** Envoy's, where a rule does not say. */
const defaultConsecutiveErrors = 5;

/**
 * gRPC clients count shares, not runs (gRFC A50): an endpoint is ejected when everything failed that it was sent in an
 * interval, if that was as much as the run of failures that the rule allows.
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
