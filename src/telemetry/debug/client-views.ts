import { ok } from '../../lib/result.ts';
import { typeRows } from '../../proto/resource.ts';
import type { Client } from '../../push/client.ts';
import type { Coordinator } from '../../push/coordinator.ts';
import { liveRejections } from '../../xds/isolation/filter.ts';
import type { NamedState } from '../../xds/named/named-stream.ts';
import { isSettled } from '../../xds/stream/next.ts';
import { lastSentOf, type TypeState } from '../../xds/stream/stream.ts';
import type { ResponseLabel } from '../../xds/wire/response.ts';
import { ofClient, proxyParameter, resourcesOf } from './one-client.ts';
import { type DebugView, jsonArray } from './view.ts';

/** Lists connected clients and their subscriptions. */
export const adsz = ({ clients }: Coordinator): DebugView => ({
  path: '/debug/adsz',
  about: 'connected clients, their layers and subscriptions',
  read: () =>
    ok(
      jsonArray(
        clients.values().map((client) => ({
          connectionId: client.id,
          proxy: client.proxy,
          peer: client.peer,
          connectedAt: timeOf(client.connectedAtMs),
          service: client.service,
          mode: client.stream.mode,
          layers: client.layers.map((layer) => layer.key),
          watches: Object.fromEntries([
            ...client.stream.types.values().map((state) => [state.type, watchOf(state)] as const),
            ...namedOf(client).map((state) => [state.type, namedWatchOf(state)] as const),
          ]),
        })),
      ),
    ),
});

/** Lists the last sent and acknowledged versions by proxy and type. */
export const syncz = ({ clients, context: world }: Coordinator): DebugView => ({
  path: '/debug/syncz',
  about: 'per proxy: what was sent and acknowledged last, and the text of a rejection',
  read: () =>
    ok(
      jsonArray(
        clients.values().map((client) => ({
          proxy: client.proxy.id,
          connectionId: client.id,
          service: client.service,
          isSynced: isSettled(client.stream, world),
          types: Object.fromEntries([
            ...client.stream.types.values().map((state) => [state.type, syncOf(state)] as const),
            ...namedOf(client).map((state) => [state.type, namedSyncOf(state)] as const),
          ]),
        })),
      ),
    ),
});

/** Lists the endpoint assignments that a proxy gets. */
export const edsz = (coordinator: Coordinator): DebugView => ({
  path: '/debug/edsz',
  about: 'the endpoints that a proxy is served',
  parameters: proxyParameter,
  read: (query) =>
    ofClient(coordinator, query, (client) => ok(jsonArray(resourcesOf(client, 'endpoint').map(({ json }) => json)))),
});

function watchOf({ wildcard, names, interest }: TypeState) {
  return { wildcard, names: names.size, resources: interest === null ? 0 : [...interest.present()].length };
}

function syncOf(state: TypeState) {
  const { sentAtMs, answers, inFlight, deferredRemovals, search } = state;
  const rejected = rejectedResourcesOf(state);
  const unanswered = unansweredOf(state);
  return {
    sent: { ...(lastSentOf(state) ?? nothingYet), at: timeOf(sentAtMs) },
    acknowledged: { ...(answers.acked ?? nothingYet), at: timeOf(answers.ackedAtMs) },
    state:
      answers.isRejected || rejected.length > 0
        ? 'NACK'
        : inFlight !== null || search !== null
          ? 'PENDING'
          : unanswered.length > 0
            ? 'UNANSWERED'
            : 'SYNCED',
    ...(unanswered.length > 0 ? { unanswered: unanswered.slice(0, maxNames) } : {}),
    deferredRemovals: deferredRemovals.reduce((sum, batch) => sum + batch.names.size, 0),
    rejected,
    lastNack: nackOf(answers.error, answers.nackedAtMs),
  };
}

/** Lists requested names that do not exist, and whose requests are not answered until they do. */
function unansweredOf({ type, names, interest }: TypeState): readonly string[] {
  if (typeRows[type].unknown !== 'unanswered') return [];
  return names.names.filter((name) => interest?.get(name) === undefined);
}

/** Lists deviations of a client's resources from the tables. */
function rejectedResourcesOf(state: TypeState): readonly object[] {
  const parts = [...(state.filters?.keys() ?? [])].flatMap((name) =>
    liveRejections(state, name).map(([part]) =>
      part === '' ? { resource: name } : { resource: name, virtualHost: part },
    ),
  );
  return [...[...(state.rejectedResources?.keys() ?? [])].map((name) => ({ resource: name })), ...parts];
}

const nackOf = (reason: string | null, atMs: number) => (reason === null ? null : { at: timeOf(atMs), reason });

const nothingYet: ResponseLabel = { nonce: '', version: '', subscribed: null };

const namedOf = ({ named }: Client): readonly NamedState[] => [...(named?.states.values() ?? [])];

const namedWatchOf = ({ names, has }: NamedState) => ({ wildcard: false, names: names.size, resources: has.size });

function namedSyncOf({ names, inFlight, nack, nackedAtMs }: NamedState) {
  const unanswered = [...names].flatMap(([name, told]) => (told === null ? [name] : []));
  const state =
    nack !== null ? 'NACK' : inFlight !== null ? 'PENDING' : unanswered.length > 0 ? 'UNANSWERED' : 'SYNCED';
  return { state, unanswered: unanswered.slice(0, maxNames), lastNack: nackOf(nack, nackedAtMs) };
}

/** Limit of listed names, because an on-demand client may have requested thousands. */
const maxNames = 100;

const timeOf = (ms: number): string | null => (ms === 0 ? null : new Date(ms).toISOString());
