import { isDeepStrictEqual } from 'node:util';
import type { Condition, RuleStatus } from '../../rules/status.ts';

/** Status as objects of the cluster have it. */
export interface WrittenStatus extends RuleStatus {
  /** Replica whose proxies are counted. */
  readonly reportedBy: string;
}

export const writtenStatus = (status: RuleStatus, reportedBy: string): WrittenStatus => ({ ...status, reportedBy });

/** Reports whether at most counts and messages differ. */
export const isSameState = (a: WrittenStatus, b: WrittenStatus): boolean => isDeepStrictEqual(stateOf(a), stateOf(b));

const stateOf = ({ observedGeneration, conditions, reportedBy }: WrittenStatus) => ({
  observedGeneration,
  reportedBy,
  conditions: conditions.map(({ type, status, reason }) => ({ type, status, reason })),
});

/**
 * Puts a status in the place of the current one. Conditions of other types stay, and a condition keeps the time since
 * when it has been so.
 */
export function statusIn(
  current: unknown,
  wanted: WrittenStatus,
): { readonly status: WrittenStatus; readonly isSame: boolean } {
  const before = (current ?? {}) as Partial<WrittenStatus>; // only compared and copied
  const there = Array.isArray(before.conditions) ? (before.conditions as readonly Condition[]) : [];
  const others = there.filter(({ type }) => !wanted.conditions.some((one) => one.type === type));
  const own = wanted.conditions.map((condition) => {
    const same = there.find(({ type, status }) => type === condition.type && status === condition.status);
    return same === undefined ? condition : { ...condition, lastTransitionTime: same.lastTransitionTime };
  });
  const status = { ...wanted, conditions: [...others, ...own] };
  const isSame = Object.entries(status).every(([field, value]) =>
    isDeepStrictEqual(value, before[field as keyof WrittenStatus]),
  );
  return { status, isSame };
}
