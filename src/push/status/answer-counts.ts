import type { RuleRejection } from '../../rules/status.ts';

/** Numbers of proxies that a rule affects, by answer. */
export interface AnswerCounts {
  concerned: number;
  acknowledged: number;
  pending: number;
  rejected: number;
  /**
   * Number of rejecting proxies that have a certificate, are on this machine, or reject a proved violation.
   * `unprovenRejecters` has at most two peers of the others.
   */
  provenRejections: number;
  readonly unprovenRejecters: Set<string>;
  /** Node ids of some proxies that have not answered. */
  readonly waitingFor: string[];
  readonly rejections: RuleRejection[];
}

/**
 * Number of peers whose rejections count if no peer has proved its identity. One peer can use any number of node ids.
 */
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

/** Limits of the lists. Further ones are only counted. */
export const maxRejections = 10;
export const maxWaitingFor = 3;

/** Adds other counts to `tally`. */
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
