import type { LayerKey } from '../../compile/contract.ts';
import { mapTypes, type XdsType, xdsTypes } from '../../proto/resource.ts';
import type { StreamState } from '../../xds/stream/stream.ts';
import type { NameSet } from '../../xds/tables/names.ts';
import type { Client } from '../client.ts';
import type { Coordinator } from '../coordinator.ts';
import type { AnswerCounts } from './answer-counts.ts';
import { hasAcknowledgedAll } from './answers.ts';

/** Proxies of one layer with equal subscriptions, which the same changes affect. */
export interface ProxyGroup {
  readonly subscriptions: Subscriptions;
  readonly clients: readonly Client[];
  /** Proxies with pending answers or rejections. The others need no check. */
  readonly unsettled: readonly Client[];
  /** True if one of them rejects a part of a resource, which does not affect every rule of that resource. */
  rejectsParts: boolean;
  /** Answers of the unsettled proxies, by resources, computed on demand. */
  readonly answers: Map<string, AnswerCounts>;
}

type Subscriptions = Readonly<Record<XdsType, { readonly wildcard: boolean; readonly names: NameSet } | null>>;

/** Connected proxies at one moment, grouped for queries about rules. */
export interface ProxyGroups {
  readonly clients: ReadonlySet<Client>;
  /** Groups by the layers in the views of their streams. */
  readonly groups: ReadonlyMap<LayerKey, readonly ProxyGroup[]>;
  /** Clients by their assigned layers. A proxy that changes its layer still has the previous view. */
  readonly assigned: ReadonlyMap<LayerKey, readonly Client[]>;
  /** Layers whose proxies are also in the groups of another layer. */
  readonly shared: ReadonlySet<LayerKey>;
  /** Fingerprint of group sizes, subscriptions and rejected resources. */
  readonly fingerprint: string;
}

export function groupProxies({ clients, layers }: Coordinator): ProxyGroups {
  const keys = new Map([...layers.all()].map((layer) => [layer.tables.cluster, layer.key]));
  const unsettled: Client[] = [];
  const assigned = new Map<LayerKey, Client[]>();
  const shared = new Set<LayerKey>();
  const groups = new Map<LayerKey, Map<string, MutableProxyGroup>>();
  for (const client of clients) {
    const { stream } = client;
    const isUnsettled = !hasAcknowledgedAll(stream);
    if (isUnsettled) unsettled.push(client);
    for (const { key } of client.layers) listOf(assigned, key).push(client);
    const subscriptions = subscriptionsKey(stream);
    for (const [index, table] of (stream.view?.cluster ?? []).entries()) {
      const layer = keys.get(table);
      if (layer === undefined) continue;
      if (index > 0) shared.add(layer);
      const group = groupOf(groups, layer, subscriptions, stream);
      group.clients.push(client);
      if (isUnsettled) group.unsettled.push(client);
      group.rejectsParts ||= isUnsettled && stream.types.values().some(({ filters }) => filters !== null);
    }
  }
  const byLayer = new Map([...groups].map(([layer, own]) => [layer, [...own.values()]]));
  return { clients, groups: byLayer, assigned, shared, fingerprint: fingerprintOf(groups, unsettled) };
}

/** Returns true if the proxies of a group subscribe to this resource. */
export function isSubscribed({ subscriptions }: ProxyGroup, type: XdsType, name: string): boolean {
  const subscription = subscriptions[type];
  return subscription !== null && (subscription.wildcard || subscription.names.has(name));
}

interface MutableProxyGroup extends ProxyGroup {
  readonly clients: Client[];
  readonly unsettled: Client[];
}

function groupOf(
  groups: Map<LayerKey, Map<string, MutableProxyGroup>>,
  layer: LayerKey,
  key: string,
  stream: StreamState,
): MutableProxyGroup {
  const own = groups.get(layer) ?? new Map<string, MutableProxyGroup>();
  groups.set(layer, own);
  const group = own.get(key) ?? {
    subscriptions: subscriptionsOf(stream),
    clients: [],
    unsettled: [],
    rejectsParts: false,
    answers: new Map(),
  };
  own.set(key, group);
  return group;
}

function subscriptionsOf(stream: StreamState): Subscriptions {
  return mapTypes((type) => {
    const state = stream.types.get(type);
    return state === undefined || state.interest === null ? null : { wildcard: state.wildcard, names: state.names };
  });
}

function subscriptionsKey({ types }: StreamState): string {
  let key = '';
  for (const type of xdsTypes) {
    const state = types.get(type);
    if (state !== undefined && state.interest !== null) key += `${state.wildcard ? '*' : ''}${state.names.id}`;
    key += '|';
  }
  return key;
}

function fingerprintOf(
  groups: ReadonlyMap<LayerKey, ReadonlyMap<string, ProxyGroup>>,
  unsettled: readonly Client[],
): string {
  const sizes = [...groups].map(([layer, own]) => [layer, [...own].map(([key, { clients }]) => [key, clients.length])]);
  const rejecting = unsettled.flatMap(({ id, stream }) =>
    [...stream.types.values()].flatMap(({ type, rejectedResources, filters, search, uncertain, answers }) => {
      if (rejectedResources === null && filters === null && search === null && uncertain.length === 0) return [];
      const parts = [...(filters ?? [])].map(([name, { rejected }]) => [name, [...rejected.keys()]]);
      return [[id, type, [...(rejectedResources?.keys() ?? [])], parts, uncertain.length, answers.error]];
    }),
  );
  return JSON.stringify([sizes, rejecting]);
}

function listOf<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
