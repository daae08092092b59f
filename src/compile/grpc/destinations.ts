import type { DestinationPlan } from '../../plan/destination.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { rulesAmong } from '../resolve/origins.ts';

/**
 * Returns the destinations that gRPC clients can call: those with assigned endpoints, and those with one name to look
 * up. Deviations from rules are reported.
 */
export function narrowDestinations(
  destinations: readonly DestinationPlan[],
  problems: PlanProblem[],
): readonly DestinationPlan[] {
  return destinations.flatMap((plan) => {
    const narrowed = narrow(plan, problems);
    if (narrowed !== null) reportShortcomings(plan, problems);
    return narrowed ?? [];
  });
}

function narrow(plan: DestinationPlan, problems: PlanProblem[]): DestinationPlan | null {
  const { endpoints, origins } = plan;
  if (endpoints.type === 'assigned') return plan;
  if (endpoints.type === 'original-destination' || endpoints.type === 'dynamic-dns') return null;
  const [first, ...others] = endpoints.targets;
  if (first === undefined) return null;
  if (others.length > 0) {
    const [origin = ''] = origins;
    problems.push({ origin, message: `gRPC clients look up one name only: ${first.address}:${first.port}` });
  }
  return { ...plan, endpoints: { ...endpoints, all: false, targets: [first], locality: null } };
}

function reportShortcomings(plan: DestinationPlan, problems: PlanProblem[]): void {
  for (const shortcoming of shortcomings(plan)) {
    for (const origin of rulesAmong(plan.origins)) problems.push({ origin, message: `gRPC clients ${shortcoming}` });
  }
}

function* shortcomings({ loadBalancing, limits, outlier, tls, proxyProtocol }: DestinationPlan): Generator<string> {
  const { type } = loadBalancing;
  if (type !== 'round-robin' && type !== 'least-request') {
    const name = type.toUpperCase().replace('-', '_');
    yield `do not know the load balancer ${name}: they take endpoints by turns`;
  } else if (loadBalancing.warmup !== null) yield 'do not warm endpoints up';
  if (limits.retryBudget !== undefined) yield 'have no retryBudget';
  if (outlier?.minHealthPercent) yield 'have no minHealthPercent';
  if (tls !== null) yield 'secure connections as their program says, not by trafficPolicy.tls';
  if (proxyProtocol !== null) yield 'do not send the PROXY protocol';
}
