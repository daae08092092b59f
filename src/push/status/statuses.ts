import type { Compiler, Contribution } from '../../compile/contract.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ServiceKey } from '../../model/names.ts';
import { isOutsideBook, meshKind } from '../../rules/book/objects.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { type RuleId, type RuleKind, ruleId } from '../../rules/rule.ts';
import type { RuleStatus, RuleStatuses } from '../../rules/status.ts';
import type { RuleStore } from '../../rules/store.ts';
import type { Coordinator } from '../coordinator.ts';
import type { PushObserver } from '../observer.ts';
import { countAffected } from './affected-proxies.ts';
import { noAnswers } from './answer-counts.ts';
import type { CompileProgress } from './compile-progress.ts';
import { conditionStates } from './conditions.ts';
import type { RuleFindings } from './findings/index.ts';
import { countProblems, type ProblemCount } from './problem-counts.ts';
import { groupProxies, type ProxyGroups } from './proxy-groups.ts';
import { createRuleProblems } from './rule-problems.ts';
import { createTransitions } from './transitions.ts';
import { createStatusWatch } from './watch.ts';

export interface StatusOptions {
  /** All served kinds. */
  readonly kinds: readonly RuleKind[];
  readonly book: RuleBook;
  /** Store, which must notify `book` first, so that the book already has each change. */
  readonly store: Pick<RuleStore, 'subscribe'>;
  readonly compiler: Pick<Compiler, 'contributionsOf' | 'layersSelecting' | 'problemsOf'>;
  readonly findings: Pick<RuleFindings, 'of' | 'subscribe'>;
  readonly coordinator: Coordinator;
  /** Notified by the coordinator's flushes, and from now on of changes of the book. */
  readonly progress: CompileProgress;
  /** Index of ServiceEntries: the services of a rule, and its problems. */
  readonly serviceEntries: {
    servicesOf(id: RuleId): readonly ServiceKey[];
    problemsOf(id: RuleId): readonly string[];
  };
  readonly clock: Clock;
  readonly log: Logger;
  /** Runs a function after input and timers had their turn. */
  readonly defer: (run: () => void) => void;
  /** Monotonic time in milliseconds. */
  readonly elapsed: () => number;
}

/** Statuses of rules, with the observer that keeps them current. */
export interface LiveRuleStatuses extends RuleStatuses {
  readonly observer: Pick<PushObserver, 'connected' | 'disconnected' | 'flushed'>;
  /** Returns the number of rules by problem, including rules of adapters. */
  problemCounts(): Promise<readonly ProblemCount[]>;
}

type StatusObject = Parameters<RuleStatuses['of']>[0];

/**
 * Creates the statuses of rules. They are computed on demand from contributions of rules and answers of streams. A push
 * only updates counters. While there are listeners, statuses that may have changed are checked once a second.
 */
export function createRuleStatuses(options: StatusOptions): LiveRuleStatuses {
  const { kinds, book, store, compiler, findings, coordinator, progress, serviceEntries, clock } = options;
  const kindsByName = new Map(kinds.map((kind) => [kind.kind, kind]));
  const transitions = createTransitions(clock.now);
  const problems = createRuleProblems(options);
  /** Statuses computed since the last change of anything that they depend on. */
  const cache = new Map<RuleId, RuleStatus>();
  /** Contributions of rules, computed on demand since the last compile. */
  const contributions = new Map<string, readonly Contribution[]>();
  const contributionsOf = (origin: string): readonly Contribution[] => {
    const known = contributions.get(origin) ?? [...compiler.contributionsOf(origin)];
    contributions.set(origin, known);
    return known;
  };
  /** Rules whose findings may differ once the next flush is published. */
  const uncheckedRules = new Set<RuleId>();
  let edits = 0;
  let cachedAt = '';
  let groups: ProxyGroups | null = null;

  const settleCache = (): void => {
    const at = `${coordinator.activity}/${edits}`;
    if (at === cachedAt) return;
    cachedAt = at;
    groups = null;
    cache.clear();
  };

  const groupsNow = (): ProxyGroups => {
    settleCache();
    groups ??= groupProxies(coordinator);
    return groups;
  };

  const foundBy = (kind: string) => kindsByName.get(kind)?.compiled?.index.by ?? null;

  const isInTables = ({ kind, metadata }: StatusObject, id: RuleId): boolean => {
    if (isOutsideBook(kind)) return true;
    if (!progress.isCompiled(id)) return false;
    return kind === meshKind || book.get(id)?.metadata.generation === metadata.generation;
  };

  const compute = (object: StatusObject, id: RuleId): RuleStatus => {
    const { kind, metadata } = object;
    const rule = book.get(id);
    const report = book.reportOn(id);
    const tally = progress.isCompiled(id)
      ? countAffected({ kind, foundBy: foundBy(kind), id, since: progress.revisionOf(id) }, groupsNow(), {
          contributionsOf,
          layersSelecting: compiler.layersSelecting,
          layers: coordinator.layers,
          quarantine: coordinator.quarantine,
          servicesOf: serviceEntries.servicesOf,
        })
      : noAnswers;
    const verdicts = conditionStates({
      report,
      isCompiled: isInTables(object, id),
      tally,
      findings: findings.of(id),
      conflicts: problems.conflictsOf(kind, id),
      pending: problems.pendingOf(kind, id, rule?.spec ?? object.spec),
    });
    const { concerned, acknowledged, pending, rejected, rejections } = tally;
    return {
      observedGeneration: metadata.generation,
      conditions: transitions.conditions(id, verdicts, metadata.generation),
      proxies: { concerned, acknowledged, pending, rejected },
      rejections,
    };
  };

  const statusOf = (object: StatusObject): RuleStatus => {
    settleCache();
    const id = ruleId(object);
    const known = cache.get(id);
    if (known?.observedGeneration === object.metadata.generation) return known;
    const status = compute(object, id);
    cache.set(id, status);
    return status;
  };

  const watch = createStatusWatch({ ...options, statusOf, groups: groupsNow });

  // Existing rules of the book cause no notification.
  progress.changed([...book.rules()].map((rule) => ({ type: 'rule', rule })));
  book.subscribe((changes) => {
    edits++;
    progress.changed(changes);
    for (const change of changes) if (change.type === 'rule-removed') watch.edited(change.id, null);
  });
  // An object that became invalid changes no rule in effect, but its status.
  book.onAdapterObjects((ids) => {
    edits++;
    watch.recheck(ids);
    for (const id of ids) if (book.get(id) === null && book.reportOn(id) === null) transitions.forget(id);
  });
  findings.subscribe((ids) => {
    for (const id of ids) uncheckedRules.add(id);
  });
  store.subscribe((changes) => {
    edits++;
    for (const change of changes) {
      const id = ruleId(change.type === 'put' ? change.object : { kind: change.key.kind, metadata: change.key });
      if (change.type === 'removed') transitions.forget(id);
      watch.edited(id, change.type === 'put' ? change.object : null);
    }
  });

  return {
    of(object) {
      const status = statusOf(object);
      watch.reported(object, status);
      return status;
    },
    subscribe: watch.subscribe,
    problemCounts() {
      const pause = () => new Promise<void>((resolve) => options.defer(resolve));
      const sources = {
        rules: book.rules(),
        reports: book.reports(Number.POSITIVE_INFINITY),
        reasonsOf: problems.reasonsOf,
      };
      return countProblems(sources, { pause, elapsed: options.elapsed });
    },
    observer: {
      connected: watch.populationChanged,
      disconnected: watch.populationChanged,
      flushed({ layersCompiled }) {
        watch.recheck(uncheckedRules);
        uncheckedRules.clear();
        progress.flushEnded(coordinator.context.revision);
        if (layersCompiled === 0) return;
        contributions.clear();
        watch.populationChanged();
      },
    },
  };
}
