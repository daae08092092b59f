import type { EndpointSet } from '../../model/endpoint.ts';
import { covers, hostOfKey, type ServiceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { MeshConfig } from '../../rules/mesh-config.ts';
import type { Rule, RuleKind } from '../../rules/rule.ts';
import { belowDep, endpointsDep, ruleDep, serviceDep } from './dirty.ts';
import type { World } from './world.ts';

/** The questions that resolving may ask of the world. It has no other way to it. */
export interface WorldReader {
  readonly domainSuffix: string;
  /** Everything depends on the mesh configuration. */
  mesh(): MeshConfig;
  service(key: ServiceKey): Service | undefined;
  servicesOf(host: string): readonly Service[];
  /** Services that are only other names of this host. */
  aliasesOf(host: string): Iterable<Service>;
  /** The services of each hostname that the wildcard covers. */
  servicesBelow(wildcard: string): Iterable<readonly Service[]>;
  endpoints(key: ServiceKey): EndpointSet | undefined;
  allEndpoints(key: ServiceKey): EndpointSet | undefined;
  /** The rules of a kind that are written for exactly this host or wildcard. */
  rulesAt<K extends string, S>(kind: RuleKind<K, S>, pattern: string): readonly Rule<K, S>[];
}

/** A reading that remembers what it was asked. */
export interface TrackedReader extends WorldReader {
  /** Keys of `dirty.ts`: when one of them is dirty, what was made of the answers is. */
  dependencies(): ReadonlySet<string>;
}

/** Notes nothing: for what is read anew whenever it is needed. */
export const untrackedReader = (world: World): WorldReader => ({
  domainSuffix: world.domainSuffix,
  mesh: world.mesh,
  service: world.service,
  servicesOf: world.servicesOf,
  aliasesOf: world.aliasesOf,
  *servicesBelow(wildcard) {
    for (const host of world.serviceHosts()) {
      if (host !== wildcard && covers(wildcard, host)) yield world.servicesOf(host);
    }
  },
  endpoints: world.endpoints,
  allEndpoints: world.allEndpoints,
  rulesAt: (kind, pattern) => world.rules.byHost(kind).at(pattern),
});

/**
 * Notes every question but those that a change of `host` itself answers: about its own services, and about rules whose wildcard covers
 * it, since these mark the hosts that they cover. With null it notes every question.
 */
export function trackedReader(world: World, host: string | null): TrackedReader {
  const plain = untrackedReader(world);
  const noted = new Set<string>();
  const noteHost = (of: string) => {
    if (of !== host) noted.add(serviceDep(of));
  };
  return {
    domainSuffix: plain.domainSuffix,
    mesh: plain.mesh,
    service(key) {
      noteHost(hostOfKey(key));
      return plain.service(key);
    },
    servicesOf(of) {
      noteHost(of);
      return plain.servicesOf(of);
    },
    aliasesOf(of) {
      noteHost(of); // a host is dirty when another name of it comes, changes or goes
      return plain.aliasesOf(of);
    },
    servicesBelow(wildcard) {
      noted.add(belowDep(wildcard));
      return plain.servicesBelow(wildcard);
    },
    endpoints(key) {
      noted.add(endpointsDep(key));
      return plain.endpoints(key);
    },
    allEndpoints(key) {
      noted.add(endpointsDep(key));
      return plain.allEndpoints(key);
    },
    rulesAt(kind, pattern) {
      if (host === null || !covers(pattern, host)) noted.add(ruleDep(kind.kind, pattern));
      return plain.rulesAt(kind, pattern);
    },
    dependencies: () => noted,
  };
}
