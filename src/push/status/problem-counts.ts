import { startSlices } from '../../lib/slices.ts';
import type { ObjectReport } from '../../rules/book/rule-book.ts';
import type { Rule } from '../../rules/rule.ts';

/** Number of objects of a kind with a problem. */
export interface ProblemCount {
  readonly kind: string;
  /** Reason as in `status`. */
  readonly reason: string;
  readonly objects: number;
}

export interface ProblemSources {
  readonly rules: Iterable<Rule>;
  readonly reports: Iterable<ObjectReport>;
  /** Returns every reason why a valid rule or a part of it has no effect. */
  readonly reasonsOf: (rule: Rule) => Iterable<string>;
}

/** Counts the problems of rules of all sources. Yields to other work in between. */
export async function countProblems(
  { rules, reports, reasonsOf }: ProblemSources,
  timing: NonNullable<Parameters<typeof startSlices>[0]>,
): Promise<readonly ProblemCount[]> {
  const counts = new Map<string, Map<string, number>>();
  const add = (kind: string, reason: string) => {
    const own = counts.get(kind) ?? new Map<string, number>();
    counts.set(kind, own.set(reason, (own.get(reason) ?? 0) + 1));
  };
  for (const { id, inEffect } of reports) {
    add(id.slice(0, id.indexOf('/')), inEffect === 'other' ? 'Shadowed' : 'Invalid');
  }
  const slices = startSlices(timing);
  for (const rule of rules) {
    for (const reason of reasonsOf(rule)) add(rule.kind, reason);
    if (slices.isOver) await slices.next();
  }
  return [...counts].flatMap(([kind, own]) => [...own].map(([reason, objects]) => ({ kind, reason, objects })));
}
