import type { Endpoint } from '../../model/endpoint.ts';
import { type ServiceKey, serviceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { SelectableWorkload } from '../kinds/workload-entry/translate.ts';
import { createWorkloadSelections, type WorkloadSelection } from './selections.ts';

/** Services of platforms whose selectors choose WorkloadEntries of their namespace, as Istio's do. */
export interface SelectingServices {
  /** Adds or replaces a service. Returns true if its selection may have changed. */
  put(service: Service): boolean;
  /** Returns true if it had a selector. */
  remove(key: ServiceKey): boolean;
  /** Replaces a WorkloadEntry; null is none. Returns the services that choose it. */
  replaced(before: SelectableWorkload | null, after: SelectableWorkload | null): Iterable<ServiceKey>;
  /** Returns the services that choose a WorkloadEntry. */
  choosing(workload: SelectableWorkload): Iterable<ServiceKey>;
  endpointsOf(key: ServiceKey): readonly Endpoint[];
}

export function createSelectingServices(): SelectingServices {
  const selections = createWorkloadSelections<ServiceKey>();
  const selected = new Map<ServiceKey, WorkloadSelection<ServiceKey>>();
  const usersOf = (chosen: readonly WorkloadSelection<ServiceKey>[]): readonly ServiceKey[] =>
    chosen.flatMap(({ users }) => [...users]);

  const remove = (key: ServiceKey): boolean => {
    const selection = selected.get(key);
    if (selection === undefined) return false;
    selected.delete(key);
    selections.release(key, selection);
    return true;
  };
  return {
    put(service) {
      const { namespace, hostname, selector, ports } = service;
      const key = serviceKey(namespace, hostname);
      if (selector === undefined) return remove(key);
      const { labels, targetPorts } = selector;
      const targets = ports.map(({ name, number }) => ({ name, number, targetPort: targetPorts[name] }));
      const known = selected.get(key);
      const selection = selections.acquire(key, { namespace, selector: labels, ports: targets });
      if (selection === known) return false;
      remove(key);
      selected.set(key, selection);
      return true;
    },
    remove,
    replaced(before, after) {
      const left = before === null ? [] : selections.remove(before);
      const joined = after === null ? [] : selections.add(after);
      return usersOf([...left, ...joined]);
    },
    choosing: (workload) => usersOf(selections.of(workload)),
    endpointsOf: (key) => selected.get(key)?.endpoints() ?? [],
  };
}
