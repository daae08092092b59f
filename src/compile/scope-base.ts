import { evaluateFact, hasSameFacts, sharedDomainOf, type Viewpoint } from './resolve/client-facts.ts';
import { type ContentObserver, createContent, type ScopeContent, type ScopeParts } from './scope-content.ts';
import type { HostReads } from './scope-hosts.ts';
import type { ScopeFacts } from './scope-key.ts';

/** Scope that uses a base. */
export interface BaseObserver {
  /** Called when the base has compiled the host again. */
  hostCompiled(host: string): void;
  routesAssembled(routeConfiguration: string): void;
  listenerDecided(listener: string): void;
}

/**
 * Configuration of clients to which no rule and no short name applies individually. It is most of the content of every
 * scope. Scopes with equal role, client, interception and address families share it and store only their differences.
 */
export interface ScopeBase extends ScopeContent {
  /** Returns the hosts whose configuration differs in a scope because of its own facts. */
  differing(viewpoint: Viewpoint): ReadonlySet<string>;
  /** Returns true if the configuration of a host differs in a scope. */
  differs(host: string, viewpoint: Viewpoint, isReferenced: boolean): boolean;
  addObserver(observer: BaseObserver): void;
  removeObserver(observer: BaseObserver): void;
  /** Number of scopes that use the base. */
  readonly size: number;
}

/**
 * Returns the facts of a scope without those of its namespace, Sidecar and labels. Scopes with equal results share a
 * base.
 */
export const baseFactsOf = (facts: ScopeFacts): ScopeFacts => ({
  ...facts,
  namespace: '*',
  dnsDomain: sharedDomainOf(facts.dnsDomain),
  sidecar: null,
  conditions: [],
});

/** Creates a base. `facts` are a result of `baseFactsOf`. */
export function createBase(facts: ScopeFacts, parts: ScopeParts): ScopeBase {
  const reads = new Map<string, HostReads>();
  /** Hosts by the facts that they read. */
  const hostsByQuery = new Map<string, Set<string>>();
  const observers = new Set<BaseObserver>();

  const recordReads = (host: string, next: HostReads) => {
    for (const query of reads.get(host)?.reads.keys() ?? []) {
      const hosts = hostsByQuery.get(query);
      hosts?.delete(host);
      if (hosts?.size === 0) hostsByQuery.delete(query);
    }
    if (next.reads.size === 0 && next.isReferenced === null) reads.delete(host);
    else reads.set(host, next);
    for (const query of next.reads.keys()) {
      const hosts = hostsByQuery.get(query);
      if (hosts === undefined) hostsByQuery.set(query, new Set([host]));
      else hosts.add(host);
    }
  };
  const contentObserver: ContentObserver = {
    hostResolved(host, next) {
      recordReads(host, next);
      for (const observer of observers) observer.hostCompiled(host);
    },
    routesAssembled(name) {
      for (const observer of observers) observer.routesAssembled(name);
    },
    listenerDecided(name) {
      for (const observer of observers) observer.listenerDecided(name);
    },
  };
  // Scopes report the problems of their base, except for hosts that differ.
  const content = createContent(facts, { ...parts, problems: ignoredProblems }, contentObserver);

  return {
    ...content,
    differing(viewpoint) {
      const differing = new Set<string>();
      const own = content.viewpoint();
      for (const [query, hosts] of hostsByQuery) {
        if (evaluateFact(query, viewpoint) === evaluateFact(query, own)) continue;
        for (const host of hosts) differing.add(host);
      }
      return differing;
    },
    differs(host, viewpoint, isReferenced) {
      const known = reads.get(host);
      if (known === undefined) return false;
      if (known.isReferenced !== null && known.isReferenced !== isReferenced) return true;
      return !hasSameFacts(known.reads, viewpoint);
    },
    addObserver: (observer) => void observers.add(observer),
    removeObserver: (observer) => void observers.delete(observer),
    get size() {
      return observers.size;
    },
  };
}

const ignoredProblems: ScopeParts['problems'] = { replace: () => {}, of: () => [], origins: () => [] };
