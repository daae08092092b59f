import type { ListenerPlan } from '../../plan/listener.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import type { ProblemIndex } from './problem-index.ts';
import type { Tables } from './tables.ts';

/** A listener as one host needs it. */
export interface ListenerPart {
  readonly name: string;
  readonly host: string;
  readonly isHttp: boolean;
  /** Gives way to whoever has the name by right, without a report. */
  readonly isAlias: boolean;
  /** See `ListenerPlan`. */
  readonly takesAnyAddress: boolean;
  readonly createdAtMs: number;
  readonly resource: EncodedResource;
  /** The service comes first. */
  readonly origins: readonly string[];
  /** What it was made of; null for targets. */
  readonly plan: ListenerPlan | null;
  /** A hash of all the rest. */
  readonly content: string;
}

/** The listeners of a scope, put together from what its hosts need. */
export interface ListenerTable {
  replace(before: readonly ListenerPart[], after: readonly ListenerPart[]): void;
  /** Decides the listeners whose parts changed. */
  settle(): Generator<undefined, void, undefined>;
  /** What hosts need that is in effect: of several that share a listener all. */
  partsOf(name: string): Iterable<ListenerPart>;
  dispose(): void;
}

/** Listeners that those of other scopes stand on. */
export interface BaseListeners extends ListenerTable {
  /** What hosts need under a name, in effect or not. */
  needed(name: string): Iterable<ListenerPart>;
  /** What is told of a name. */
  reported(name: string): readonly PlanProblem[];
  /** The names of which something is told. */
  reportedNames(): Iterable<string>;
}

export interface ListenerTableOptions {
  readonly tables: Tables;
  /** Told of services that lost a port to an older one or to HTTP, and of those that have one for every address. */
  readonly problems: ProblemIndex;
  /** Told that a listener was decided. */
  settled(name: string): void;
}

export function createListenerTable({ tables, problems, settled }: ListenerTableOptions): BaseListeners {
  const parts = new Map<string, Map<string, ListenerPart>>();
  const dirty = new Set<string>();
  const reports = createReports(problems);

  return {
    replace(before, after) {
      const kept = new Map(after.map((part) => [part.name, part]));
      const known = new Map(before.map((part) => [part.name, part]));
      for (const part of before) {
        const other = kept.get(part.name);
        if (other !== undefined && isSame(part, other)) continue;
        parts.get(part.name)?.delete(part.host);
        if (parts.get(part.name)?.size === 0) parts.delete(part.name);
        dirty.add(part.name);
      }
      for (const part of after) {
        const same = known.get(part.name);
        if (same === part) continue;
        if (same === undefined || !isSame(part, same)) dirty.add(part.name);
        const others = parts.get(part.name);
        if (others === undefined) parts.set(part.name, new Map([[part.host, part]]));
        else others.set(part.host, part);
      }
    },
    *settle() {
      for (const name of dirty) {
        const { winner, told } = decide([...(parts.get(name)?.values() ?? [])]);
        if (winner === undefined) tables.delete('listener', name);
        else tables.set('listener', winner.resource);
        reports.put(name, told);
        dirty.delete(name);
        settled(name);
        yield;
      }
    },
    *partsOf(name) {
      const winner = tables.get('listener', name);
      for (const part of parts.get(name)?.values() ?? []) if (part.resource === winner) yield part;
    },
    needed: (name) => parts.get(name)?.values() ?? [],
    reported: reports.of,
    reportedNames: reports.names,
    dispose: reports.clear,
  };
}

/** Decides who has a listener, and what is to be told of it. */
export function decide(candidates: readonly ListenerPart[]) {
  const winner = candidates.reduce<ListenerPart | undefined>(
    (best, part) => (best === undefined || compareParts(part, best) < 0 ? part : best),
    undefined,
  );
  if (winner === undefined) return { winner, told: [] };
  const losers = candidates.filter((part) => part !== winner && !part.isAlias && !sharesWith(part, winner));
  const own = winner.takesAnyAddress ? [anyAddressTaken(winner)] : [];
  return { winner, told: [...own, ...losers.map((part) => conflict(part, winner))] };
}

/** What is told of names. */
export function createReports(problems: ProblemIndex) {
  const reports = new Map<string, readonly PlanProblem[]>();
  const put = (name: string, next: readonly PlanProblem[]) => {
    problems.replace(reports.get(name) ?? [], next);
    if (next.length === 0) reports.delete(name);
    else reports.set(name, next);
  };
  return {
    put,
    of: (name: string): readonly PlanProblem[] => reports.get(name) ?? [],
    names: () => reports.keys(),
    clear() {
      for (const name of [...reports.keys()]) put(name, []);
    },
  };
}

const isSame = (a: ListenerPart, b: ListenerPart): boolean => a === b || hasSameContent(a, b);

const hasSameContent = (a: ListenerPart, b: ListenerPart): boolean =>
  a.name === b.name &&
  a.isHttp === b.isHttp &&
  a.isAlias === b.isAlias &&
  a.takesAnyAddress === b.takesAnyAddress &&
  a.createdAtMs === b.createdAtMs &&
  a.resource === b.resource &&
  a.origins.join() === b.origins.join(); // a report goes to the service

/** HTTP services of one port share its listener. */
const sharesWith = (a: ListenerPart, b: ListenerPart): boolean => a.isHttp && b.isHttp;

/**
 * The oldest service has the listener, unless it is only an alias of it. HTTP comes first: many services share that, and
 * one TCP service would take the calls of all of them.
 */
const compareParts = (a: ListenerPart, b: ListenerPart): number =>
  Number(a.isAlias) - Number(b.isAlias) ||
  Number(b.isHttp) - Number(a.isHttp) ||
  a.createdAtMs - b.createdAtMs ||
  (a.host < b.host ? -1 : a.host > b.host ? 1 : 0);

const conflict = (loser: ListenerPart, winner: ListenerPart): PlanProblem => ({
  origin: loser.origins[0] ?? loser.host,
  message: sharesWith(winner, winner)
    ? `listener ${loser.name} belongs to the HTTP services of the port: ${loser.host} is not reachable by it; give it addresses`
    : `listener ${loser.name} belongs to ${winner.host}, which is older: ${loser.host} is not reachable by it`,
});

const anyAddressTaken = ({ host, name, origins }: ListenerPart): PlanProblem => ({
  origin: origins[0] ?? host,
  message: `${host} has no address: captured connections to any address of which no listener is known go there by ${name}; give it addresses`,
});
