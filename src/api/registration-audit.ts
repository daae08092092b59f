import type { FastifyRequest } from 'fastify';
import type { InstanceKey } from '../platform/registration.ts';
import type { AuditEntry } from '../rules/store.ts';
import { authorship } from './rules/request-facts.ts';

/** Audit trail: records who changed registrations. */
export interface AuditTrail {
  note(entry: AuditEntry): Promise<void>;
  readonly clock: { now(): number };
}

/**
 * Records a request that changed instances: one entry for each service, whatever the number of instances. Heartbeats
 * and rejected requests are not recorded: agents repeat them and would displace the entries that matter.
 */
export function noteRegistrations(
  request: FastifyRequest,
  { note, clock }: AuditTrail,
  { verb, changed }: { readonly verb: 'register' | 'deregister'; readonly changed: readonly InstanceKey[] },
): void {
  const { author, request: facts } = authorship(request, false);
  const services = Map.groupBy(changed, ({ namespace, host }) => `${namespace}/${host}`);
  for (const [first, ...others] of services.values()) {
    if (first === undefined) continue;
    const { namespace, host, id } = first;
    void note({
      time: new Date(clock.now()).toISOString(),
      author,
      verb,
      remote: facts?.remote ?? '',
      userAgent: facts?.userAgent ?? '',
      kind: 'Instance',
      namespace,
      name: others.length === 0 ? `${host}/${id}` : `${host} (${others.length + 1} instances)`,
      code: 200,
      message: null,
      resourceVersion: null,
    }); // never rejects
  }
}
