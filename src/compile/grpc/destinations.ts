import type { DestinationPlan } from '../../plan/destination.ts';
import type { PlanProblem } from '../../plan/unit.ts';

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
    if (narrowed !== null) reportBalancing(plan, problems);
    return narrowed ?? [];
  });
}

function narrow(plan: DestinationPlan, problems: PlanProblem[]): DestinationPlan | null {
  const { endpoints, origins } = plan;
  if (endpoints.type === 'assigned') return plan;
  if (endpoints.type === 'original-destination') return null;
  const [first, ...others] = endpoints.targets;
  if (first === undefined) return null;
  if (others.length > 0) {
    const [origin = ''] = origins;
    problems.push({ origin, message: `gRPC clients look up one name only: ${first.address}:${first.port}` });
  }
  return { ...plan, endpoints: { type: 'dns', all: false, targets: [first] } };
}

function reportBalancing({ loadBalancing, origins: [, ...rules] }: DestinationPlan, problems: PlanProblem[]): void {
  if (loadBalancing !== 'random' && loadBalancing !== 'passthrough') return;
  const message = `gRPC clients do not know the load balancer ${loadBalancing.toUpperCase()}: they take endpoints by turns`;
  for (const origin of rules) problems.push({ origin, message });
}
