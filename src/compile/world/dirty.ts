import type { ServiceKey } from '../../model/names.ts';
import type { RuleId } from '../../rules/rule.ts';
import { type MutableMovedProxies, noMovedProxies } from './moved-proxies.ts';

/*
 * Names of inputs of plans. The name of an input of one host is `<kind>@<host>`: the unit of that host always depends
 * on it. Other inputs that a unit reads are recorded as dependencies under the same names.
 */
export const serviceDep = (host: string): string => `service@${host}`;
/** Name of the rules of a kind for a host. */
export const ruleDep = (kind: string, host: string): string => `${kind}@${host}`;
/** Name of a rule that another one names. */
export const namedRuleDep = (rule: RuleId): string => `rule/${rule}`;
/** Name of the services that a wildcard covers. */
export const belowDep = (wildcard: string): string => `below/${wildcard}`;
export const endpointsDep = (service: ServiceKey): string => `endpoints/${service}`;

/** Returns the host of a name; null for a name without host. */
export function hostOfDep(dependency: string): string | null {
  const at = dependency.indexOf('@');
  return at === -1 ? null : dependency.slice(at + 1);
}

/** Changes since the last flush. Filled by the world, emptied by the flush. */
export interface Dirty {
  /** Names of changed inputs, as above. */
  readonly keys: Set<string>;
  /** Services whose endpoints changed. */
  readonly endpoints: Set<ServiceKey>;
  /** Changed rules that select workloads, such as Sidecars. */
  readonly selecting: Set<RuleId>;
  /** True if the mesh configuration changed: everything depends on it. */
  mesh: boolean;
  /** Proxies whose layers may have changed. */
  readonly moved: MutableMovedProxies;
}

export const createDirty = (): Dirty => ({
  keys: new Set(),
  endpoints: new Set(),
  selecting: new Set(),
  mesh: false,
  moved: noMovedProxies(),
});
