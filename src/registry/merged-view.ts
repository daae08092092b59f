import type { EndpointSet } from '../model/endpoint.ts';
import type { ServiceKey } from '../model/names.ts';
import type { Service } from '../model/service.ts';
import type { RegistryChange, Urgency } from './contract.ts';
import type { Departures } from './departures.ts';
import { mergeEndpoints, mergeServices } from './merge.ts';
import type { RegistrationPolicy } from './registration-policy.ts';
import type { Shard } from './shard.ts';

/** Merged view of all shards. Marking is cheap; `takeChanges` merges only what was marked. */
export interface MergedView {
  readonly services: ReadonlyMap<ServiceKey, Service>;
  readonly sets: ReadonlyMap<ServiceKey, EndpointSet>;
  markService(key: ServiceKey): void;
  markEndpoints(key: ServiceKey): void;
  takeChanges(urgency?: Urgency): readonly RegistryChange[];
}

export interface MergedViewOptions {
  /** Shards, ordered by name, which is the order of merging. */
  readonly shards: () => readonly Shard[];
  readonly departures: Departures;
  /** Returns the reason why instances may not register for a name, or null. */
  readonly registrationRefusal: RegistrationPolicy['refusalOf'];
  /**
   * Called with the reason when the self-registered services at `key` are excluded, and with null when they no longer
   * are.
   */
  readonly exclusionChanged: (key: ServiceKey, reason: string | null) => void;
}

/**
 * Creates a merged view. Shards of self-registered instances yield: definitions of other shards apply, and endpoints
 * that registered themselves join them only with permission.
 */
export function createMergedView({
  shards,
  departures,
  registrationRefusal,
  exclusionChanged,
}: MergedViewOptions): MergedView {
  const services = new Map<ServiceKey, Service>();
  const sets = new Map<ServiceKey, EndpointSet>();
  const dirtyServices = new Set<ServiceKey>();
  const dirtySets = new Set<ServiceKey>();
  /** Excluded self-registered services, with the reason. */
  const excluded = new Map<ServiceKey, string>();

  function updateExclusion(key: ServiceKey): void {
    const selfRegistered = shards().flatMap((shard) => (shard.isSelfRegistered ? (shard.services.get(key) ?? []) : []));
    const reason = selfRegistered.map(registrationRefusal).find((one) => one !== null) ?? null;
    if (reason === (excluded.get(key) ?? null)) return;
    if (reason === null) excluded.delete(key);
    else excluded.set(key, reason);
    dirtySets.add(key);
    exclusionChanged(key, reason);
  }

  /** Returns the shards whose services and endpoints apply at `key`. */
  const shardsInEffect = (key: ServiceKey): readonly Shard[] =>
    excluded.has(key) ? shards().filter((shard) => !shard.isSelfRegistered) : shards();

  function candidatesAt(key: ServiceKey): readonly Service[] {
    const found = shardsInEffect(key).filter((shard) => shard.services.has(key));
    const defining = found.filter((shard) => !shard.isSelfRegistered);
    return (defining.length === 0 ? found : defining).flatMap((shard) => shard.services.get(key) ?? []);
  }

  function mergeService(key: ServiceKey): RegistryChange | null {
    const known = services.get(key);
    updateExclusion(key);
    const service = mergeServices(candidatesAt(key), known);
    if (service === known) return null;
    // Endpoints appear and disappear with their service, and its resolution decides which of them are valid.
    dirtySets.add(key);
    if (service === undefined) {
      services.delete(key);
      return { type: 'service-removed', key };
    }
    services.set(key, service);
    return { type: 'service', service };
  }

  function mergeSet(key: ServiceKey): RegistryChange | null {
    const service = services.get(key);
    if (service === undefined) {
      sets.delete(key); // implied by the removal of the service
      departures.forget(key);
      return null;
    }
    const known = sets.get(key);
    const parts = shardsInEffect(key).flatMap((shard) => {
      const set = shard.sets.get(key);
      return set === undefined ? [] : [set.endpoints];
    });
    const departed = departures.settle(key, known, parts);
    const set = mergeEndpoints(service, departed.length === 0 ? parts : [...parts, departed], known);
    if (set === known) return null;
    sets.set(key, set);
    return { type: 'endpoints', set };
  }

  return {
    services,
    sets,
    markService: (key) => dirtyServices.add(key),
    markEndpoints: (key) => dirtySets.add(key),
    takeChanges(urgency = 'configuration') {
      if (urgency === 'endpoints') {
        const dirty = [...dirtySets].filter((key) => !dirtyServices.has(key));
        for (const key of dirty) dirtySets.delete(key);
        return dirty.flatMap((key) => mergeSet(key) ?? []);
      }
      const changedServices = [...dirtyServices].flatMap((key) => mergeService(key) ?? []);
      const changedSets = [...dirtySets].flatMap((key) => mergeSet(key) ?? []);
      dirtyServices.clear();
      dirtySets.clear();
      return [...changedServices, ...changedSets];
    },
  };
}
