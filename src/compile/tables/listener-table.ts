import type { PlanProblem } from '../../plan/unit.ts';
import type { Writer, WriterPools } from '../writer.ts';
import { type DecidedListener, decideListener, type ListenerPart, noListener } from './listener-parts.ts';
import type { ProblemIndex } from './problem-index.ts';
import type { Tables } from './tables.ts';

/** Listeners of a layer, assembled from claims of its units. */
export interface ListenerTable {
  /** Replaces the parts of one unit. */
  replace(before: readonly ListenerPart[], after: readonly ListenerPart[]): void;
  /** Decides the listeners whose parts changed. */
  settle(): Generator<undefined, void, undefined>;
  /** Returns the parts of a listener that are in effect, including all units that share a chain. */
  partsOf(name: string): Iterable<ListenerPart>;
  /** Returns true if an installed part is in effect. */
  has(part: ListenerPart): boolean;
  dispose(): void;
}

/** Listeners on which overlay scopes are based. */
export interface BaseListeners extends ListenerTable {
  /** Returns the claims of units on a listener, in effect or not. */
  allParts(name: string): Iterable<ListenerPart>;
  /** Returns the problems of a listener. */
  problemsOf(name: string): readonly PlanProblem[];
  /** Returns the listeners with problems. */
  namesWithProblems(): Iterable<string>;
}

export interface ListenerTableOptions {
  readonly tables: Tables;
  readonly writer: Pick<Writer, 'listener'>;
  readonly pools: Pick<WriterPools, 'listeners'>;
  /** Index for problems of services that lost connections, and of those that take connections to any address. */
  readonly problems: ProblemIndex;
  /** Called when a listener was decided. */
  onDecided?(name: string): void;
}

export function createListenerTable(options: ListenerTableOptions): BaseListeners {
  const { tables, pools, problems, onDecided } = options;
  /** Parts by listener name, then by content, which is equal between scopes. */
  const parts = new Map<string, Map<string, ListenerPart>>();
  const decisions = new Map<string, DecidedListener>();
  const dirty = new Set<string>();
  const listenerProblems = createNamedProblems(problems);

  const put = (name: string, next: DecidedListener) => {
    const before = decisions.get(name);
    if (next.resource === null) tables.delete('listener', name);
    else tables.set('listener', next.resource.value);
    if (next.resource === null) decisions.delete(name);
    else decisions.set(name, next);
    listenerProblems.put(name, next.problems);
    if (before !== undefined && before.resource !== null) pools.listeners.release(before.resource);
  };

  return {
    replace(before, after) {
      const kept = new Set(after.map(({ content }) => content));
      const known = new Set(before.map(({ content }) => content));
      for (const { name, content } of before) {
        if (kept.has(content)) continue;
        parts.get(name)?.delete(content);
        if (parts.get(name)?.size === 0) parts.delete(name);
        dirty.add(name);
      }
      for (const part of after) {
        if (known.has(part.content)) continue;
        addPart(parts, part);
        dirty.add(part.name);
      }
    },
    *settle() {
      for (const name of dirty) {
        put(name, decideListener(name, [...(parts.get(name)?.values() ?? [])], options));
        dirty.delete(name);
        onDecided?.(name);
        yield;
      }
    },
    *partsOf(name) {
      const { has } = decisions.get(name) ?? noListener;
      for (const part of parts.get(name)?.values() ?? []) if (has(part)) yield part;
    },
    has: (part) => decisions.get(part.name)?.has(part) ?? false,
    allParts: (name) => parts.get(name)?.values() ?? [],
    problemsOf: listenerProblems.of,
    namesWithProblems: listenerProblems.names,
    dispose() {
      listenerProblems.clear();
      for (const { resource } of decisions.values()) if (resource !== null) pools.listeners.release(resource);
      decisions.clear();
    },
  };
}

export function addPart(parts: Map<string, Map<string, ListenerPart>>, part: ListenerPart): void {
  const others = parts.get(part.name);
  if (others === undefined) parts.set(part.name, new Map([[part.content, part]]));
  else others.set(part.content, part);
}

/** Creates a store of problems by name. */
export function createNamedProblems(problems: ProblemIndex) {
  const listenerProblems = new Map<string, readonly PlanProblem[]>();
  const put = (name: string, next: readonly PlanProblem[]) => {
    problems.replace(listenerProblems.get(name) ?? [], next);
    if (next.length === 0) listenerProblems.delete(name);
    else listenerProblems.set(name, next);
  };
  return {
    put,
    of: (name: string): readonly PlanProblem[] => listenerProblems.get(name) ?? [],
    names: () => listenerProblems.keys(),
    clear() {
      for (const name of [...listenerProblems.keys()]) put(name, []);
    },
  };
}
