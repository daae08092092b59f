import type { Endpoint } from '../../model/endpoint.ts';
import { serviceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import { durationMs } from '../../rules/duration.ts';
import type { MergedDestinationRule } from '../../rules/kinds/destination-rule/resolve.ts';
import type { ClientTraits } from '../client-traits.ts';
import { endpointsDep, ruleDep, serviceDep } from '../world/dirty.ts';
import type { World } from '../world/world.ts';
import type { AskedFacts } from './asked-facts.ts';
import type { EffectiveVirtualService, Visibility } from './visibility.ts';

/**
 * What the resolving of one host reads the world with. It notes everything that is read beyond the host's own name:
 * these are the dependencies of the plan, so they cannot be forgotten.
 */
export interface Reader {
  readonly facts: AskedFacts;
  readonly client: ClientTraits;
  readonly domainSuffix: string;
  connectTimeoutMs(): number;
  callableService(host: string): Service | null;
  visibleService(host: string): Service | null;
  virtualService(host: string, exactly: boolean): EffectiveVirtualService | null;
  destinationRule(service: Service): MergedDestinationRule | null;
  coversCallable(wildcard: string): boolean;
  unknownHosts: Visibility['unknownHosts'];
  /** Those that may be called. */
  endpoints(service: Service): readonly Endpoint[];
  allEndpoints(service: Service): readonly Endpoint[];
  /** The host itself, or what it is another name of; names that stand for each other are of no service. */
  realHost(host: string): string;
  /** Other names of a host by which this scope's proxies may call it, and for which no rule is written; sorted. */
  otherNames(host: string): readonly string[];
  /** The service that a route leads to, also by another name of it; notes that this scope needs its destinations. */
  referencedService(host: string): Service | null;
  references(): Iterable<string>;
  dependencies(): Iterable<string>;
}

export interface ReaderOptions {
  readonly world: World;
  readonly facts: AskedFacts;
  readonly visibility: Visibility;
  readonly client: ClientTraits;
}

/** A reader for the plan of `host`. */
export function createReader({ world, facts, visibility, client }: ReaderOptions, host: string): Reader {
  const references = new Set<string>();
  const dependencies = new Set<string>();
  const realHost = (from: string): string => {
    const passed = new Set([from]);
    for (const at of passed) {
      if (at !== host) dependencies.add(serviceDep(at));
      const next = visibility.aliasOf(at);
      if (next === null) return at;
      passed.add(next);
    }
    return from;
  };
  return {
    facts,
    client,
    domainSuffix: world.domainSuffix,
    connectTimeoutMs: () => durationMs(world.mesh().connectTimeout),
    callableService: visibility.callableService,
    visibleService: visibility.visibleService,
    virtualService: visibility.virtualService,
    coversCallable: visibility.coversCallable,
    unknownHosts: visibility.unknownHosts,
    destinationRule(service) {
      if (service.hostname !== host) dependencies.add(ruleDep('DestinationRule', service.hostname));
      return visibility.destinationRule(service);
    },
    endpoints(service) {
      const key = serviceKey(service.namespace, service.hostname);
      dependencies.add(endpointsDep(key));
      return world.endpoints(key)?.endpoints ?? [];
    },
    allEndpoints(service) {
      const key = serviceKey(service.namespace, service.hostname);
      dependencies.add(endpointsDep(key));
      return world.allEndpoints(key)?.endpoints ?? [];
    },
    realHost,
    otherNames(of) {
      const names = new Set<string>();
      const hosts = new Set([of]);
      for (const at of hosts) {
        for (const { hostname } of world.aliasesOf(at)) {
          hosts.add(hostname);
          dependencies.add(serviceDep(hostname));
          dependencies.add(ruleDep('VirtualService', hostname));
          const hasRule = visibility.virtualService(hostname, true) !== null;
          if (hostname === of || hasRule || !visibility.mayCall(hostname)) continue;
          if (realHost(hostname) === of) names.add(hostname);
        }
      }
      return [...names].sort();
    },
    referencedService(named) {
      const other = realHost(named);
      const callable = visibility.callableService(other);
      if (other !== host) dependencies.add(serviceDep(other));
      if (other !== host || callable === null) references.add(other);
      return callable ?? visibility.visibleService(other);
    },
    references: () => references,
    dependencies: () => dependencies,
  };
}
