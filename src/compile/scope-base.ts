import { answer, answersAlike, tailOf, type Viewpoint } from './resolve/asked-facts.ts';
import { type ContentWatcher, createContent, type ScopeContent, type ScopeParts } from './scope-content.ts';
import type { AskedOfHost } from './scope-hosts.ts';
import type { ScopeFacts } from './scope-key.ts';

/** A scope that is standing on a base. */
export interface Standing {
  /** The base has compiled the host again. */
  touched(host: string): void;
  assembled(routeConfiguration: string): void;
  settled(listener: string): void;
}

/**
 * Configuration of clients that no rule and no short name sets apart. It is most of the content of every scope. Scopes of
 * equal role, client, interception and address families share it, and hold only their differences.
 */
export interface ScopeBase extends ScopeContent {
  /** The hosts that a scope is told otherwise by its own facts. */
  differing(viewpoint: Viewpoint): ReadonlySet<string>;
  /** Whether a scope is told a host otherwise. */
  differs(host: string, viewpoint: Viewpoint, isReferenced: boolean): boolean;
  join(scope: Standing): void;
  leave(scope: Standing): void;
  /** How many stand on it. */
  readonly size: number;
}

/** The facts of clients of no namespace in particular, as those of a scope are otherwise. Scopes of equal ones have one base. */
export const baseFactsOf = (facts: ScopeFacts): ScopeFacts => ({
  ...facts,
  namespace: '*',
  dnsDomain: tailOf(facts.dnsDomain),
  sidecar: null,
  conditions: [],
});

/** `facts`: as `baseFactsOf` gives them. */
export function createBase(facts: ScopeFacts, parts: ScopeParts): ScopeBase {
  const asked = new Map<string, AskedOfHost>();
  /** Hosts by the questions that they were asked. */
  const byQuestion = new Map<string, Set<string>>();
  const scopes = new Set<Standing>();

  const note = (host: string, next: AskedOfHost) => {
    for (const question of asked.get(host)?.asked.keys() ?? []) {
      const hosts = byQuestion.get(question);
      hosts?.delete(host);
      if (hosts?.size === 0) byQuestion.delete(question);
    }
    if (next.asked.size === 0 && next.isReferenced === null) asked.delete(host);
    else asked.set(host, next);
    for (const question of next.asked.keys()) {
      const hosts = byQuestion.get(question);
      if (hosts === undefined) byQuestion.set(question, new Set([host]));
      else hosts.add(host);
    }
  };
  const watcher: ContentWatcher = {
    resolved(host, next) {
      note(host, next);
      for (const scope of scopes) scope.touched(host);
    },
    assembled(name) {
      for (const scope of scopes) scope.assembled(name);
    },
    settled(name) {
      for (const scope of scopes) scope.settled(name);
    },
  };
  // Its problems are told by the scopes that stand on it, as far as they are theirs.
  const content = createContent(facts, { ...parts, problems: untold }, watcher);

  return {
    ...content,
    differing(viewpoint) {
      const differing = new Set<string>();
      const own = content.viewpoint();
      for (const [question, hosts] of byQuestion) {
        if (answer(question, viewpoint) === answer(question, own)) continue;
        for (const host of hosts) differing.add(host);
      }
      return differing;
    },
    differs(host, viewpoint, isReferenced) {
      const known = asked.get(host);
      if (known === undefined) return false;
      if (known.isReferenced !== null && known.isReferenced !== isReferenced) return true;
      return !answersAlike(known.asked, viewpoint);
    },
    join: (scope) => void scopes.add(scope),
    leave: (scope) => void scopes.delete(scope),
    get size() {
      return scopes.size;
    },
  };
}

const untold: ScopeParts['problems'] = { replace: () => {}, of: () => [], origins: () => [] };
