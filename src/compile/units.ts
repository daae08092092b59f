import { createCounts } from '../lib/counts.ts';
import type { PlanProblem, UnitPlan } from '../plan/unit.ts';
import { noRevisions, type PartRevisions } from './tables/contributions.ts';
import { createDependents } from './tables/dependents.ts';
import type { ProblemIndex } from './tables/problem-index.ts';
import type { Dirty } from './world/dirty.ts';

/** How the units of one kind are compiled. `Parts` is what is made of a plan, held until it is released. */
export interface UnitKind<Plan extends UnitPlan, Parts> {
  /** The parts of a unit that is not known yet. */
  readonly noParts: Parts;
  /** Every unit that there may be now. */
  keys(): Iterable<string>;
  /** The unit that a changed thing is about by its name alone; null: none of these. */
  unitOf(dependency: string): string | null;
  /** `isReferenced`: another unit needs this one. */
  resolve(key: string, isReferenced: boolean): Plan;
  /** Whether there is nothing in the plan to be encoded. */
  isEmpty(plan: Plan): boolean;
  /** Encodes a plan, all or nothing: what it throws is the plan's fault, and nothing is held then. */
  encode(plan: Plan, before: Parts): Parts;
  /** Treatment of a unit whose plan cannot be encoded. */
  onFault(plan: Plan, error: unknown): UnitFault;
  /** Puts parts in the place of those before. */
  install(key: string, before: Parts, after: Parts): void;
  since(before: RevisedParts<Parts>, after: Parts, revision: number): PartRevisions;
  /** Holds the parts once more. */
  retain(parts: Parts): Parts;
  release(parts: Parts): void;
  /** Whether it makes a difference to a unit that another one needs it. */
  dependsOnReferences(key: string): boolean;
  /** A plan was compiled that is not empty. */
  onCompiled(): void;
}

export interface UnitFault {
  /** The unit keeps its last good parts. Otherwise it has none until its plan is right again. */
  readonly keepsLastGood: boolean;
  readonly problems: readonly PlanProblem[];
}

export interface RevisedParts<Parts> {
  readonly parts: Parts;
  readonly since: PartRevisions;
}

/** State of one unit in a layer. */
export interface Unit<Parts> extends RevisedParts<Parts> {
  readonly references: readonly string[];
  readonly dependencies: readonly string[];
  readonly problems: readonly PlanProblem[];
}

/** The units of one kind in one layer. All of them are dirty at first. */
export interface Units<Parts> {
  get(key: string): Unit<Parts> | undefined;
  values(): Iterable<Unit<Parts>>;
  entries(): Iterable<readonly [key: string, unit: Unit<Parts>]>;
  readonly isDirty: boolean;
  /** Marks what depends on the changes. */
  mark(dirty: Dirty): void;
  markAll(): void;
  markOne(key: string): void;
  /** Takes a unit out, as if there were nothing of it. */
  remove(key: string): void;
  /** How many others need a unit. */
  referencesTo(key: string): number;
  /** Compiles what is dirty, and what becomes dirty by it; `revision` is that of the result. */
  compile(revision: number): Generator<undefined, void, undefined>;
  dispose(): void;
}

/**
 * Compiles units: resolve, encode or keep the last good parts, install, note the dependencies. A unit that cannot be encoded costs
 * itself its update, and nobody else anything.
 */
export function createUnits<Plan extends UnitPlan, Parts>(
  kind: UnitKind<Plan, Parts>,
  problems: ProblemIndex,
): Units<Parts> {
  const absent: Unit<Parts> = {
    parts: kind.noParts,
    since: noRevisions,
    references: [],
    dependencies: [],
    problems: [],
  };
  const units = new Map<string, Unit<Parts>>();
  const dirtyKeys = new Set<string>(kind.keys());
  const dependents = createDependents();
  /** Units that other units need. */
  const referenced = createCounts();

  const compileUnit = (key: string, revision: number) => {
    const before = units.get(key) ?? absent;
    const plan = kind.resolve(key, referenced.has(key));
    if (before === absent && kind.isEmpty(plan) && hasNoNotes(plan)) return;
    kind.onCompiled();
    const next = encodeOrKeepLastGood(plan, before);
    install(key, before, { ...next, since: kind.since(before, next.parts, revision) });
  };
  const encodeOrKeepLastGood = (plan: Plan, before: Unit<Parts>): Omit<Unit<Parts>, 'since'> => {
    const { references, dependencies } = plan;
    try {
      return { parts: kind.encode(plan, before.parts), references, dependencies, problems: plan.problems };
    } catch (error) {
      const fault = kind.onFault(plan, error);
      const allProblems = [...plan.problems, ...fault.problems];
      if (!fault.keepsLastGood) return { parts: kind.noParts, references: [], dependencies, problems: allProblems };
      return {
        parts: kind.retain(before.parts),
        references: before.references,
        // Also what the last good parts were made of: either may bring the cure.
        dependencies: [...new Set([...dependencies, ...before.dependencies])],
        problems: allProblems,
      };
    }
  };
  const install = (key: string, before: Unit<Parts>, next: Unit<Parts>) => {
    if (next.parts === kind.noParts && hasNoNotes(next)) units.delete(key);
    else units.set(key, next);
    kind.install(key, before.parts, next.parts);
    dependents.replace(key, before.dependencies, next.dependencies);
    for (const other of next.references) if (referenced.add(other)) markReferenced(other);
    for (const other of before.references) if (referenced.remove(other)) markReferenced(other);
    kind.release(before.parts);
    problems.replace(before.problems, next.problems);
  };
  const markReferenced = (key: string) => {
    if (kind.dependsOnReferences(key)) dirtyKeys.add(key);
  };

  return {
    get: (key) => units.get(key),
    values: () => units.values(),
    entries: () => units.entries(),
    get isDirty() {
      return dirtyKeys.size > 0;
    },
    mark({ keys }) {
      for (const dependency of keys) {
        const own = kind.unitOf(dependency);
        if (own !== null) dirtyKeys.add(own);
      }
      for (const key of dependents.ofAny(keys)) dirtyKeys.add(key);
    },
    markAll() {
      for (const key of kind.keys()) dirtyKeys.add(key);
      for (const key of units.keys()) dirtyKeys.add(key);
    },
    markOne: (key) => void dirtyKeys.add(key),
    remove(key) {
      const before = units.get(key);
      dirtyKeys.delete(key);
      if (before !== undefined) install(key, before, absent);
    },
    referencesTo: (key) => referenced.of(key),
    *compile(revision) {
      // A unit may make others dirty by referring to them: they join the set while it is walked.
      for (const key of dirtyKeys) {
        dirtyKeys.delete(key);
        compileUnit(key, revision);
        yield;
      }
    },
    dispose() {
      for (const { parts, problems: unitProblems } of units.values()) {
        kind.release(parts);
        problems.replace(unitProblems, []);
      }
      units.clear();
    },
  };
}

/** Whether there is nothing to be remembered but parts. */
const hasNoNotes = ({ dependencies, problems }: Pick<UnitPlan, 'dependencies' | 'problems'>): boolean =>
  dependencies.length === 0 && problems.length === 0;
