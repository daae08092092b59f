import type { ServiceKey } from '../../model/names.ts';
import { type AssignmentPlan, type ClientPlace, nowhere } from '../../plan/destination.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import { assembleAssignment } from '../generators/endpoints.ts';
import type { World } from '../world/world.ts';

/** User of assignments: the tables of a scope. */
export interface AssignmentUser {
  assignmentChanged(resource: EncodedResource): void;
}

export interface Assignment {
  readonly plan: AssignmentPlan;
  readonly place: ClientPlace;
  resource: EncodedResource;
  /** Number of uses by each user. While a host is replaced, its old and new parts both count. */
  readonly users: Map<AssignmentUser, number>;
}

/** Pool of the assignments of all layers. Each is assembled once per place of clients that it distinguishes. */
export interface AssignmentPool {
  acquire(plan: AssignmentPlan, user: AssignmentUser, place?: ClientPlace): Assignment;
  release(assignment: Assignment, user: AssignmentUser): void;
  /** Assembles the assignments of a service again and notifies the users of those whose bytes changed. */
  endpointsChanged(service: ServiceKey): void;
}

export function createAssignmentPool(world: World, onAssemble: () => void): AssignmentPool {
  const byKey = new Map<string, Assignment>();
  const byService = new Map<ServiceKey, Set<Assignment>>();

  const assemble = (plan: AssignmentPlan, place: ClientPlace): EncodedResource => {
    onAssemble();
    return assembleAssignment(plan, world.endpoints(plan.service)?.endpoints ?? [], place);
  };
  const create = (plan: AssignmentPlan, place: ClientPlace): Assignment => {
    const assignment = { plan, place, resource: assemble(plan, place), users: new Map() };
    byKey.set(keyOf(plan, place), assignment);
    const siblings = byService.get(plan.service);
    if (siblings === undefined) byService.set(plan.service, new Set([assignment]));
    else siblings.add(assignment);
    return assignment;
  };

  return {
    acquire(plan, user, place = nowhere) {
      const assignment = byKey.get(keyOf(plan, place)) ?? create(plan, place);
      assignment.users.set(user, (assignment.users.get(user) ?? 0) + 1);
      return assignment;
    },
    release(assignment, user) {
      const uses = (assignment.users.get(user) ?? 0) - 1;
      if (uses > 0) assignment.users.set(user, uses);
      else assignment.users.delete(user);
      if (assignment.users.size > 0) return;
      const { plan, place } = assignment;
      byKey.delete(keyOf(plan, place));
      const siblings = byService.get(plan.service);
      siblings?.delete(assignment);
      if (siblings?.size === 0) byService.delete(plan.service);
    },
    endpointsChanged(service) {
      for (const assignment of byService.get(service) ?? []) {
        const resource = assemble(assignment.plan, assignment.place);
        if (resource.version === assignment.resource.version) continue;
        assignment.resource = resource;
        for (const user of assignment.users.keys()) user.assignmentChanged(resource);
      }
    },
  };
}

/**
 * Returns the key of an assignment. The name has host, port and subset; the other fields distinguish scopes in which
 * the name has another meaning.
 */
function keyOf(
  { name, service, portName, labels, form, listsUnhealthy, locality }: AssignmentPlan,
  place: ClientPlace,
): string {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    ...[name, service, portName, entries, form, listsUnhealthy, locality],
    locality === null ? null : place,
  ]);
}
