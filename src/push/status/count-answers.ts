import type { Contribution, LayerKey } from '../../compile/contract.ts';
import { liveRejections } from '../../xds/isolation/filter.ts';
import { decisiveSentence, isBindError } from '../../xds/stream/error-text.ts';
import type { Revision } from '../../xds/tables/table.ts';
import type { Client } from '../client.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { type AnswerCounts, add, addRejecter, maxRejections, maxWaitingFor, newCounts } from './answer-counts.ts';
import { answerToAll, answerToResource, type RejectedResources, type ResourceAnswer } from './answers.ts';
import { isSubscribed, type ProxyGroup, type ProxyGroups } from './proxy-groups.ts';

/** Rule whose answers are counted. */
export interface CountedRule {
  /** The rule and the services that it defines: origins that rejections may be traced to. */
  readonly origins: readonly string[];
  /** Revision of the rule's last change. */
  readonly since: Revision;
  readonly contributions: readonly Contribution[];
  readonly quarantine: Pick<Quarantine, 'isToCorrect' | 'isProven'>;
}

/** Counts the answers of proxies that have a resource to which the rule contributes. */
export function countAnswers(share: CountedRule, groups: ProxyGroups): AnswerCounts {
  const { contributions } = share;
  const counts = newCounts();
  if (contributions.some(({ layer }) => groups.shared.has(layer))) {
    for (const [client, wanted] of byClient(contributions, groups))
      count(counts, client, answerOf(client, { ...share, contributions: wanted }));
    return counts;
  }
  for (const [layer, made] of byLayer(contributions)) {
    for (const group of groups.groups.get(layer) ?? []) countGroup(counts, group, { ...share, contributions: made });
  }
  return counts;
}

/** Counts the answers of these proxies to all their resources as of revision `since`. */
export function countAllAnswers(clients: Iterable<Client>, since: Revision): AnswerCounts {
  const counts = newCounts();
  for (const client of clients) {
    const { answer, rejected } = answerToAll(client.stream, since);
    count(counts, client, {
      answer: answer === 'acknowledged' && client.hasOutdatedView ? 'pending' : answer,
      rejected,
    });
  }
  return counts;
}

interface ClientAnswer {
  readonly answer: ResourceAnswer;
  readonly rejected: readonly RejectedResources[];
}

/** Yields the contributions of each layer, which are adjacent. */
function* byLayer(contributions: readonly Contribution[]): Generator<[LayerKey, readonly Contribution[]]> {
  for (let start = 0; start < contributions.length; ) {
    const layer = contributions[start]?.layer;
    let end = start + 1;
    while (end < contributions.length && contributions[end]?.layer === layer) end++;
    if (layer !== undefined) yield [layer, contributions.slice(start, end)];
    start = end;
  }
}

function byClient(contributions: readonly Contribution[], groups: ProxyGroups): Map<Client, readonly Contribution[]> {
  const found = new Map<Client, readonly Contribution[]>();
  for (const [layer, made] of byLayer(contributions)) {
    for (const group of groups.groups.get(layer) ?? []) {
      const wanted = made.filter(({ type, name }) => isSubscribed(group, type, name));
      if (wanted.length === 0) continue;
      for (const client of group.clients) found.set(client, [...(found.get(client) ?? []), ...wanted]);
    }
  }
  return found;
}

function countGroup(counts: AnswerCounts, group: ProxyGroup, share: CountedRule): void {
  const { contributions: made, origins } = share;
  if (!made.some(({ type, name }) => isSubscribed(group, type, name))) return;
  const settled = group.clients.length - group.unsettled.length;
  counts.concerned += settled;
  counts.acknowledged += settled;
  if (group.unsettled.length === 0) return;
  // Thousands of rules may share a route configuration and a revision. Answers of unsettled proxies are computed once
  // for all of them.
  const resources = made.map(({ type, name, since }) => `${type}/${name}@${since}`).join();
  const key = group.rejectsParts ? `${origins.join()} ${resources}` : resources;
  const known = group.answers.get(key);
  const answers = known ?? newCounts();
  if (known === undefined) {
    for (const client of group.unsettled) count(answers, client, answerOf(client, share));
    group.answers.set(key, answers);
  }
  add(counts, answers);
}

/** Returns the worst answer of a client. */
function answerOf(client: Client, { origins, contributions, quarantine, since: changed }: CountedRule): ClientAnswer {
  const rejected: RejectedResources[] = [];
  let isPending = false;
  for (const { type, name, part = '', since } of contributions) {
    const state = client.stream.types.get(type);
    if (state === undefined) continue;
    const filter = liveRejections(state, name).find(([filtered]) => filtered === part)?.[1];
    if (filter !== undefined) {
      const version = { type, name, part, hash: filter.hash };
      const isBlamed = origins.some((origin) => quarantine.isToCorrect(origin, version));
      const message = decisiveSentence(filter.error, '');
      if (isBlamed) rejected.push({ state, names: [name], message, isProven: quarantine.isProven(version) });
      // The proxy keeps the version that it accepted before. A rule that changed since is not in it, whichever origin
      // must be corrected.
      else if (changed > (state.filters?.get(name)?.since ?? 0)) isPending = true;
      continue;
    }
    const answer = answerToResource(state, name, since);
    if (answer === 'pending') isPending = true;
    // A taken port on the proxy's machine is no fault of a rule.
    if (answer === 'rejected' && !isBindError(state.answers.error ?? '', name)) {
      rejected.push({ state, names: [name], message: decisiveSentence(state.answers.error ?? '', name) });
    }
  }
  return { answer: rejected.length > 0 ? 'rejected' : isPending ? 'pending' : 'acknowledged', rejected };
}

function count(counts: AnswerCounts, { proxy, caller }: Client, { answer, rejected }: ClientAnswer): void {
  counts.concerned++;
  counts[answer]++;
  const isProven = rejected.some((one) => one.isProven === true);
  if (answer === 'rejected' && caller.by === 'address' && !isProven) addRejecter(counts, caller.key);
  else if (answer === 'rejected') counts.provenRejections++;
  if (answer === 'pending' && counts.waitingFor.length < maxWaitingFor) counts.waitingFor.push(proxy.id);
  for (const { state, names, message } of merged(rejected)) {
    if (counts.rejections.length >= maxRejections) return;
    counts.rejections.push({ proxy: proxy.id, type: state.type, resources: names.slice(0, maxRejections), message });
  }
}

/** Merges rejections of equal type and message. */
function merged(rejected: readonly RejectedResources[]): readonly RejectedResources[] {
  const groups = Map.groupBy(rejected, ({ state, message }) => `${state.type} ${message}`);
  return [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, names: [...new Set([first, ...others].flatMap(({ names }) => names))] }],
  );
}
