import { createCounts } from '../../lib/counts.ts';
import type { Writer, WriterPools } from '../writer.ts';
import { type DecidedListener, decideListener, type ListenerPart, noListener } from './listener-parts.ts';
import { addPart, type BaseListeners, createNamedProblems, type ListenerTable } from './listener-table.ts';
import type { OverlayTables } from './overlay-tables.ts';
import type { ProblemIndex } from './problem-index.ts';

/** Listeners of a scope that differ from those of its base because of some hosts. */
export interface OverlayListeners extends ListenerTable {
  /** Hides the parts of a host in the base: `after` replaces `before`. */
  shadow(before: readonly ListenerPart[], after: readonly ListenerPart[]): void;
  /** Called when the base has decided a listener. */
  baseChanged(name: string): void;
}

export interface OverlayListenersOptions {
  readonly tables: OverlayTables;
  readonly writer: Pick<Writer, 'listener'>;
  readonly pools: Pick<WriterPools, 'listeners'>;
  readonly base: BaseListeners;
  readonly problems: ProblemIndex;
  /** Hosts whose parts in the base do not count. */
  readonly shadowed: { has(host: string): boolean };
}

export function createOverlayListeners(options: OverlayListenersOptions): OverlayListeners {
  const { tables, pools, base, problems, shadowed } = options;
  const own = new Map<string, Map<string, ListenerPart>>();
  /** Decided listeners that differ from the base. */
  const decisions = new Map<string, DecidedListener>();
  /** Names of listeners that may differ from the base, with the number of parts that cause it. */
  const touched = createCounts();
  const dirty = new Set<string>();
  const listenerProblems = createNamedProblems(problems);

  const differs = (name: string): boolean => touched.has(name);
  const allParts = (name: string): readonly ListenerPart[] => [
    ...[...base.allParts(name)].filter(({ unit }) => !shadowed.has(unit)),
    ...(own.get(name)?.values() ?? []),
  ];
  const settleOne = (name: string) => {
    const before = decisions.get(name);
    if (differs(name)) {
      const next = decideListener(name, allParts(name), options);
      decisions.set(name, next);
      if (next.resource === null) tables.delete('listener', name);
      else tables.set('listener', next.resource.value);
      tables.hide('listener', name, next.resource === null);
      listenerProblems.put(name, next.problems);
    } else {
      decisions.delete(name);
      tables.delete('listener', name);
      tables.hide('listener', name, false);
      listenerProblems.put(name, base.problemsOf(name));
    }
    if (before !== undefined && before.resource !== null) pools.listeners.release(before.resource);
  };
  const count = (before: readonly ListenerPart[], after: readonly ListenerPart[]) => {
    for (const { name } of after) touched.add(name);
    for (const { name } of before) touched.remove(name);
    for (const { name } of [...before, ...after]) dirty.add(name);
  };

  return {
    replace(before, after) {
      count(before, after);
      for (const { name, content } of before) {
        own.get(name)?.delete(content);
        if (own.get(name)?.size === 0) own.delete(name);
      }
      for (const part of after) addPart(own, part);
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
      const { has } = decisions.get(name) ?? noListener;
      for (const part of allParts(name)) if (has(part)) yield part;
    },
    has: (part) => (differs(part.name) ? (decisions.get(part.name) ?? noListener) : base).has(part),
    dispose() {
      listenerProblems.clear();
      for (const { resource } of decisions.values()) if (resource !== null) pools.listeners.release(resource);
    },
  };
}
