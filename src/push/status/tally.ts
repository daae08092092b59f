import type { Contribution, LayerKey } from '../../compile/contract.ts';
import type { Revision } from '../../xds/table.ts';
import type { Client } from '../client.ts';
import { type Answer, answerTo, answerToAll, type Rejected } from './answers.ts';
import { type Census, type Group, wants } from './census.ts';
import { add, mostRejections, mostWaitingFor, newTally, type Tally } from './counts.ts';

/** What the proxies answered that have one of these resources. */
export function tallyOf(contributions: readonly Contribution[], census: Census): Tally {
  const tally = newTally();
  if (contributions.some(({ layer }) => census.shared.has(layer))) {
    for (const [client, wanted] of byClient(contributions, census)) count(tally, client, answerOf(client, wanted));
    return tally;
  }
  for (const [layer, made] of byLayer(contributions)) {
    for (const group of census.groups.get(layer) ?? []) countGroup(tally, group, made);
  }
  return tally;
}

/** What these proxies answered to all that they are told, as it was at `since`. */
export function tallyOfAll(clients: Iterable<Client>, since: Revision): Tally {
  const tally = newTally();
  for (const client of clients) {
    const { answer, rejected } = answerToAll(client.stream, since);
    count(tally, client, { answer: answer === 'acknowledged' && client.mustLook ? 'pending' : answer, rejected });
  }
  return tally;
}

/** Envoy's own words can be as long as the configuration that they are about. */
const longestMessage = 1_000;

interface Verdict {
  readonly answer: Answer;
  readonly rejected: readonly Rejected[];
}

/** A layer's contributions come one after another. */
function* byLayer(contributions: readonly Contribution[]): Generator<[LayerKey, readonly Contribution[]]> {
  for (let start = 0; start < contributions.length; ) {
    const layer = contributions[start]?.layer;
    let end = start + 1;
    while (end < contributions.length && contributions[end]?.layer === layer) end++;
    if (layer !== undefined) yield [layer, contributions.slice(start, end)];
    start = end;
  }
}

function byClient(contributions: readonly Contribution[], census: Census): Map<Client, readonly Contribution[]> {
  const found = new Map<Client, readonly Contribution[]>();
  for (const [layer, made] of byLayer(contributions)) {
    for (const group of census.groups.get(layer) ?? []) {
      const wanted = made.filter(({ type, name }) => wants(group, type, name));
      if (wanted.length === 0) continue;
      for (const client of group.clients) found.set(client, [...(found.get(client) ?? []), ...wanted]);
    }
  }
  return found;
}

function countGroup(tally: Tally, group: Group, made: readonly Contribution[]): void {
  if (!made.some(({ type, name }) => wants(group, type, name))) return;
  const resting = group.clients.length - group.restless.length;
  tally.concerned += resting;
  tally.acknowledged += resting;
  if (group.restless.length === 0) return;
  // Thousands of rules stand in one route configuration since the same revision: the restless are asked once for all.
  const key = made.map(({ type, name, since }) => `${type}/${name}@${since}`).join();
  const known = group.answers.get(key);
  const answers = known ?? newTally();
  if (known === undefined) {
    for (const client of group.restless) count(answers, client, answerOf(client, made));
    group.answers.set(key, answers);
  }
  add(tally, answers);
}

/** The worst of its answers. */
function answerOf(client: Client, contributions: readonly Contribution[]): Verdict {
  const rejected = new Map<Rejected['state'], string[]>();
  let isPending = false;
  for (const { type, name, since } of contributions) {
    const state = client.stream.types.get(type);
    if (state === undefined) continue;
    const answer = answerTo(state, name, since);
    if (answer === 'pending') isPending = true;
    if (answer === 'rejected') rejected.set(state, [...(rejected.get(state) ?? []), name]);
  }
  return {
    answer: rejected.size > 0 ? 'rejected' : isPending ? 'pending' : 'acknowledged',
    rejected: [...rejected].map(([state, names]) => ({ state, names })),
  };
}

function count(tally: Tally, { proxy }: Client, { answer, rejected }: Verdict): void {
  tally.concerned++;
  tally[answer]++;
  if (answer === 'pending' && tally.waitingFor.length < mostWaitingFor) tally.waitingFor.push(proxy.id);
  for (const { state, names } of rejected) {
    if (tally.rejections.length >= mostRejections) return;
    const message = (state.nack ?? '').slice(0, longestMessage);
    tally.rejections.push({ proxy: proxy.id, type: state.type, resources: names.slice(0, mostRejections), message });
  }
}
