import type { DestinationEndpoints, DestinationPlan } from '../../plan/destination.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { rulesAmong } from '../resolve/origins.ts';

/** Removes from a destination what MOSN does not support, and reports it to its rules. */
export function narrowDestination(plan: DestinationPlan, problems: PlanProblem[]): DestinationPlan {
  for (const shortcoming of shortcomings(plan)) {
    for (const origin of rulesAmong(plan.origins)) problems.push({ origin, message: `MOSN ${shortcoming}` });
  }
  const { loadBalancing: balancing, limits } = plan;
  const hasWarmup = 'warmup' in balancing && balancing.warmup !== null;
  return {
    ...plan,
    endpoints: withoutPlaces(plan.endpoints),
    weighsLocalities: false,
    loadBalancing: hasWarmup ? { ...balancing, warmup: null } : balancing,
    limits: limits.retryBudget === undefined ? limits : { ...limits, retryBudget: undefined },
    outlier: null,
    tls: null,
    proxyProtocol: null,
  };
}

function withoutPlaces(endpoints: DestinationEndpoints): DestinationEndpoints {
  switch (endpoints.type) {
    case 'assigned':
      return { type: 'assigned', assignment: { ...endpoints.assignment, locality: null } };
    case 'dns':
      return { ...endpoints, locality: null };
    default:
      return endpoints;
  }
}

function* shortcomings(plan: DestinationPlan): Generator<string> {
  const { loadBalancing, limits, outlier, tls, proxyProtocol, weighsLocalities } = plan;
  if (weighsLocalities) yield 'does not prefer localities';
  if ('warmup' in loadBalancing && loadBalancing.warmup !== null) yield 'does not warm endpoints up';
  if (limits.retryBudget !== undefined) yield 'has no retryBudget';
  if (outlier !== null) yield 'does not eject endpoints: outlierDetection has no effect on it';
  if (tls !== null) yield 'does not secure connections by trafficPolicy.tls: it sends plain text';
  if (proxyProtocol !== null) yield 'does not send the PROXY protocol';
}
