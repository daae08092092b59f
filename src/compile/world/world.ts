import { isDeepStrictEqual } from 'node:util';
import { type Counts, createCounts } from '../../lib/counts.ts';
import { addTo, removeFrom } from '../../lib/sets-by-key.ts';
import type { EndpointSet } from '../../model/endpoint.ts';
import { type ServiceKey, serviceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { MeshConfig } from '../../rules/mesh-config.ts';
import type { RuleKind } from '../../rules/rule.ts';
import type { WorldChange } from '../contract.ts';
import { belowDep, type Dirty, endpointsDep, serviceDep } from './dirty.ts';
import { patternsFor } from './host-index.ts';
import { createRelevance, type Relevance } from './relevance.ts';
import { createRuleIndex, type RuleIndex } from './rule-index.ts';
import { createWorkloadLabels, type WorkloadLabels } from './workload-labels.ts';
import { createWorkloads, type Workloads } from './workloads.ts';

/** Inputs of compilation with their indices. Values are immutable, indices are not. */
export interface World {
  readonly domainSuffix: string;
  mesh(): MeshConfig;
  service(key: ServiceKey): Service | undefined;
  /** Returns all services of one hostname, in order of precedence: Kubernetes before others, then the oldest. */
  servicesOf(host: string): readonly Service[];
  /** Returns the services that are aliases of this host. */
  aliasesOf(host: string): Iterable<Service>;
  /** Returns the endpoints of a service that have not departed, unhealthy ones included. */
  endpoints(key: ServiceKey): EndpointSet | undefined;
  /**
   * Returns all endpoints, including those that have departed. Listeners for single endpoints need these too.
   */
  allEndpoints(key: ServiceKey): EndpointSet | undefined;
  /** Returns every hostname of a service, or of a rule that defines hosts. */
  hosts(): Iterable<string>;
  /** Returns the hostnames of services. */
  serviceHosts(): Iterable<string>;
  readonly rules: RuleIndex;
  readonly workloads: Workloads;
  readonly workloadLabels: WorkloadLabels;
  /** Addresses of connected proxies. Changes at other addresses affect no layer. */
  readonly proxyAddresses: Counts;
  /** Facts of proxies that matter for the current services and rules. */
  readonly relevance: Relevance;
  /** Applies a change and marks affected parts in `dirty`. */
  apply(change: WorldChange, dirty: Dirty): void;
}

export interface WorldOptions {
  /** Mesh configuration until the first change of type `mesh`. */
  readonly mesh: MeshConfig;
  readonly domainSuffix: string;
  readonly kinds: readonly RuleKind[];
}

export function createWorld({ mesh: initialMesh, domainSuffix, kinds }: WorldOptions): World {
  const services = new Map<ServiceKey, Service>();
  const byHost = new Map<string, readonly Service[]>();
  const aliases = new Map<string, Set<Service>>();
  const endpoints = new Map<ServiceKey, EndpointSet>();
  const present = new Map<ServiceKey, EndpointSet>();
  const relevance = createRelevance();
  const proxyAddresses = createCounts();
  const workloads = createWorkloads(proxyAddresses.has);
  const workloadLabels = createWorkloadLabels();
  let mesh = initialMesh;
  const rules = createRuleIndex({
    kinds,
    domainSuffix,
    relevance,
    serviceHosts: () => byHost.keys(),
    rootNamespace: () => mesh.rootNamespace,
  });

  const setAlias = (before: Service | undefined, next: Service | undefined, dirty: Dirty) => {
    if (before?.aliasOf) removeFrom(aliases, before.aliasOf, before);
    if (next?.aliasOf) addTo(aliases, next.aliasOf, next);
    for (const target of [before?.aliasOf, next?.aliasOf]) {
      for (const host of target ? aliasChain(target, (at) => byHost.get(at)) : []) dirty.keys.add(serviceDep(host));
    }
  };

  const setService = (key: ServiceKey, next: Service | undefined, dirty: Dirty) => {
    const before = services.get(key);
    if (before === next || (before !== undefined && next !== undefined && isSameToProxies(before, next))) return;
    const host = next?.hostname ?? before?.hostname ?? '';
    if (next === undefined) services.delete(key);
    else services.set(key, next);
    const others = (byHost.get(host) ?? []).filter((service) => service !== before);
    const all = next === undefined ? others : [...others, next].sort(compareServices);
    if (all.length === 0) byHost.delete(host);
    else byHost.set(host, all);
    setAlias(before, next, dirty);
    relevance.replaceService(before, next, dirty);
    dirty.keys.add(serviceDep(host));
    for (const pattern of patternsFor(host)) if (pattern !== host) dirty.keys.add(belowDep(pattern));
  };

  const moveProxiesAt = (addresses: Iterable<string>, dirty: Dirty) => {
    for (const address of addresses) if (proxyAddresses.has(address)) dirty.moved.addresses.add(address);
  };

  const setEndpoints = (key: ServiceKey, next: EndpointSet | undefined, dirty: Dirty) => {
    const before = endpoints.get(key);
    if (before === next) return;
    const presentBefore = present.get(key);
    if (next === undefined) {
      endpoints.delete(key);
      present.delete(key);
    } else {
      endpoints.set(key, next);
      present.set(key, presentOf(next));
    }
    moveProxiesAt(workloads.replace(key, before?.endpoints ?? [], next?.endpoints ?? []), dirty);
    if (!haveSameEndpoints(presentBefore, present.get(key))) dirty.endpoints.add(key);
    dirty.keys.add(endpointsDep(key));
  };

  return {
    domainSuffix,
    mesh: () => mesh,
    service: (key) => services.get(key),
    servicesOf: (host) => byHost.get(host) ?? [],
    aliasesOf: (host) => aliases.get(host) ?? [],
    endpoints: (key) => present.get(key),
    allEndpoints: (key) => endpoints.get(key),
    *hosts() {
      yield* byHost.keys();
      for (const host of new Set(rules.hosts())) if (!byHost.has(host)) yield host;
    },
    serviceHosts: () => byHost.keys(),
    rules,
    workloads,
    workloadLabels,
    proxyAddresses,
    relevance,
    apply(change, dirty) {
      switch (change.type) {
        case 'service':
          return setService(serviceKey(change.service.namespace, change.service.hostname), change.service, dirty);
        case 'service-removed':
          setService(change.key, undefined, dirty);
          return setEndpoints(change.key, undefined, dirty);
        case 'endpoints':
          return setEndpoints(serviceKey(change.set.namespace, change.set.hostname), change.set, dirty);
        case 'rule':
          return rules.put(change.rule, dirty);
        case 'rule-removed':
          return rules.remove(change.id, dirty);
        case 'workload':
        case 'workload-removed':
          return moveProxiesAt(workloadLabels.apply(change), dirty);
        default:
          if (isDeepStrictEqual(mesh, change.mesh)) return;
          mesh = change.mesh;
          dirty.mesh = true;
          dirty.moved.everyone = true;
      }
    },
  };
}

/** Compares services without their labels and selectors, which no part of a configuration depends on. */
const isSameToProxies = (a: Service, b: Service): boolean =>
  isDeepStrictEqual({ ...a, labels: null, selector: null }, { ...b, labels: null, selector: null });

/** Returns the endpoints that have not departed: the set itself if none has, which is the usual case. */
function presentOf(set: EndpointSet): EndpointSet {
  const staying = set.endpoints.filter(({ health }) => health !== 'departed');
  return staying.length === set.endpoints.length ? set : { ...set, endpoints: staying };
}

/** Compares endpoints by identity. Assignments do not depend on departed ones. */
function haveSameEndpoints(a: EndpointSet | undefined, b: EndpointSet | undefined): boolean {
  const [before, after] = [a?.endpoints ?? [], b?.endpoints ?? []];
  return before.length === after.length && before.every((endpoint, index) => endpoint === after[index]);
}

/** Returns a host and the hosts of which it is an alias, directly or indirectly, in any namespace. */
function aliasChain(host: string, servicesAt: (host: string) => readonly Service[] | undefined): ReadonlySet<string> {
  const chain = new Set([host]);
  for (const link of chain) for (const { aliasOf } of servicesAt(link) ?? []) if (aliasOf) chain.add(aliasOf);
  return chain;
}

function compareServices(a: Service, b: Service): number {
  return (
    Number(b.registry === 'kubernetes') - Number(a.registry === 'kubernetes') ||
    a.createdAtMs - b.createdAtMs ||
    (a.namespace < b.namespace ? -1 : 1)
  );
}
