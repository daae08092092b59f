import type { FastifyRequest } from 'fastify';
import type { InstanceKey } from '../platform/registration.ts';
import type { AuditEntry } from '../rules/store/store.ts';
import { authorship } from './rules/request-facts.ts';

/** Where what was registered is written down, with who did it. */
export interface AuditTrail {
  note(entry: AuditEntry): Promise<void>;
  readonly clock: { now(): number };
}

/**
 * Notes a request that changed instances: an entry for each service that it touched, however many instances. Heartbeats
 * and what is refused are no entries: agents repeat them, and would push out what the trail is for.
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
