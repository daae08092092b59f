import type { Contribution } from '../../compile/contract.ts';
import { type RuleId, ruleId } from '../../rules/rule.ts';
import type { RuleStatus, RuleStatuses } from '../../rules/status.ts';
import type { PushObserver } from '../observer.ts';
import { countProblems, type ProblemCount } from './problem-counts.ts';
import { groupProxies, type ProxyGroups } from './proxy-groups.ts';
import { createRuleProblems } from './rule-problems.ts';
import { createStatusComputation } from './status-computation.ts';
import type { StatusOptions } from './status-options.ts';
import { createTransitions } from './transitions.ts';
import { createStatusWatch } from './watch.ts';

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
  const { book, store, compiler, findings, coordinator, progress, clock } = options;
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

  const compute = createStatusComputation(options, { problems, transitions, contributionsOf, groups: groupsNow });

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
