import type { RuleId } from '../../rules/rule.ts';
import type { Condition } from '../../rules/status.ts';
import type { ConditionState } from './conditions.ts';

/** Times of the last changes of conditions, as far as they were observed. */
export interface Transitions {
  /** Returns the conditions of a rule, with the times at which their status was first seen. */
  conditions(id: RuleId, verdicts: readonly ConditionState[], generation: number): readonly Condition[];
  forget(id: RuleId): void;
}

export function createTransitions(now: () => number): Transitions {
  const seen = new Map<RuleId, Map<string, { readonly status: string; readonly time: string }>>();
  return {
    conditions(id, verdicts, observedGeneration) {
      const own = seen.get(id) ?? new Map<string, { status: string; time: string }>();
      seen.set(id, own);
      return verdicts.map((verdict) => {
        const before = own.get(verdict.type);
        const time = before?.status === verdict.status ? before.time : new Date(now()).toISOString();
        if (before?.time !== time || before.status !== verdict.status) {
          own.set(verdict.type, { status: verdict.status, time });
        }
        return { ...verdict, observedGeneration, lastTransitionTime: time };
      });
    },
    forget: (id) => void seen.delete(id),
  };
}
