import { type EndpointSet, isCallable } from '../model/endpoint.ts';
import type { ServiceKey } from '../model/names.ts';
import type { Service } from '../model/service.ts';
import type { RegistryChange, ShardProblem, Urgency } from './contract.ts';
import type { Departures } from './departures.ts';
import { mergedSet, mergeServices, portConflicts } from './merge.ts';
import { mergeEndpoints } from './merge-endpoints.ts';
import type { RegistrationPolicy } from './registration-policy.ts';
import type { Shard } from './shard.ts';

/** Merged view of all shards. Marking is cheap; `takeChanges` merges only what was marked. */
export interface MergedView {
  readonly services: ReadonlyMap<ServiceKey, Service>;
  readonly sets: ReadonlyMap<ServiceKey, EndpointSet>;
  markService(key: ServiceKey): void;
  markEndpoints(key: ServiceKey): void;
  /** Reports whether endpoints of this shard are used for the service. */
  usesEndpointsOf(shard: Shard, key: ServiceKey): boolean;
  /** Returns the ports that are not served, because another shard has their number. */
  portConflicts(): readonly ShardProblem[];
  takeChanges(urgency?: Urgency): readonly RegistryChange[];
}

export interface MergedViewOptions {
  /** Shards, ordered by precedence. */
  readonly shards: () => readonly Shard[];
  /** Reports whether a service has endpoints of one adapter only: the first one with a callable endpoint. */
  readonly isOfOneAdapter: (service: Service) => boolean;
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
  isOfOneAdapter,
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

  /** Returns the shards whose endpoints a service has. Self-registered instances join those of every adapter. */
  function contributingShards(service: Service, key: ServiceKey): readonly Shard[] {
    const all = shardsInEffect(key).filter((shard) => shard.sets.has(key));
    if (all.length < 2 || !isOfOneAdapter(service)) return all;
    const isServing = (shard: Shard) => !shard.isSelfRegistered && shard.sets.get(key)?.endpoints.some(isCallable);
    const first = all.find(isServing);
    return first === undefined ? all : all.filter((shard) => shard.isSelfRegistered || shard.order === first.order);
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
    const lists = contributingShards(service, key).map((shard) => shard.sets.get(key)?.endpoints ?? []);
    const current = mergeEndpoints(service, lists, known?.endpoints ?? []);
    const departed = departures.settle(key, known, current);
    const set = mergedSet(service, departed.length === 0 ? current : [...current, ...departed], known);
    if (set === known) return null;
    sets.set(key, set);
    return { type: 'endpoints', set };
  }

  return {
    services,
    sets,
    markService: (key) => dirtyServices.add(key),
    markEndpoints: (key) => dirtySets.add(key),
    usesEndpointsOf(shard, key) {
      const service = services.get(key);
      return service !== undefined && contributingShards(service, key).includes(shard);
    },
    portConflicts: () =>
      [...services.keys()].flatMap((key) =>
        portConflicts(candidatesAt(key)).flatMap(({ service, message }) => {
          const shard = shards().find((one) => one.services.get(key) === service);
          return shard === undefined ? [] : [{ shard: shard.name, origin: `service ${key}`, message }];
        }),
      ),
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
