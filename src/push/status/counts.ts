import type { Rejection } from '../../rules/status.ts';

/** How many proxies a rule concerns, and what they answered. */
export interface Tally {
  concerned: number;
  acknowledged: number;
  pending: number;
  rejected: number;
  /** Node ids of some that have not answered. */
  readonly waitingFor: string[];
  readonly rejections: Rejection[];
}

export const nobody: Readonly<Tally> = {
  concerned: 0,
  acknowledged: 0,
  pending: 0,
  rejected: 0,
  waitingFor: [],
  rejections: [],
};

export const newTally = (): Tally => ({ ...nobody, waitingFor: [], rejections: [] });

/** More are counted, not listed. */
export const mostRejections = 10;
export const mostWaitingFor = 3;

/** Adds what others were counted to. */
export function add(tally: Tally, more: Tally): void {
  for (const answer of ['concerned', 'acknowledged', 'pending', 'rejected'] as const) tally[answer] += more[answer];
  tally.waitingFor.push(...more.waitingFor.slice(0, mostWaitingFor - tally.waitingFor.length));
  tally.rejections.push(...more.rejections.slice(0, mostRejections - tally.rejections.length));
}
