import type { HostUnitParts } from './scope-hosts.ts';
import type { ScopeFacts } from './scope-key.ts';
import type { Unit } from './units.ts';

/** Hosts of an open scope, for layers that complete it. */
export interface ScopeHosts {
  unitOf(host: string): Unit<HostUnitParts> | undefined;
  /** Returns the hosts of the scope. */
  hosts(): Iterable<string>;
}

/** Called when the parts of a host in a scope may have changed. */
export type HostObserver = (host: string) => void;

/** Scope and the layers that complete it, which may open and close in any order. */
export interface OpenScope {
  /** Null while the scope is not open. */
  content: ScopeHosts | null;
  readonly observers: Set<HostObserver>;
  /** Notifies the observers. */
  readonly hostChanged: HostObserver;
}

/** Open scopes by their facts. */
export interface OpenScopes {
  /** Returns the scope of these facts, open or not. */
  at(facts: ScopeFacts): OpenScope;
  /** Forgets a scope without content and observers. */
  sweep(facts: ScopeFacts): void;
}

export function createOpenScopes(): OpenScopes {
  const scopes = new Map<string, OpenScope>();
  return {
    at(facts) {
      const key = keyOf(facts);
      const scope = scopes.get(key) ?? createOpenScope();
      scopes.set(key, scope);
      return scope;
    },
    sweep(facts) {
      const key = keyOf(facts);
      const scope = scopes.get(key);
      if (scope?.content === null && scope.observers.size === 0) scopes.delete(key);
    },
  };
}

function createOpenScope(): OpenScope {
  const observers = new Set<HostObserver>();
  return {
    content: null,
    observers,
    hostChanged(host) {
      for (const observer of observers) observer(host);
    },
  };
}

// Facts are plain data, so equal facts give equal texts.
const keyOf = (facts: ScopeFacts): string => JSON.stringify(facts);
