import { createCounts } from '../lib/counts.ts';
import type { PlanProblem, UnitPlan } from '../plan/unit.ts';
import { noRevisions, type PartRevisions } from './tables/contributions.ts';
import { createDependents } from './tables/dependents.ts';
import type { ProblemIndex } from './tables/problem-index.ts';
import type { Dirty } from './world/dirty.ts';

/** Steps of compiling the units of one kind. `Parts` is the encoded form of a plan; its holder must release it. */
export interface UnitKind<Plan extends UnitPlan, Parts> {
  /** Parts of a unit before it is compiled. */
  readonly noParts: Parts;
  /** Returns every unit that may exist now. */
  keys(): Iterable<string>;
  /** Returns the unit whose own name a changed input has; null if there is none. */
  unitOf(dependency: string): string | null;
  /** Resolves a unit. `isReferenced` is true if another unit needs it. */
  resolve(key: string, isReferenced: boolean): Plan;
  /** Returns true if the plan has nothing to encode. */
  isEmpty(plan: Plan): boolean;
  /** Encodes a plan completely or not at all. It throws on a fault of the plan, and retains no parts then. */
  encode(plan: Plan, before: Parts): Parts;
  /** Decides the treatment of a unit whose plan cannot be encoded. */
  onFault(plan: Plan, error: unknown): UnitFault;
  /** Replaces parts in the tables. */
  install(key: string, before: Parts, after: Parts): void;
  since(before: RevisedParts<Parts>, after: Parts, revision: number): PartRevisions;
  /** Adds a user of the parts. */
  retain(parts: Parts): Parts;
  release(parts: Parts): void;
  /** Returns true if a unit depends on whether another one needs it. */
  dependsOnReferences(key: string): boolean;
  /** Called for each compiled plan. A new unit with an empty plan and without dependencies does not count. */
  onCompiled(): void;
}

export interface UnitFault {
  /** True if the unit keeps its last good parts; false if it has none until its plan can be encoded. */
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

/** Units of one kind in one layer. All are dirty at first. */
export interface Units<Parts> {
  get(key: string): Unit<Parts> | undefined;
  values(): Iterable<Unit<Parts>>;
  entries(): Iterable<readonly [key: string, unit: Unit<Parts>]>;
  readonly isDirty: boolean;
  /** Marks the units that depend on the changes. */
  mark(dirty: Dirty): void;
  markAll(): void;
  markOne(key: string): void;
  /** Removes a unit and its parts. */
  remove(key: string): void;
  /** Returns the number of other units that need a unit. */
  referencesTo(key: string): number;
  /** Compiles dirty units, and those that become dirty meanwhile. `revision` is that of the result. */
  compile(revision: number): Generator<undefined, void, undefined>;
  dispose(): void;
}

/**
 * Creates units. Compiling one resolves it, encodes it or keeps its last good parts, installs the parts and records the
 * dependencies. A fault of one unit does not affect others.
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
        // The inputs of the last good parts too: a change of either may repair the unit.
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
      // References of a unit may make others dirty: they join the set during the iteration.
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

/** Returns true if a unit without parts need not be stored. */
const hasNoNotes = ({ dependencies, problems }: Pick<UnitPlan, 'dependencies' | 'problems'>): boolean =>
  dependencies.length === 0 && problems.length === 0;
