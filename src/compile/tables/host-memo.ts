import type { PlanProblem } from '../../plan/unit.ts';
import type { Pooled } from '../content-pool.ts';
import type { Patch } from '../patch.ts';
import { type FactReads, hasSameFacts, type Viewpoint } from '../resolve/client-facts.ts';
import { type Dirty, hostOfDep } from '../world/dirty.ts';
import { createDependents } from './dependents.ts';
import { type HostParts, noHostParts } from './host-parts.ts';

/** Compiled parts of a host for one scope, with the facts that they read. */
export interface MemoizedHost {
  readonly reads: FactReads;
  /** Whether other hosts reference it; null if the plan does not depend on it. */
  readonly isReferenced: boolean | null;
  readonly parts: Pooled<HostParts>;
  readonly references: readonly string[];
  readonly dependencies: readonly string[];
  readonly problems: readonly PlanProblem[];
}

/** Scope that looks for a compiled host. */
export interface HostQuery {
  readonly viewpoint: Viewpoint;
  readonly patch: Patch;
  readonly isReferenced: boolean;
}

/** Cache of compiled hosts. Scopes with equal facts reuse them. */
export interface HostMemo {
  find(host: string, query: HostQuery): MemoizedHost | null;
  /** Stores a host. It is used while a scope retains its parts and no input has changed. */
  put(host: string, viewpoint: Viewpoint, entry: MemoizedHost): void;
  /** Removes the hosts that depend on the changes. */
  mark(dirty: Dirty): void;
}

interface MemoEntry extends MemoizedHost {
  readonly untrackedFacts: string;
}

export function createHostMemo(): HostMemo {
  const byHost = new Map<string, readonly MemoEntry[]>();
  const dependents = createDependents();
  /** Interned reads: hosts of a namespace read equal facts. */
  const readsByText = new Map<string, FactReads>();

  const intern = (reads: FactReads): FactReads => {
    const text = [...reads].join('\n');
    const entry = readsByText.get(text);
    if (entry !== undefined) return entry;
    if (readsByText.size >= maxInterned) readsByText.clear();
    readsByText.set(text, reads);
    return reads;
  };
  const dependenciesOf = (all: readonly MemoEntry[]) => [...new Set(all.flatMap(({ dependencies }) => dependencies))];
  const replace = (host: string, before: readonly MemoEntry[], after: readonly MemoEntry[]) => {
    dependents.replace(host, dependenciesOf(before), dependenciesOf(after));
    if (after.length === 0) byHost.delete(host);
    else byHost.set(host, after);
  };
  const forget = (host: string) => replace(host, byHost.get(host) ?? [], []);

  return {
    find(host, { viewpoint, patch, isReferenced }) {
      const found = byHost
        .get(host)
        ?.find(
          (entry) =>
            isInUse(entry) &&
            (entry.parts === noHostParts || entry.parts.value.patch === patch) &&
            entry.untrackedFacts === viewpoint.untrackedFacts &&
            (entry.isReferenced === null || entry.isReferenced === isReferenced) &&
            hasSameFacts(entry.reads, viewpoint),
        );
      return found ?? null;
    },
    put(host, viewpoint, entry) {
      const before = byHost.get(host) ?? [];
      const reads = intern(entry.reads);
      replace(host, before, [...before.filter(isInUse), { ...entry, reads, untrackedFacts: viewpoint.untrackedFacts }]);
    },
    mark({ keys, mesh }) {
      if (mesh) {
        for (const host of [...byHost.keys()]) forget(host);
        readsByText.clear();
      }
      for (const host of [...dependents.ofAny(keys)]) forget(host);
      for (const key of keys) {
        const host = hostOfDep(key);
        if (host !== null) forget(host);
      }
    },
  };
}

const maxInterned = 10_000;

/** Returns true if a scope still uses the parts. Released parts must not be retained again. */
const isInUse = ({ parts }: MemoizedHost): boolean => parts === noHostParts || parts.users > 0;
