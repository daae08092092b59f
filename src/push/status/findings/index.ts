import type { DirtyNames, MeshView } from '../../../compile/contract.ts';
import { createDependents } from '../../../compile/tables/dependents.ts';
import { ruleDep, serviceDep } from '../../../compile/world/dirty.ts';
import { covers, isWildcard } from '../../../model/names.ts';
import type { RuleBook, RuleChange } from '../../../rules/book/rule-book.ts';
import { qualifiedHost } from '../../../rules/fields.ts';
import type { DestinationRule } from '../../../rules/kinds/destination-rule/index.ts';
import type { ServiceEntrySpec } from '../../../rules/kinds/service-entry/schema.ts';
import type { SidecarRule } from '../../../rules/kinds/sidecar/index.ts';
import type { VirtualService } from '../../../rules/kinds/virtual-service/index.ts';
import { type Rule, type RuleId, ruleId } from '../../../rules/rule.ts';
import { destinationRuleFindings } from './destination-rule.ts';
import { byUrgency, type Finding, isReference } from './finding.ts';
import { createLookup, type FindingsLookup, gatewayDep } from './lookup.ts';
import { createRuleNames, type RuleName } from './rule-names.ts';
import { serviceEntryFindings } from './service-entry.ts';
import { sidecarFindings } from './sidecar.ts';
import { virtualServiceFindings } from './virtual-service.ts';

/**
 * Parts of rules without effect in the current mesh. A change invalidates only the findings that read a changed input;
 * these are computed again on demand.
 */
export interface RuleFindings {
  /** Returns the findings of a rule, most urgent first. */
  of(id: RuleId): readonly Finding[];
  /**
   * Checks rules that are to be written together. Returns a function that lists the missing references of one of them,
   * such as `spec.hosts[0]: there is no service …`.
   */
  unresolved(rules: readonly Rule[]): (rule: Rule) => readonly string[];
  /** Invalidates findings after changes of services, endpoints or compiled rules. */
  worldChanged(dirty: DirtyNames): void;
  /** Calls `listener` with the rules whose findings may have changed. */
  subscribe(listener: (ids: Iterable<RuleId>) => void): void;
}

export interface RuleFindingsOptions {
  readonly book: Pick<RuleBook, 'get' | 'rules' | 'subscribe'>;
  readonly mesh: MeshView;
}

export function createRuleFindings({ book, mesh }: RuleFindingsOptions): RuleFindings {
  const names = createRuleNames(mesh.domainSuffix);
  const known = new Map<RuleId, CachedFindings>();
  const dependents = createDependents<RuleId>();
  /** Rules for wildcards, by wildcard: it may cover any new service. */
  const wildcards = new Map<string, Set<RuleId>>();
  const listeners: ((ids: Iterable<RuleId>) => void)[] = [];

  const forget = (id: RuleId): void => {
    const before = known.get(id);
    if (before === undefined) return;
    known.delete(id);
    dependents.replace(id, before.dependencies, []);
    for (const wildcard of before.wildcards) {
      wildcards.get(wildcard)?.delete(id);
      if (wildcards.get(wildcard)?.size === 0) wildcards.delete(wildcard);
    }
  };

  const compute = (rule: Rule): CachedFindings => {
    const lookup = createLookup(mesh, [names]);
    const findings = byUrgency(findingsOf(rule, lookup));
    return { findings, dependencies: [...lookup.dependencies()], wildcards: wildcardsOf(rule, mesh.domainSuffix) };
  };

  const invalidate = (touched: ReadonlySet<RuleId>): void => {
    if (touched.size === 0) return;
    for (const id of touched) forget(id);
    for (const listener of listeners) listener(touched);
  };

  const dependentsOf = function* (thing: RuleName): Generator<RuleId> {
    if (thing.type === 'gateway') return yield* dependents.of(gatewayDep(thing.id));
    yield* dependents.of(thing.type === 'service' ? serviceDep(thing.host) : ruleDep('DestinationRule', thing.host));
    // A wildcard defines subsets for every host below it.
    if (isWildcard(thing.host)) yield* known.keys();
  };

  const changed = (changes: readonly RuleChange[]): void => {
    const touched = new Set<RuleId>();
    for (const change of changes) {
      if (change.type === 'mesh') continue;
      const id = change.type === 'rule' ? ruleId(change.rule) : change.id;
      touched.add(id);
      const things = names.put(id, change.type === 'rule' ? change.rule : null);
      for (const thing of things) for (const other of dependentsOf(thing)) touched.add(other);
    }
    invalidate(touched);
  };

  changed([...book.rules()].map((rule) => ({ type: 'rule', rule })));
  book.subscribe(changed);

  return {
    of(id) {
      const found = known.get(id);
      if (found !== undefined) return found.findings;
      const rule = book.get(id);
      if (rule === null) return none;
      const next = compute(rule);
      known.set(id, next);
      dependents.replace(id, [], next.dependencies);
      for (const wildcard of next.wildcards) wildcards.set(wildcard, (wildcards.get(wildcard) ?? new Set()).add(id));
      return next.findings;
    },
    unresolved(rules) {
      const written = createRuleNames(mesh.domainSuffix);
      for (const rule of rules) written.put(ruleId(rule), rule);
      return (rule) =>
        findingsOf(rule, createLookup(mesh, [written, names]))
          .filter(isReference)
          .map(({ message }) => message);
    },
    worldChanged({ keys, selecting }) {
      const touched = new Set<RuleId>();
      for (const key of keys) {
        for (const id of dependents.of(key)) touched.add(id);
        if (wildcards.size === 0 || !key.startsWith(serviceDep(''))) continue;
        for (const [wildcard, ids] of wildcards) {
          if (covers(wildcard, key.slice(serviceDep('').length))) for (const id of ids) touched.add(id);
        }
      }
      for (const id of selecting) {
        const [, namespace = ''] = id.split('/');
        for (const sidecar of mesh.sidecars(namespace)) touched.add(ruleId(sidecar));
      }
      invalidate(touched);
    },
    subscribe: (listener) => void listeners.push(listener),
  };
}

interface CachedFindings {
  readonly findings: readonly Finding[];
  readonly dependencies: readonly string[];
  readonly wildcards: readonly string[];
}

const none: readonly Finding[] = [];

// The casts are sound: rules are validated with their kind's schema, so the kind determines the type of the spec.
function findingsOf(rule: Rule, lookup: FindingsLookup): readonly Finding[] {
  switch (rule.kind) {
    case 'VirtualService':
      return virtualServiceFindings(rule as VirtualService, lookup);
    case 'DestinationRule':
      return destinationRuleFindings(rule as DestinationRule, lookup);
    case 'Sidecar':
      return sidecarFindings(rule as SidecarRule, lookup);
    case 'ServiceEntry':
      return serviceEntryFindings(rule as Rule<string, ServiceEntrySpec>, lookup);
    default:
      return none;
  }
}

function wildcardsOf({ kind, metadata, spec }: Rule, domainSuffix: string): readonly string[] {
  const hosts =
    kind === 'VirtualService'
      ? ((spec as VirtualService['spec']).hosts ?? [])
      : kind === 'DestinationRule'
        ? [(spec as DestinationRule['spec']).host]
        : [];
  return hosts.map((host) => qualifiedHost(host, metadata.namespace, domainSuffix)).filter(isWildcard);
}
