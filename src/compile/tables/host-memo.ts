import type { PlanProblem } from '../../plan/unit.ts';
import type { Patch } from '../patch.ts';
import { type Asked, answersAlike, type Viewpoint } from '../resolve/asked-facts.ts';
import type { Shelved } from '../shelf.ts';
import { type Dirty, hostOfDep } from '../world/dirty.ts';
import { createDependents } from './dependents.ts';
import { type HostParts, noHost } from './host-parts.ts';

/** The compiled parts of a host for one scope, with its questions to the scope's facts. */
export interface KnownHost {
  readonly asked: Asked;
  /** Whether others needed it; null: that made no difference. */
  readonly isReferenced: boolean | null;
  readonly parts: Shelved<HostParts>;
  readonly references: readonly string[];
  readonly dependencies: readonly string[];
  readonly problems: readonly PlanProblem[];
}

/** For whom a host is looked for. */
export interface HostQuery {
  readonly viewpoint: Viewpoint;
  readonly patch: Patch;
  readonly isReferenced: boolean;
}

/** Hosts as they were compiled for some scope: others that answer the same need not compile them again. */
export interface HostMemo {
  find(host: string, query: HostQuery): KnownHost | null;
  /** Remembers a host for as long as a scope holds its parts, and nothing of it changes. */
  put(host: string, viewpoint: Viewpoint, known: KnownHost): void;
  /** Forgets what depends on the changes. */
  mark(dirty: Dirty): void;
}

interface Remembered extends KnownHost {
  readonly openFacts: string;
}

export function createHostMemo(): HostMemo {
  const byHost = new Map<string, readonly Remembered[]>();
  const dependents = createDependents();
  /** Hosts of a namespace are asked the same: equal questions and answers are one value. */
  const askedByText = new Map<string, Asked>();

  const intern = (asked: Asked): Asked => {
    const text = [...asked].join('\n');
    const known = askedByText.get(text);
    if (known !== undefined) return known;
    if (askedByText.size >= mostInterned) askedByText.clear();
    askedByText.set(text, asked);
    return asked;
  };
  const dependenciesOf = (all: readonly Remembered[]) => [...new Set(all.flatMap(({ dependencies }) => dependencies))];
  const replace = (host: string, before: readonly Remembered[], after: readonly Remembered[]) => {
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
          (known) =>
            isHeld(known) &&
            (known.parts === noHost || known.parts.value.patch === patch) &&
            known.openFacts === viewpoint.openFacts &&
            (known.isReferenced === null || known.isReferenced === isReferenced) &&
            answersAlike(known.asked, viewpoint),
        );
      return found ?? null;
    },
    put(host, viewpoint, known) {
      const before = byHost.get(host) ?? [];
      const asked = intern(known.asked);
      replace(host, before, [...before.filter(isHeld), { ...known, asked, openFacts: viewpoint.openFacts }]);
    },
    mark({ keys, mesh }) {
      if (mesh) {
        for (const host of [...byHost.keys()]) forget(host);
        askedByText.clear();
      }
      for (const host of [...dependents.ofAny(keys)]) forget(host);
      for (const key of keys) {
        const host = hostOfDep(key);
        if (host !== null) forget(host);
      }
    },
  };
}

const mostInterned = 10_000;

/** Whether its parts are still those of some scope: what nobody holds any more may not be held again. */
const isHeld = ({ parts }: KnownHost): boolean => parts === noHost || parts.users > 0;
