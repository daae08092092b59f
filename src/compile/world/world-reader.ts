import type { EndpointSet } from '../../model/endpoint.ts';
import { covers, hostOfKey, type ServiceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { MeshConfig } from '../../rules/mesh-config.ts';
import { type Rule, type RuleId, type RuleKind, ruleId } from '../../rules/rule.ts';
import { belowDep, endpointsDep, namedRuleDep, ruleDep, serviceDep } from './dirty.ts';
import type { World } from './world.ts';

/** Access of resolving to the world. Resolving has no other one. */
export interface WorldReader {
  readonly domainSuffix: string;
  /** Returns the mesh configuration. Everything depends on it. */
  mesh(): MeshConfig;
  service(key: ServiceKey): Service | undefined;
  servicesOf(host: string): readonly Service[];
  /** Returns the services that are aliases of this host. */
  aliasesOf(host: string): Iterable<Service>;
  /** Returns the services of each hostname that the wildcard covers. */
  servicesBelow(wildcard: string): Iterable<readonly Service[]>;
  endpoints(key: ServiceKey): EndpointSet | undefined;
  allEndpoints(key: ServiceKey): EndpointSet | undefined;
  /** Returns the rules of a kind for exactly this host or wildcard. */
  rulesAt<K extends string, S>(kind: RuleKind<K, S>, pattern: string): readonly Rule<K, S>[];
  /** Returns the rule of a kind by name; null if there is none. */
  ruleOf<K extends string, S>(kind: RuleKind<K, S>, namespace: string, name: string): Rule<K, S> | null;
}

/** Reader that records what was read. */
export interface TrackedReader extends WorldReader {
  /** Returns names of inputs, as `dirty.ts` defines them. A change of one of them makes the plan dirty. */
  dependencies(): ReadonlySet<string>;
}

const idOf = ({ kind }: Pick<RuleKind, 'kind'>, namespace: string, name: string): RuleId =>
  ruleId({ kind, metadata: { namespace, name } });

/** Creates a reader that records nothing, for results that are not stored. */
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
  ruleOf: (kind, namespace, name) => world.rules.get(kind, idOf(kind, namespace, name)) ?? null,
});

/**
 * Creates a reader that records everything that was read, except inputs named after `host`. These are its own services,
 * and rules whose wildcard covers it: such rules mark the hosts that they cover. With null, everything is recorded.
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
      noteHost(of); // a change of an alias makes its host dirty
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
    ruleOf(kind, namespace, name) {
      noted.add(namedRuleDep(idOf(kind, namespace, name)));
      return plain.ruleOf(kind, namespace, name);
    },
    dependencies: () => noted,
  };
}
