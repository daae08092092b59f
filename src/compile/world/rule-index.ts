import { isDeepStrictEqual } from 'node:util';
import { covers, isWildcard } from '../../model/names.ts';
import type { HostIndexing } from '../../rules/compiled.ts';
import { comparePrecedence, type Rule, type RuleId, type RuleKind, ruleId } from '../../rules/rule.ts';
import { type Dirty, ruleDep } from './dirty.ts';
import { createHostIndex, type HostIndex } from './host-index.ts';
import type { Relevance } from './relevance.ts';

/** The rules that are compiled, found as their kinds say (`RuleKind.compiled`). */
export interface RuleIndex {
  /** The rules of a kind that is found by hosts, by fully qualified host. */
  byHost<K extends string, S>(kind: RuleKind<K, S>): HostIndex<Rule<K, S>>;
  /** Those of a kind that selects workloads, of one namespace, in order of precedence. */
  inNamespace<K extends string, S>(kind: RuleKind<K, S>, namespace: string): readonly Rule<K, S>[];
  get<K extends string, S>(kind: RuleKind<K, S>, id: RuleId): Rule<K, S> | undefined;
  /** The hosts that rules are written for, of the kinds that make hosts. May name one twice. */
  hosts(): Iterable<string>;
  /** Rules of kinds that are not compiled (a ServiceEntry is a service by now) are passed over. */
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

  /** A wildcard rule dirties every host that it covers: hosts depend on their own name only. */
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
    // Which rules a proxy has may be others now.
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
    // Rules were validated with their kind's schema, and are kept by the name of their kind.
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

/** Labels, annotations, status and the like may change without anything to compile. */
const isSame = (a: Rule, b: Rule): boolean =>
  a === b || (a.metadata.creationTimestamp === b.metadata.creationTimestamp && isDeepStrictEqual(a.spec, b.spec));
