import type { Contribution, LayerKey } from '../../compile/contract.ts';
import { liveRejections } from '../../xds/isolation/filter.ts';
import { decisiveSentence, isBindError } from '../../xds/stream/error-text.ts';
import type { Revision } from '../../xds/tables/table.ts';
import type { Client } from '../client.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { type Answer, answerTo, answerToAll, type Rejected } from './answers.ts';
import { type Census, type Group, wants } from './census.ts';
import { add, addRejecter, mostRejections, mostWaitingFor, newTally, type Tally } from './counts.ts';

/** What is counted for. */
export interface Share {
  /** The rule, and the services that it makes: what may be blamed for a rejection. */
  readonly origins: readonly string[];
  /** By which revision the rule is as it is. */
  readonly since: Revision;
  readonly contributions: readonly Contribution[];
  readonly quarantine: Pick<Quarantine, 'blames' | 'isProven'>;
}

/** What the proxies answered that have one of the resources that a rule has a share in. */
export function tallyOf(share: Share, census: Census): Tally {
  const { contributions } = share;
  const tally = newTally();
  if (contributions.some(({ layer }) => census.shared.has(layer))) {
    for (const [client, wanted] of byClient(contributions, census))
      count(tally, client, answerOf(client, { ...share, contributions: wanted }));
    return tally;
  }
  for (const [layer, made] of byLayer(contributions)) {
    for (const group of census.groups.get(layer) ?? []) countGroup(tally, group, { ...share, contributions: made });
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

function countGroup(tally: Tally, group: Group, share: Share): void {
  const { contributions: made, origins } = share;
  if (!made.some(({ type, name }) => wants(group, type, name))) return;
  const resting = group.clients.length - group.restless.length;
  tally.concerned += resting;
  tally.acknowledged += resting;
  if (group.restless.length === 0) return;
  // Thousands of rules stand in one route configuration since the same revision: the restless are asked once for all.
  const resources = made.map(({ type, name, since }) => `${type}/${name}@${since}`).join();
  const key = group.rejectsParts ? `${origins.join()} ${resources}` : resources;
  const known = group.answers.get(key);
  const answers = known ?? newTally();
  if (known === undefined) {
    for (const client of group.restless) count(answers, client, answerOf(client, share));
    group.answers.set(key, answers);
  }
  add(tally, answers);
}

/** The worst of its answers. */
function answerOf(client: Client, { origins, contributions, quarantine, since: changed }: Share): Verdict {
  const rejected: Rejected[] = [];
  let isPending = false;
  for (const { type, name, part = '', since } of contributions) {
    const state = client.stream.types.get(type);
    if (state === undefined) continue;
    const filter = liveRejections(state, name).find(([filtered]) => filtered === part)?.[1];
    if (filter !== undefined) {
      const version = { type, name, part, hash: filter.hash };
      const isBlamed = origins.some((origin) => quarantine.blames(origin, version));
      const message = decisiveSentence(filter.error, '');
      if (isBlamed) rejected.push({ state, names: [name], message, isProven: quarantine.isProven(version) });
      // The proxy keeps the version it took before: a rule that changed since is not in it, whoever is to be corrected.
      else if (changed > (state.filters?.get(name)?.since ?? 0)) isPending = true;
      continue;
    }
    const answer = answerTo(state, name, since);
    if (answer === 'pending') isPending = true;
    // A port that is taken where the proxy runs is no fault of a rule.
    if (answer === 'rejected' && !isBindError(state.nack ?? '', name)) {
      rejected.push({ state, names: [name], message: decisiveSentence(state.nack ?? '', name) });
    }
  }
  return { answer: rejected.length > 0 ? 'rejected' : isPending ? 'pending' : 'acknowledged', rejected };
}

function count(tally: Tally, { proxy, caller }: Client, { answer, rejected }: Verdict): void {
  tally.concerned++;
  tally[answer]++;
  const isProven = rejected.some((one) => one.isProven === true);
  if (answer === 'rejected' && caller.by === 'address' && !isProven) addRejecter(tally, caller.key);
  else if (answer === 'rejected') tally.provenRejections++;
  if (answer === 'pending' && tally.waitingFor.length < mostWaitingFor) tally.waitingFor.push(proxy.id);
  for (const { state, names, message } of merged(rejected)) {
    if (tally.rejections.length >= mostRejections) return;
    tally.rejections.push({ proxy: proxy.id, type: state.type, resources: names.slice(0, mostRejections), message });
  }
}

/** One for each type and message. */
function merged(rejected: readonly Rejected[]): readonly Rejected[] {
  const groups = Map.groupBy(rejected, ({ state, message }) => `${state.type} ${message}`);
  return [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, names: [...new Set([first, ...others].flatMap(({ names }) => names))] }],
  );
}
