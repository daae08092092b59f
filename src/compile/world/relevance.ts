import type { Service } from '../../model/service.ts';
import type { DestinationRule } from '../../rules/kinds/destination-rule/index.ts';
import type { Sidecar } from '../../rules/kinds/sidecar/index.ts';
import type { VirtualService } from '../../rules/kinds/virtual-service/index.ts';
import { createCounts } from '../tables/counts.ts';
import type { Dirty } from './dirty.ts';

export type CompiledRule = VirtualService | DestinationRule | Sidecar;

type Labels = Readonly<Record<string, string>>;

/**
 * Which facts of proxies make a difference at present. Proxies that differ only in facts that make none share a
 * scope: 1,000 namespaces without services or rules of their own are one.
 */
export interface Relevance {
  /** Something is in this namespace, exported to it, or asks for clients of it. */
  namespaceMatters(namespace: string): boolean;
  /** Some host is right below this domain, so that clients of the domain call it by its first label alone. */
  domainMatters(domain: string): boolean;
  /** Some host ends with these labels and has others before them, so that clients whose domain ends with them may shorten it. */
  hostsEndWith(labels: string): boolean;
  /** The label conditions that some rule puts on clients, by the name that `conditionName` gives. */
  conditions(): Iterable<string>;
  replaceService(before: Service | undefined, after: Service | undefined, dirty: Dirty): void;
  replaceRule(before: CompiledRule | undefined, after: CompiledRule | undefined, dirty: Dirty): void;
}

export function createRelevance(): Relevance {
  const namespaces = createCounts();
  const domains = createCounts();
  const tails = createCounts();
  const conditions = createCounts();

  const replace = (
    counts: typeof namespaces,
    [before, after]: readonly (readonly string[])[],
    moved: Set<string>,
  ): void => {
    for (const key of after ?? []) if (counts.add(key)) moved.add(key);
    for (const key of before ?? []) if (counts.remove(key)) moved.add(key);
  };

  return {
    namespaceMatters: (namespace) => namespaces.has(namespace),
    domainMatters: (domain) => domains.has(domain),
    hostsEndWith: (labels) => tails.has(labels),
    conditions: () => conditions.keys(),
    replaceService(before, after, dirty) {
      replace(namespaces, [before, after].map(serviceNamespaces), dirty.moved.namespaces);
      replace(domains, [before, after].map(serviceDomains), dirty.moved.domains);
      replace(tails, [before, after].map(serviceTails), dirty.moved.domains);
    },
    replaceRule(before, after, dirty) {
      replace(namespaces, [before, after].map(ruleNamespaces), dirty.moved.namespaces);
      replace(conditions, [before, after].map(ruleConditions), dirty.moved.conditions);
    },
  };
}

/** A canonical name of a set of labels: JSON of its sorted entries. */
export const conditionName = (labels: Labels): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Whether labels meet the condition of that name. */
export function meetsCondition(name: string, labels: Labels): boolean {
  const entries = JSON.parse(name) as [string, string][]; // made by conditionName
  return entries.every(([key, value]) => labels[key] === value);
}

const serviceNamespaces = (service: Service | undefined): readonly string[] =>
  service === undefined ? [] : [service.namespace, ...service.exportTo];

const serviceDomains = (service: Service | undefined): readonly string[] =>
  serviceHosts(service).map((host) => host.slice(host.indexOf('.') + 1));

const serviceTails = (service: Service | undefined): readonly string[] =>
  serviceHosts(service).flatMap((host) => [...tailsOf(host)].slice(1));

const serviceHosts = (service: Service | undefined): readonly string[] =>
  service === undefined ? [] : [service.hostname, ...service.aliases];

/** `a.b.c`, `b.c` and `c`. */
export function* tailsOf(name: string): Generator<string, void, undefined> {
  for (let start = 0; ; ) {
    yield name.slice(start);
    const dot = name.indexOf('.', start);
    if (dot === -1) return;
    start = dot + 1;
  }
}

function ruleNamespaces(rule: CompiledRule | undefined): readonly string[] {
  if (rule === undefined) return [];
  const { namespace } = rule.metadata;
  if (rule.kind === 'Sidecar') return [namespace];
  const exported = [namespace, ...(rule.spec.exportTo ?? [])];
  if (rule.kind === 'DestinationRule') return exported;
  const sources = sourceMatches(rule).map(({ sourceNamespace }) => sourceNamespace ?? '');
  return [...exported, ...sources.filter((source) => source !== '')];
}

function ruleConditions(rule: CompiledRule | undefined): readonly string[] {
  if (rule === undefined || rule.kind === 'Sidecar') return [];
  if (rule.kind === 'VirtualService') {
    return sourceMatches(rule).flatMap(({ sourceLabels }) =>
      sourceLabels === undefined ? [] : [conditionName(sourceLabels)],
    );
  }
  const labels = rule.spec.workloadSelector?.matchLabels;
  return labels === undefined ? [] : [conditionName(labels)];
}

const sourceMatches = ({ spec }: VirtualService) =>
  [...(spec.http ?? []), ...(spec.tcp ?? [])].flatMap<{
    sourceLabels?: Labels | undefined;
    sourceNamespace?: string | undefined;
  }>(({ match }) => match ?? []);
