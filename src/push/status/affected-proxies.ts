import type { Compiler, Contribution } from '../../compile/contract.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { ServiceKey } from '../../model/names.ts';
import type { RuleIndexing } from '../../rules/compiled.ts';
import type { RuleId } from '../../rules/rule.ts';
import type { Revision } from '../../xds/tables/table.ts';
import type { Client } from '../client.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { ServedLayers } from '../served-layers.ts';
import { type AnswerCounts, noAnswers } from './answer-counts.ts';
import { countAllAnswers, countAnswers } from './count-answers.ts';
import type { ProxyGroups } from './proxy-groups.ts';

export interface AffectedProxiesSources {
  /** Returns the contributions of a rule or service: see `Compiler.contributionsOf`. */
  readonly contributionsOf: (origin: string) => readonly Contribution[];
  readonly layersSelecting: Compiler['layersSelecting'];
  readonly layers: Pick<ServedLayers, 'get'>;
  readonly quarantine: Pick<Quarantine, 'isToCorrect' | 'isProven'>;
  /** Returns the services that a ServiceEntry defines, or that have a WorkloadEntry as endpoint. */
  readonly servicesOf: (id: RuleId) => readonly ServiceKey[];
}

/** Compiled rule. `since` is the revision of its last change. */
export interface CompiledRule {
  readonly kind: string;
  /** Index of its kind; null for kinds that are not compiled directly. */
  readonly foundBy: RuleIndexing<unknown>['by'] | null;
  readonly id: RuleId;
  readonly since: Revision;
}

/** Counts the proxies that a rule affects, and their answers. The kind of the rule decides which resources count. */
export function countAffected(
  { kind, foundBy, id, since }: CompiledRule,
  groups: ProxyGroups,
  parts: AffectedProxiesSources,
): AnswerCounts {
  const { contributionsOf, layersSelecting, layers, servicesOf, quarantine } = parts;
  switch (kind) {
    case 'MeshConfig':
      return countAllAnswers(groups.clients, since);
    case 'ServiceEntry':
    case 'WorkloadEntry': {
      const services = servicesOf(id).map((key) => `service/${key}`);
      const made = services.flatMap((origin) => contributionsOf(origin));
      const own = kind === 'ServiceEntry' ? made : made.filter((contribution) => !isNoAssignment(contribution));
      const contributions = inLayerOrder(own.map((one) => withOwnChange(one, since, layers)));
      return countAnswers(
        { origins: [id, ...(kind === 'ServiceEntry' ? services : [])], since, contributions, quarantine },
        groups,
      );
    }
  }
  switch (foundBy) {
    case 'workload':
      return countAllAnswers(proxiesWith(id, groups, layersSelecting), since);
    case 'host':
      // Assignments of subsets list workloads, which do not depend on the rule.
      return countAnswers(
        { origins: [id], since, contributions: contributionsOf(id).filter(isNoAssignment), quarantine },
        groups,
      );
    case null:
      return noAnswers;
    default:
      return assertNever(foundBy);
  }
}

const isNoAssignment = ({ type }: Contribution): boolean => type !== 'endpoint';

function* proxiesWith(
  sidecar: RuleId,
  groups: ProxyGroups,
  layersSelecting: Compiler['layersSelecting'],
): Generator<Client> {
  for (const layer of layersSelecting(sidecar)) yield* groups.assigned.get(layer) ?? [];
}

/**
 * Replaces the revision of an assignment, whose endpoints change independently of rules. It counts as of the
 * compilation of the rule, or as of its first appearance if that was later.
 */
function withOwnChange(
  contribution: Contribution,
  since: Revision,
  layers: AffectedProxiesSources['layers'],
): Contribution {
  const { layer, type, name } = contribution;
  if (type !== 'endpoint') return contribution;
  const entry = layers.get(layer)?.tables.endpoint.get(name);
  if (entry === undefined) return contribution;
  return { ...contribution, since: Math.min(entry.changed, Math.max(since, entry.appeared)) };
}

/** Groups contributions by layer. */
const inLayerOrder = (contributions: readonly Contribution[]): readonly Contribution[] =>
  [...Map.groupBy(contributions, ({ layer }) => layer).values()].flat();
