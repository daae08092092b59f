import { createCounts } from '../../lib/counts.ts';
import { type BaseListeners, createReports, decide, type ListenerPart, type ListenerTable } from './listener-table.ts';
import type { ProblemIndex } from './problem-index.ts';
import type { StandingTables } from './standing-tables.ts';

/** Listeners of a scope that differ from those of its base by what some hosts need. */
export interface StandingListeners extends ListenerTable {
  /** Leaves out what a host needs in the base, `after` in place of `before`. */
  shadow(before: readonly ListenerPart[], after: readonly ListenerPart[]): void;
  /** The base has decided a listener. */
  baseChanged(name: string): void;
}

export interface StandingListenersOptions {
  readonly tables: StandingTables;
  readonly base: BaseListeners;
  readonly problems: ProblemIndex;
  /** The hosts whose parts in the base do not count. */
  readonly shadowed: { has(host: string): boolean };
}

export function createStandingListeners({
  tables,
  base,
  problems,
  shadowed,
}: StandingListenersOptions): StandingListeners {
  const own = new Map<string, Map<string, ListenerPart>>();
  /** Names in which this may differ from the base, by the hosts that make it so. */
  const touched = createCounts();
  const dirty = new Set<string>();
  const reports = createReports(problems);

  const differs = (name: string): boolean => touched.has(name);
  const needed = (name: string): readonly ListenerPart[] => [
    ...[...base.needed(name)].filter(({ host }) => !shadowed.has(host)),
    ...(own.get(name)?.values() ?? []),
  ];
  const settleOne = (name: string) => {
    if (!differs(name)) {
      tables.delete('listener', name);
      tables.hide('listener', name, false);
      reports.put(name, base.reported(name));
      return;
    }
    const { winner, told } = decide(needed(name));
    if (winner === undefined) tables.delete('listener', name);
    else tables.set('listener', winner.resource);
    tables.hide('listener', name, winner === undefined);
    reports.put(name, told);
  };
  const count = (before: readonly ListenerPart[], after: readonly ListenerPart[]) => {
    for (const { name } of after) touched.add(name);
    for (const { name } of before) touched.remove(name);
    for (const { name } of [...before, ...after]) dirty.add(name);
  };

  return {
    replace(before, after) {
      count(before, after);
      for (const { name, host } of before) {
        own.get(name)?.delete(host);
        if (own.get(name)?.size === 0) own.delete(name);
      }
      for (const part of after) {
        const others = own.get(part.name);
        if (others === undefined) own.set(part.name, new Map([[part.host, part]]));
        else others.set(part.host, part);
      }
    },
    shadow: count,
    baseChanged: (name) => void dirty.add(name),
    *settle() {
      for (const name of dirty) {
        settleOne(name);
        dirty.delete(name);
        yield;
      }
    },
    *partsOf(name) {
      if (!differs(name)) return yield* base.partsOf(name);
      const winner = tables.get('listener', name);
      for (const part of needed(name)) if (part.resource === winner) yield part;
    },
    dispose: reports.clear,
  };
}
