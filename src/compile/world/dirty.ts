import type { ServiceKey } from '../../model/names.ts';
import type { RuleId } from '../../rules/rule.ts';
import { type Moving, nobodyMoved } from './moved.ts';

/** A thing that host plans are compiled from. What is read of another host is a dependency under the same names. */
export const serviceDep = (host: string): string => `service/${host}`;
export const virtualServiceDep = (host: string): string => `vs/${host}`;
export const destinationRuleDep = (host: string): string => `dr/${host}`;
export const endpointsDep = (service: ServiceKey): string => `endpoints/${service}`;

/** The host that a key is about, or null for keys of endpoints. */
export function hostOfDep(dependency: string): string | null {
  const slash = dependency.indexOf('/');
  return dependency.startsWith('endpoints/') ? null : dependency.slice(slash + 1);
}

/** What changed since the last flush. Filled by the world, emptied by the flush. */
export interface Dirty {
  /** Dependency keys, as above. */
  readonly keys: Set<string>;
  /** Services whose endpoints changed. */
  readonly endpoints: Set<ServiceKey>;
  /** Sidecars whose content changed. */
  readonly sidecars: Set<RuleId>;
  /** The mesh configuration changed: everything depends on it. */
  mesh: boolean;
  /** Proxies that may belong to other layers than before. */
  readonly moved: Moving;
}

export const createDirty = (): Dirty => ({
  keys: new Set(),
  endpoints: new Set(),
  sidecars: new Set(),
  mesh: false,
  moved: nobodyMoved(),
});
