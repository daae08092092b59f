import { isWildcard } from '../../model/names.ts';
import { comparePrecedence, type Rule } from '../../rules/rule.ts';

/** Rules by the hosts for which they are written, in order of precedence. */
export interface HostIndex<R extends Rule> {
  add(host: string, rule: R): void;
  remove(host: string, rule: R): void;
  /** Returns the rules for exactly this host or wildcard. */
  at(host: string): readonly R[];
  hosts(): Iterable<string>;
}

export function createHostIndex<R extends Rule>(): HostIndex<R> {
  const byHost = new Map<string, readonly R[]>();
  const put = (host: string, rules: readonly R[]) => {
    if (rules.length === 0) byHost.delete(host);
    else byHost.set(host, rules);
  };
  return {
    add: (host, rule) => put(host, [...(byHost.get(host) ?? []), rule].sort(comparePrecedence)),
    remove(host, rule) {
      put(
        host,
        (byHost.get(host) ?? []).filter((other) => other !== rule),
      );
    },
    at: (host) => byHost.get(host) ?? [],
    hosts: () => byHost.keys(),
  };
}

/** Returns the hosts and wildcards that match `host`, the most specific first: itself, `*.b.c`, `*.c`, `*`. */
export function patternsFor(host: string): readonly string[] {
  const patterns = [host];
  let dot = host.indexOf('.', isWildcard(host) ? 2 : 0);
  while (dot !== -1) {
    patterns.push(`*${host.slice(dot)}`);
    dot = host.indexOf('.', dot + 1);
  }
  if (host !== '*') patterns.push('*');
  return patterns;
}
