import { isDeepStrictEqual } from 'node:util';
import { covers, isWildcard } from '../../model/names.ts';
import type { HostIndexing } from '../../rules/compiled.ts';
import { comparePrecedence, type Rule, type RuleId, type RuleKind, ruleId } from '../../rules/rule.ts';
import { type Dirty, namedRuleDep, ruleDep } from './dirty.ts';
import { createHostIndex, type HostIndex } from './host-index.ts';
import type { Relevance } from './relevance.ts';

/** Compiled rules, indexed as their kinds define (`RuleKind.compiled`). */
export interface RuleIndex {
  /** Returns the rules of a kind that is indexed by host, by fully qualified host. */
  byHost<K extends string, S>(kind: RuleKind<K, S>): HostIndex<Rule<K, S>>;
  /** Returns the rules of a kind that selects workloads, of one namespace, in order of precedence. */
  inNamespace<K extends string, S>(kind: RuleKind<K, S>, namespace: string): readonly Rule<K, S>[];
  get<K extends string, S>(kind: RuleKind<K, S>, id: RuleId): Rule<K, S> | undefined;
  /** Returns the hosts of rules, for kinds that define hosts. May contain duplicates. */
  hosts(): Iterable<string>;
  /**
   * Adds or replaces a rule. Ignores kinds that are not compiled, such as ServiceEntries, which are services by now.
   */
  put(rule: Rule, dirty: Dirty): void;
  remove(id: RuleId, dirty: Dirty): void;
}

export interface RuleIndexOptions {
  readonly kinds: readonly RuleKind[];
  readonly domainSuffix: string;
  readonly relevance: Relevance;
  serviceHosts(): Iterable<string>;
  rootNamespace(): string;
}

export function createRuleIndex(options: RuleIndexOptions): RuleIndex {
  const { domainSuffix, relevance, serviceHosts } = options;
  const kinds = new Map(options.kinds.flatMap((kind) => (kind.compiled ? [[kind.kind, kind.compiled] as const] : [])));
  const rules = new Map<RuleId, Rule>();
  const byHost = new Map<string, HostIndex<Rule>>();
  const byNamespace = new Map<string, readonly Rule[]>();
  for (const [kind, { index }] of kinds) if (index.by === 'host') byHost.set(kind, createHostIndex());
  const hostMakingIndexes = [...kinds].flatMap(([kind, { index }]) =>
    index.by === 'host' && index.makesHosts ? [indexOf(kind)] : [],
  );

  function indexOf(kind: string): HostIndex<Rule> {
    const index = byHost.get(kind);
    if (index === undefined) throw new Error(`rules of kind ${kind} are not found by hosts`);
    return index;
  }

  function* madeHosts(): Generator<string, void, undefined> {
    for (const index of hostMakingIndexes) yield* index.hosts();
  }

  /** Marks all hosts that a wildcard covers: hosts depend on names of their own only. */
  const markCovered = (kind: string, pattern: string, dirty: Dirty) => {
    dirty.keys.add(ruleDep(kind, pattern));
    if (!isWildcard(pattern)) return;
    for (const hosts of [serviceHosts(), madeHosts()]) {
      for (const host of hosts) if (covers(pattern, host)) dirty.keys.add(ruleDep(kind, host));
    }
  };

  const placeByHost = (indexing: HostIndexing<unknown>, { rule, change, dirty }: IndexChange) => {
    const { namespace } = rule.metadata;
    for (const host of indexing.hosts(rule.spec, { namespace, domainSuffix })) {
      indexOf(rule.kind)[change](host, rule);
      markCovered(rule.kind, host, dirty);
    }
  };

  const placeByWorkload = ({ rule, change, dirty }: IndexChange) => {
    const { namespace } = rule.metadata;
    const place = placeOf(rule.kind, namespace);
    const others = (byNamespace.get(place) ?? []).filter((other) => other !== rule);
    const all = change === 'add' ? [...others, rule].sort(comparePrecedence) : others;
    if (all.length === 0) byNamespace.delete(place);
    else byNamespace.set(place, all);
    dirty.selecting.add(ruleId(rule));
    // Proxies may have other rules now.
    if (namespace === options.rootNamespace()) dirty.moved.everyone = true;
    else dirty.moved.namespaces.add(namespace);
  };

  const place = (placing: IndexChange) => {
    const index = kinds.get(placing.rule.kind)?.index;
    if (index?.by === 'host') placeByHost(index, placing);
    else if (index?.by === 'workload') placeByWorkload(placing);
  };

  const replace = (id: RuleId, after: Rule | undefined, dirty: Dirty) => {
    const before = rules.get(id);
    if (before !== undefined && after !== undefined && isSame(before, after)) return;
    if (before !== undefined || after !== undefined) dirty.keys.add(namedRuleDep(id));
    relevance.replaceRule(
      [before, after].map((rule) => audienceOf(rule)),
      dirty,
    );
    if (before !== undefined) place({ rule: before, change: 'remove', dirty });
    if (after !== undefined) place({ rule: after, change: 'add', dirty });
    if (after === undefined) rules.delete(id);
    else rules.set(id, after);
  };

  const audienceOf = (rule: Rule | undefined) => {
    const audience = rule === undefined ? undefined : kinds.get(rule.kind)?.audience(rule.spec);
    if (rule === undefined || audience === undefined) return undefined;
    return { ...audience, namespaces: [rule.metadata.namespace, ...audience.namespaces] };
  };

  return {
    // The casts are sound: rules are validated with their kind's schema and stored by their kind.
    byHost: <K extends string, S>({ kind }: RuleKind<K, S>) => indexOf(kind) as HostIndex<Rule<K, S>>,
    inNamespace: <K extends string, S>({ kind }: RuleKind<K, S>, namespace: string) =>
      (byNamespace.get(placeOf(kind, namespace)) ?? []) as readonly Rule<K, S>[],
    get<K extends string, S>({ kind }: RuleKind<K, S>, id: RuleId) {
      const rule = rules.get(id);
      return rule?.kind === kind ? (rule as Rule<K, S>) : undefined;
    },
    hosts: madeHosts,
    put(rule, dirty) {
      if (kinds.has(rule.kind)) replace(ruleId(rule), rule, dirty);
    },
    remove: (id, dirty) => replace(id, undefined, dirty),
  };
}

interface IndexChange {
  readonly rule: Rule;
  readonly change: 'add' | 'remove';
  readonly dirty: Dirty;
}

const placeOf = (kind: string, namespace: string): string => `${kind}/${namespace}`;

/** Compares rules. Changes of labels, annotations and status need no compilation. */
const isSame = (a: Rule, b: Rule): boolean =>
  a === b || (a.metadata.creationTimestamp === b.metadata.creationTimestamp && isDeepStrictEqual(a.spec, b.spec));
