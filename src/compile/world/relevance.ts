import { createCounts } from '../../lib/counts.ts';
import type { Service } from '../../model/service.ts';
import type { Audience } from '../../rules/compiled.ts';
import { nearLabels } from '../../rules/kinds/destination-rule/resolve-locality.ts';
import { type Labels, selects } from '../../rules/labels.ts';
import type { Dirty } from './dirty.ts';

/**
 * Facts of proxies that matter for the current services and rules. Proxies that differ only in other facts share a
 * scope: 1,000 namespaces without services or rules of their own are one scope.
 */
export interface Relevance {
  /** Returns true if an object is in this namespace or exported to it, or a rule selects its clients. */
  namespaceMatters(namespace: string): boolean;
  /** Returns true if a host is directly below this domain, so that clients of the domain call it by its first label. */
  domainMatters(domain: string): boolean;
  /** Returns true if a host has these labels as proper suffix, so that clients with such a domain may shorten it. */
  hostsEndWith(labels: string): boolean;
  /**
   * Returns the label conditions that rules put on clients, as `conditionName` writes them. The empty one, which all
   * clients meet, is not included.
   */
  conditions(): Iterable<string>;
  /** Returns true if a rule prefers endpoints by the place of clients. */
  placesMatter(): boolean;
  /** Returns the names of labels by which rules prefer endpoints. */
  placeLabels(): Iterable<string>;
  replaceService(before: Service | undefined, after: Service | undefined, dirty: Dirty): void;
  /** Replaces the audience of a rule. `change` has those before and after. */
  replaceRule(change: readonly (Audience | undefined)[], dirty: Dirty): void;
}

export function createRelevance(): Relevance {
  const namespaces = createCounts();
  const domains = createCounts();
  const suffixes = createCounts();
  const conditions = createCounts();
  const places = createCounts();
  const placeLabels = createCounts();

  const replace = (
    counts: typeof namespaces,
    [before, after]: readonly (readonly string[])[],
    moved: Set<string>,
  ): void => {
    for (const key of after ?? []) if (counts.add(key)) moved.add(key);
    for (const key of before ?? []) if (counts.remove(key)) moved.add(key);
  };

  const replacePlaces = (change: readonly Audience['places'][], dirty: Dirty): void => {
    const moved = new Set<string>();
    replace(
      places,
      change.map((preference) => (preference === undefined ? [] : [anyPlace])),
      moved,
    );
    replace(
      placeLabels,
      change.map((preference) => preference?.labels ?? []),
      moved,
    );
    if (moved.size > 0) dirty.moved.everyone = true;
  };

  return {
    namespaceMatters: (namespace) => namespaces.has(namespace),
    domainMatters: (domain) => domains.has(domain),
    hostsEndWith: (labels) => suffixes.has(labels),
    conditions: () => conditions.keys(),
    placesMatter: () => places.has(anyPlace),
    placeLabels: () => placeLabels.keys(),
    replaceService(before, after, dirty) {
      replace(namespaces, [before, after].map(serviceNamespaces), dirty.moved.namespaces);
      replace(domains, [before, after].map(serviceDomains), dirty.moved.domains);
      replace(suffixes, [before, after].map(serviceSuffixes), dirty.moved.domains);
      replacePlaces([before, after].map(servicePlaces), dirty);
    },
    replaceRule(change, dirty) {
      const namespacesOf = (audience: Audience | undefined) => audience?.namespaces ?? [];
      replace(namespaces, change.map(namespacesOf), dirty.moved.namespaces);
      replace(conditions, change.map(conditionsOf), dirty.moved.conditions);
      replacePlaces(
        change.map((audience) => audience?.places),
        dirty,
      );
    },
  };
}

const anyPlace = 'place';

/** Returns the canonical name of a set of labels: JSON of its sorted entries. */
export const conditionName = (labels: Labels): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Returns true if labels meet the condition of that name. */
export function meetsCondition(name: string, labels: Labels): boolean {
  return selects(Object.fromEntries(JSON.parse(name) as [string, string][]), labels); // made by conditionName
}

const serviceNamespaces = (service: Service | undefined): readonly string[] =>
  service === undefined ? [] : [service.namespace, ...service.exportTo];

const servicePlaces = (service: Service | undefined): Audience['places'] =>
  service?.prefersNear === undefined ? undefined : { labels: nearLabels[service.prefersNear] };

const serviceDomains = (service: Service | undefined): readonly string[] =>
  serviceHosts(service).map((host) => host.slice(host.indexOf('.') + 1));

const serviceSuffixes = (service: Service | undefined): readonly string[] =>
  serviceHosts(service).flatMap((host) => [...suffixesOf(host)].slice(1));

const serviceHosts = (service: Service | undefined): readonly string[] =>
  service === undefined ? [] : [service.hostname, ...service.aliases];

/** Yields `a.b.c`, `b.c` and `c`. */
export function* suffixesOf(name: string): Generator<string, void, undefined> {
  for (let start = 0; ; ) {
    yield name.slice(start);
    const dot = name.indexOf('.', start);
    if (dot === -1) return;
    start = dot + 1;
  }
}

/** Returns the conditions that some proxies do not meet. A condition that all meet would be in every key. */
const conditionsOf = (audience: Audience | undefined): readonly string[] =>
  (audience?.labels ?? []).filter((labels) => Object.keys(labels).length > 0).map(conditionName);
