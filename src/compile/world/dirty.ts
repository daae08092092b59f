import type { ServiceKey } from '../../model/names.ts';
import type { RuleId } from '../../rules/rule.ts';
import { type MutableMovedProxies, noMovedProxies } from './moved-proxies.ts';

/*
 * Names of things that plans are compiled from. What is about one host is named `<what>@<host>`: the unit of that host depends on
 * it without a note. What is read beyond that is a dependency under the same names.
 */
export const serviceDep = (host: string): string => `service@${host}`;
/** The rules of a kind for a host. */
export const ruleDep = (kind: string, host: string): string => `${kind}@${host}`;
/** The services that a wildcard covers. */
export const belowDep = (wildcard: string): string => `below/${wildcard}`;
export const endpointsDep = (service: ServiceKey): string => `endpoints/${service}`;

/** The host that a name is about; null: it is about something else. */
export function hostOfDep(dependency: string): string | null {
  const at = dependency.indexOf('@');
  return at === -1 ? null : dependency.slice(at + 1);
}

/** Changes since the last flush. Filled by the world, emptied by the flush. */
export interface Dirty {
  /** Names, as above. */
  readonly keys: Set<string>;
  /** Services whose endpoints changed. */
  readonly endpoints: Set<ServiceKey>;
  /** Rules that select workloads, such as Sidecars, whose content changed. */
  readonly selecting: Set<RuleId>;
  /** The mesh configuration changed: everything depends on it. */
  mesh: boolean;
  /** Proxies that may belong to other layers than before. */
  readonly moved: MutableMovedProxies;
}

export const createDirty = (): Dirty => ({
  keys: new Set(),
  endpoints: new Set(),
  selecting: new Set(),
  mesh: false,
  moved: noMovedProxies(),
});
