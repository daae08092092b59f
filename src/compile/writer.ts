import { contentHash } from '../lib/hash.ts';
import type { DestinationPlan } from '../plan/destination.ts';
import type { OutboundFixedPlan } from '../plan/layer.ts';
import type { InboundPlan, ListenerPlan, TargetPlan } from '../plan/listener.ts';
import type { RouteConfigurationPlan, VirtualHostPlan } from '../plan/route.ts';
import {
  encodeCluster,
  encodeListener,
  encodeRouteConfigurationHead,
  encodeVirtualHost,
  encodeVirtualHostBody,
} from '../proto/json.ts';
import type { EncodedResource } from '../proto/resource.ts';
import { bytesField } from '../proto/wire.ts';
import type { Dialect, LayerMessages } from './dialect.ts';
import type { NamedCluster } from './generators/clusters.ts';
import type { NamedListener } from './generators/listeners.ts';
import { noPatch, type Patch } from './patch.ts';
import type { Shelf, Shelved } from './shelf.ts';

/** Bytes with a hash of them. */
export interface HashedBytes {
  readonly bytes: Uint8Array;
  readonly hash: string;
}

/** What stands around the virtual hosts of a route configuration. */
export interface RouteFrame {
  head(name: string): Uint8Array;
  readonly end: Uint8Array;
  /** Part of every version: a change of the frame must change the versions. */
  readonly format: string;
}

/** Where writers put what they made: equal messages are encoded once, whichever layer they are of. */
export interface WriterShelves {
  readonly clusters: Shelf<EncodedResource>;
  readonly listeners: Shelf<EncodedResource>;
  /** Virtual hosts without name and domains. */
  readonly bodies: Shelf<HashedBytes>;
}

/** Messages that a layer holds. */
export interface WrittenMessages {
  readonly clusters: readonly Shelved<EncodedResource>[];
  readonly listeners: readonly Shelved<EncodedResource>[];
}

/**
 * The one way from plans to bytes: generate (in the dialect of the client), patch, encode, share. Whoever is given something
 * holds it until it is released. All of it throws, and holds nothing, when a value does not fit its message or
 * Envoy would reject it.
 */
export interface Writer {
  /** What it patches by: parts of another patch are not reused. */
  readonly patch: Patch;
  readonly routeFrame: RouteFrame;
  cluster(plan: DestinationPlan): Shelved<EncodedResource>;
  listener(plan: ListenerPlan): Shelved<EncodedResource>;
  target(plan: TargetPlan): Shelved<EncodedResource>;
  virtualHostBody(plan: VirtualHostPlan): Shelved<HashedBytes>;
  /** The record of the virtual host for hosts that nobody has. Nobody holds it. */
  unknownHosts(policy: RouteConfigurationPlan['unknownHosts']): HashedBytes;
  outboundFixed(plan: OutboundFixedPlan): WrittenMessages;
  /** What the ports of a plan add, or what there is without any; the listeners are those of `inboundListeners`. */
  inbound(plan: InboundPlan): WrittenMessages;
  inboundListeners(plan: InboundPlan): WrittenMessages['listeners'];
  retain<T extends WrittenMessages>(messages: T): T;
  release(messages: WrittenMessages): void;
}

export interface WriterOptions {
  readonly dialect: Dialect;
  readonly shelves: WriterShelves;
  readonly patch?: Patch;
}

export function createWriter({ dialect, shelves, patch = noPatch }: WriterOptions): Writer {
  const takeCluster = (json: NamedCluster) => {
    const patched = patch.cluster(json);
    return shelves.clusters.take(JSON.stringify(patched), () => encodeCluster(patched));
  };
  const takeListener = (json: NamedListener) => {
    const patched = patch.listener(json);
    return shelves.listeners.take(JSON.stringify(patched), () => encodeListener(patched));
  };
  const release = ({ clusters, listeners }: WrittenMessages) => {
    for (const held of clusters) shelves.clusters.release(held);
    for (const held of listeners) shelves.listeners.release(held);
  };
  const takeAll = (messages: LayerMessages): WrittenMessages => {
    const clusters: Shelved<EncodedResource>[] = [];
    const listeners: Shelved<EncodedResource>[] = [];
    try {
      for (const json of messages.clusters) clusters.push(takeCluster(json));
      for (const json of messages.listeners) listeners.push(takeListener(json));
      return { clusters, listeners };
    } catch (error) {
      release({ clusters, listeners });
      throw error;
    }
  };
  const unknownHosts = new Map<RouteConfigurationPlan['unknownHosts'], HashedBytes>();

  return {
    patch,
    routeFrame: routeFrameOf(dialect),
    cluster: (plan) => takeCluster(dialect.cluster(plan)),
    listener: (plan) => takeListener(dialect.listener(plan)),
    target: (plan) => takeListener(dialect.target(plan)),
    virtualHostBody(plan) {
      const body = patch.virtualHostBody(dialect.virtualHostBody(plan), plan);
      return shelves.bodies.take(JSON.stringify(body), () => hashed(encodeVirtualHostBody(body)));
    },
    unknownHosts(policy) {
      const known = unknownHosts.get(policy);
      if (known !== undefined) return known;
      const record = hashed(bytesField(2, encodeVirtualHost(dialect.unknownHosts(policy))));
      unknownHosts.set(policy, record);
      return record;
    },
    outboundFixed: (plan) => takeAll(dialect.outboundFixed(plan)),
    inbound: (plan) => takeAll({ clusters: dialect.inboundClusters(plan), listeners: dialect.inboundListeners(plan) }),
    inboundListeners: (plan) => takeAll({ clusters: [], listeners: dialect.inboundListeners(plan) }).listeners,
    retain(messages) {
      for (const held of messages.clusters) shelves.clusters.retain(held);
      for (const held of messages.listeners) shelves.listeners.retain(held);
      return messages;
    },
    release,
  };
}

export const hashed = (bytes: Uint8Array): HashedBytes => ({ bytes, hash: contentHash(bytes) });

const routeFrameOf = ({ routeEnd }: Dialect): RouteFrame => ({
  head: (name) => encodeRouteConfigurationHead({ name }),
  end: encodeRouteConfigurationHead(routeEnd.json),
  format: routeEnd.format,
});
