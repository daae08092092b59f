import type { Contribution } from '../../compile/contract.ts';
import { isOutsideBook, meshKind } from '../../rules/book/objects.ts';
import type { RuleId } from '../../rules/rule.ts';
import type { RuleStatus, RuleStatuses } from '../../rules/status.ts';
import { countAffected } from './affected-proxies.ts';
import { noAnswers } from './answer-counts.ts';
import { conditionStates } from './conditions.ts';
import type { ProxyGroups } from './proxy-groups.ts';
import type { RuleProblems } from './rule-problems.ts';
import type { StatusOptions } from './status-options.ts';
import type { Transitions } from './transitions.ts';

type StatusObject = Parameters<RuleStatuses['of']>[0];

export interface StatusSources {
  readonly problems: RuleProblems;
  readonly transitions: Transitions;
  readonly contributionsOf: (origin: string) => readonly Contribution[];
  readonly groups: () => ProxyGroups;
}

/** Creates a function that computes the status of an object from what is compiled, sent and answered now. */
export function createStatusComputation(
  options: Pick<
    StatusOptions,
    'kinds' | 'book' | 'compiler' | 'findings' | 'coordinator' | 'progress' | 'serviceEntries'
  >,
  { problems, transitions, contributionsOf, groups }: StatusSources,
): (object: StatusObject, id: RuleId) => RuleStatus {
  const { book, compiler, findings, coordinator, progress, serviceEntries } = options;
  const kindsByName = new Map(options.kinds.map((kind) => [kind.kind, kind]));
  const foundBy = (kind: string) => kindsByName.get(kind)?.compiled?.index.by ?? null;

  const isInTables = ({ kind, metadata }: StatusObject, id: RuleId): boolean => {
    if (isOutsideBook(kind)) return true;
    if (!progress.isCompiled(id)) return false;
    return kind === meshKind || book.get(id)?.metadata.generation === metadata.generation;
  };

  return (object, id) => {
    const { kind, metadata } = object;
    const tally = progress.isCompiled(id)
      ? countAffected({ kind, foundBy: foundBy(kind), id, since: progress.revisionOf(id) }, groups(), {
          contributionsOf,
          layersSelecting: compiler.layersSelecting,
          layers: coordinator.layers,
          quarantine: coordinator.quarantine,
          servicesOf: serviceEntries.servicesOf,
        })
      : noAnswers;
    const verdicts = conditionStates({
      report: book.reportOn(id),
      isCompiled: isInTables(object, id),
      tally,
      findings: findings.of(id),
      conflicts: problems.conflictsOf(kind, id),
      pending: problems.pendingOf(kind, id, book.get(id)?.spec ?? object.spec),
    });
    const { concerned, acknowledged, pending, rejected, rejections } = tally;
    const addresses = kind === 'ServiceEntry' ? serviceEntries.addressesOf(id) : [];
    return {
      observedGeneration: metadata.generation,
      conditions: transitions.conditions(id, verdicts, metadata.generation),
      proxies: { concerned, acknowledged, pending, rejected },
      rejections,
      ...(addresses.length > 0 ? { addresses } : {}),
    };
  };
}
