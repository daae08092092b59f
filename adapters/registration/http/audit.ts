import type { RouteRequest } from '../../../src/adapter-contract/http.ts';
import type { InstanceKey } from '../contract.ts';

/**
 * Records a request that changed instances: one entry for each service, whatever the number of instances. Heartbeats
 * and rejected requests are not recorded: agents repeat them and would displace the entries that matter.
 */
export function noteInstances(
  request: RouteRequest,
  verb: 'register' | 'deregister',
  changed: readonly InstanceKey[],
): void {
  const services = Map.groupBy(changed, ({ namespace, host }) => `${namespace}/${host}`);
  for (const [first, ...others] of services.values()) {
    if (first === undefined) continue;
    const { namespace, host, id } = first;
    const name = others.length === 0 ? `${host}/${id}` : `${host} (${others.length + 1} instances)`;
    request.note({ verb, kind: 'Instance', namespace, name });
  }
}
