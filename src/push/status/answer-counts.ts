import type { RuleRejection } from '../../rules/status.ts';

/** How many proxies a rule concerns, and what they answered. */
export interface AnswerCounts {
  concerned: number;
  acknowledged: number;
  pending: number;
  rejected: number;
  /** Of those that reject it: how many have a certificate, are on this machine or reject what is proved to be bad, and two peers of the others. */
  provenRejections: number;
  readonly unprovenRejecters: Set<string>;
  /** Node ids of some that have not answered. */
  readonly waitingFor: string[];
  readonly rejections: RuleRejection[];
}

/** The least peers that must reject something where none of them has proved who it is: one can have any number of node ids. */
export const minPeers = 2;

export const noAnswers: Readonly<AnswerCounts> = {
  concerned: 0,
  acknowledged: 0,
  pending: 0,
  rejected: 0,
  provenRejections: 0,
  unprovenRejecters: new Set(),
  waitingFor: [],
  rejections: [],
};

export const newCounts = (): AnswerCounts => ({
  ...noAnswers,
  unprovenRejecters: new Set(),
  waitingFor: [],
  rejections: [],
});

/** More are counted, not listed. */
export const maxRejections = 10;
export const maxWaitingFor = 3;

/** Adds what others were counted to. */
export function add(tally: AnswerCounts, more: AnswerCounts): void {
  for (const count of counts) tally[count] += more[count];
  for (const peer of more.unprovenRejecters) addRejecter(tally, peer);
  tally.waitingFor.push(...more.waitingFor.slice(0, maxWaitingFor - tally.waitingFor.length));
  tally.rejections.push(...more.rejections.slice(0, maxRejections - tally.rejections.length));
}

const counts = ['concerned', 'acknowledged', 'pending', 'rejected', 'provenRejections'] as const;

export function addRejecter({ unprovenRejecters: peers }: AnswerCounts, peer: string): void {
  if (peers.size < minPeers) peers.add(peer);
}
