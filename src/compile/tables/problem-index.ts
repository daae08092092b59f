import type { PlanProblem } from '../../plan/unit.ts';

/** Problems of rules and services by their subject. Equal problems of several scopes are reported once. */
export interface ProblemIndex {
  /** Replaces the problems of one part. */
  replace(before: readonly PlanProblem[], after: readonly PlanProblem[]): void;
  /** Returns the problems of an origin, sorted. */
  of(origin: string): readonly string[];
  origins(): Iterable<string>;
}

export function createProblemIndex(): ProblemIndex {
  /** Messages of each origin, with the number of parts that have them. */
  const byOrigin = new Map<string, Map<string, number>>();

  const count = ({ origin, message }: PlanProblem, difference: 1 | -1) => {
    const messages = byOrigin.get(origin) ?? new Map<string, number>();
    const parts = (messages.get(message) ?? 0) + difference;
    if (parts > 0) messages.set(message, parts);
    else messages.delete(message);
    if (messages.size > 0) byOrigin.set(origin, messages);
    else byOrigin.delete(origin);
  };

  return {
    replace(before, after) {
      if (before === after) return;
      for (const problem of after) count(problem, 1);
      for (const problem of before) count(problem, -1);
    },
    of: (origin) => [...(byOrigin.get(origin)?.keys() ?? [])].sort(),
    origins: () => byOrigin.keys(),
  };
}
