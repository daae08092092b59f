import type { HostPlan } from '../../plan/host.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { narrowDestinations } from './destinations.ts';
import { narrowRoutes } from './narrow-routes.ts';

/** Removes from a plan what gRPC clients do not support, and reports it. */
export function narrowForGrpc(plan: HostPlan): HostPlan {
  const problems: PlanProblem[] = [...plan.problems];
  const destinations = narrowDestinations(plan.destinations, problems);
  const virtualHosts = plan.virtualHosts.map((host) => narrowRoutes(host, problems));
  return { ...plan, destinations, virtualHosts, problems };
}
