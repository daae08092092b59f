import { joinMatches } from './call-match.ts';
import type { OverriddenProvider } from './overrides.ts';
import type { CallMatch } from './rules.ts';

/** Named set of instances. */
export interface InstanceFilter {
  /** Part of names of labels and subsets: lower-case letters, digits and hyphens. */
  readonly id: string;
  readonly keeps: (instance: OverriddenProvider) => boolean;
}

/** Change of the instances that a call may reach. */
export interface Effect {
  /** Instances by weight; null to leave them. Empty: none. */
  readonly to: readonly { readonly weight: number; readonly filter: InstanceFilter }[] | null;
  /** Instances if there are none of these: those from before, none, or others. */
  readonly otherwise: 'before' | 'none' | InstanceFilter;
  readonly timeoutMs: number | null;
}

/** Decision about calls. The first case that matches applies, or the default. Stages follow each other. */
export interface Stage {
  readonly cases: readonly { readonly when: readonly CallMatch[]; readonly effect: Effect }[];
  readonly usual: Effect;
}

/** Route that decisions lead to. */
export interface Leaf {
  /** Alternatives of which one must hold. */
  readonly matches: readonly CallMatch[];
  /** Instances by weight: those that all filters keep. */
  readonly targets: readonly Target[];
  readonly timeoutMs: number | null;
}

export interface Target {
  readonly weight: number;
  readonly filters: readonly InstanceFilter[];
}

/** Filter that keeps no instance. */
export const nobody: InstanceFilter = { id: 'none', keeps: () => false };

export const noEffect: Effect = { to: null, otherwise: 'before', timeoutMs: null };

/** Most routes of one service. */
export const maxRoutes = 128;

/** Largest sum of the weights of one route. */
const maxWeightSum = 1_000_000;

/**
 * Lists the routes of all combinations of decisions: the first that matches a call is the one that the stages, one after
 * the other, decide for it. The last one has no condition. Null: there are more than `maxRoutes`.
 */
export function routesOf(stages: readonly Stage[], instances: readonly OverriddenProvider[]): readonly Leaf[] | null {
  const leaves: Leaf[] = [];
  const start: Leaf = { matches: [[]], targets: [{ weight: 1, filters: [] }], timeoutMs: null };
  const isComplete = collect(start, 0);
  return isComplete ? withoutSuperfluous(leaves) : null;

  function collect(leaf: Leaf, index: number): boolean {
    const stage = stages[index];
    if (stage === undefined) {
      leaves.push(leaf);
      return leaves.length <= maxRoutes;
    }
    for (const { when, effect } of stage.cases) {
      const matches = leaf.matches.flatMap((one) => when.flatMap((other) => joinedOrNone(one, other)));
      if (matches.length === 0) continue;
      if (!collect({ ...applied(leaf, effect, instances), matches }, index + 1)) return false;
      if (when.some((match) => match.length === 0)) return true;
    }
    return collect(applied(leaf, stage.usual, instances), index + 1);
  }
}

function joinedOrNone(first: CallMatch, second: CallMatch): readonly CallMatch[] {
  const joined = joinMatches(first, second);
  return joined === null ? [] : [joined];
}

function applied(leaf: Leaf, effect: Effect, instances: readonly OverriddenProvider[]): Leaf {
  const timeoutMs = effect.timeoutMs ?? leaf.timeoutMs;
  if (effect.to === null) return { ...leaf, timeoutMs };
  const { to, otherwise } = effect;
  const targets = leaf.targets.flatMap((target): readonly Target[] => {
    const narrowed = to
      .map(({ weight, filter }) => ({ weight: weight * target.weight, filters: withFilter(target.filters, filter) }))
      .filter(({ weight, filters }) => weight > 0 && hasInstance(filters, instances));
    if (narrowed.length > 0) return narrowed;
    if (otherwise === 'before') return [target];
    return [{ ...target, filters: withFilter(target.filters, otherwise === 'none' ? nobody : otherwise) }];
  });
  return { ...leaf, targets: merged(targets), timeoutMs };
}

const withFilter = (filters: readonly InstanceFilter[], filter: InstanceFilter): readonly InstanceFilter[] =>
  filters.some(({ id }) => id === filter.id) ? filters : [...filters, filter];

const hasInstance = (filters: readonly InstanceFilter[], instances: readonly OverriddenProvider[]): boolean =>
  instances.some((instance) => filters.every(({ keeps }) => keeps(instance)));

/** Joins targets with equal filters, and keeps the weights small. */
function merged(targets: readonly Target[]): readonly Target[] {
  const byFilters = new Map<string, Target>();
  for (const target of targets) {
    const key = targetId(target);
    byFilters.set(key, { ...target, weight: target.weight + (byFilters.get(key)?.weight ?? 0) });
  }
  const all = [...byFilters.values()];
  const sum = all.reduce((total, { weight }) => total + weight, 0);
  if (all.length === 1 || sum <= maxWeightSum) return all;
  return all.map((target) => ({ ...target, weight: Math.max(1, Math.round((target.weight * maxWeightSum) / sum)) }));
}

/** Names a target by its filters; empty for all instances. */
export const targetId = ({ filters }: Pick<Target, 'filters'>): string =>
  filters.some(({ id }) => id === nobody.id)
    ? nobody.id
    : filters
        .map(({ id }) => id)
        .sort()
        .join('-');

/** Removes routes before the last one that do the same as it does. */
function withoutSuperfluous(leaves: readonly Leaf[]): readonly Leaf[] {
  const last = leaves.at(-1);
  if (last === undefined) return leaves;
  const kept = leaves.slice(0, -1);
  for (let before = kept.at(-1); before !== undefined && isSameRoute(before, last); before = kept.at(-1)) kept.pop();
  return [...kept, last];
}

const isSameRoute = (a: Leaf, b: Leaf): boolean =>
  a.timeoutMs === b.timeoutMs &&
  JSON.stringify(a.targets.map((one) => [one.weight, targetId(one)])) ===
    JSON.stringify(b.targets.map((one) => [one.weight, targetId(one)]));
