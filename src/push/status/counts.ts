import type { Rejection } from '../../rules/status.ts';

/** How many proxies a rule concerns, and what they answered. */
export interface Tally {
  concerned: number;
  acknowledged: number;
  pending: number;
  rejected: number;
  /** Of those that reject it: how many have a certificate, are on this machine or reject what is proved to be bad, and two peers of the others. */
  provenRejections: number;
  readonly unprovenRejecters: Set<string>;
  /** Node ids of some that have not answered. */
  readonly waitingFor: string[];
  readonly rejections: Rejection[];
}

/** The least peers that must reject something where none of them has proved who it is: one can have any number of node ids. */
export const enoughPeers = 2;

export const nobody: Readonly<Tally> = {
  concerned: 0,
  acknowledged: 0,
  pending: 0,
  rejected: 0,
  provenRejections: 0,
  unprovenRejecters: new Set(),
  waitingFor: [],
  rejections: [],
};

export const newTally = (): Tally => ({ ...nobody, unprovenRejecters: new Set(), waitingFor: [], rejections: [] });

/** More are counted, not listed. */
export const mostRejections = 10;
export const mostWaitingFor = 3;

/** Adds what others were counted to. */
export function add(tally: Tally, more: Tally): void {
  for (const count of counts) tally[count] += more[count];
  for (const peer of more.unprovenRejecters) addRejecter(tally, peer);
  tally.waitingFor.push(...more.waitingFor.slice(0, mostWaitingFor - tally.waitingFor.length));
  tally.rejections.push(...more.rejections.slice(0, mostRejections - tally.rejections.length));
}

const counts = ['concerned', 'acknowledged', 'pending', 'rejected', 'provenRejections'] as const;

export function addRejecter({ unprovenRejecters: peers }: Tally, peer: string): void {
  if (peers.size < enoughPeers) peers.add(peer);
}
