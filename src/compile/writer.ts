import { contentHash } from '../lib/hash.ts';
import type { ClientPlace, DestinationPlan } from '../plan/destination.ts';
import type { OutboundFixedPlan } from '../plan/layer.ts';
import {
  anyConnection,
  type ChainMatch,
  type FilterChainPlan,
  type InboundPlan,
  type ListenerFrame,
  type ListenerTraffic,
  type TargetPlan,
} from '../plan/listener.ts';
import { clusterOfUnknown, type UnknownHosts, type VirtualHostPlan } from '../plan/route.ts';
import {
  encodeCluster,
  encodeFilterChain,
  encodeFilterChainMatch,
  encodeListener,
  encodeListenerFrame,
  encodeRouteConfigurationHead,
  encodeVirtualHost,
  encodeVirtualHostBody,
} from '../proto/json.ts';
import { type EncodedResource, encodeResource } from '../proto/resource.ts';
import { bytesField } from '../proto/wire.ts';
import type { ContentPool, Pooled } from './content-pool.ts';
import type { Dialect, LayerMessages } from './dialect.ts';
import { generateMatch, type Inspections } from './generators/chains.ts';
import type { NamedCluster } from './generators/clusters.ts';
import type { NamedListener } from './generators/listeners.ts';
import { noPatch, type Patch } from './patch.ts';

/** Bytes with their hash. */
export interface HashedBytes {
  readonly bytes: Uint8Array;
  readonly hash: string;
}

/** Bytes before and after the virtual hosts of a route configuration. */
export interface RouteFrame {
  head(name: string): Uint8Array;
  readonly end: Uint8Array;
  /** Part of every version, so that a change of the frame changes the versions. */
  readonly format: string;
}

/** Bytes before and after the chains of a listener. */
export interface ListenerFrameBytes {
  readonly head: Uint8Array;
  readonly end: Uint8Array;
}

export interface WrittenFrame {
  readonly plan: ListenerFrame;
  readonly bytes: Pooled<ListenerFrameBytes>;
}

/** Chain with its decided match. */
export interface DecidedChain {
  readonly match: ChainMatch;
  readonly body: Pooled<HashedBytes>;
}

/** Pools shared by all writers: equal messages of all layers are encoded once. */
export interface WriterPools {
  readonly clusters: ContentPool<EncodedResource>;
  readonly listeners: ContentPool<EncodedResource>;
  readonly frames: ContentPool<ListenerFrameBytes>;
  /** Filter chains without their match. */
  readonly chains: ContentPool<HashedBytes>;
  /** Virtual hosts without name and domains. */
  readonly bodies: ContentPool<HashedBytes>;
}

/** Messages retained by a layer. */
export interface WrittenMessages {
  readonly clusters: readonly Pooled<EncodedResource>[];
  readonly listeners: readonly Pooled<EncodedResource>[];
}

/**
 * Conversion of plans to bytes: generate (in the dialect of the client), patch, encode, share. The caller must release
 * each result. All methods throw if a value does not fit its message or Envoy would reject it; nothing is retained
 * then.
 */
export interface Writer {
  /** Patch that it applies. Parts made with another patch are not reused. */
  readonly patch: Patch;
  /** Returns the frame of route configurations. `namesPorts`: requests name the port of their host. */
  routeFrame(namesPorts: boolean): RouteFrame;
  cluster(plan: DestinationPlan, place?: ClientPlace): Pooled<EncodedResource>;
  /** Writes the filters of a chain without its match, and its listener without chains. */
  chain(plan: FilterChainPlan): { readonly frame: Pooled<ListenerFrameBytes>; readonly body: Pooled<HashedBytes> };
  /** Assembles a listener from chains of `chain`, which has checked them. `frame` belongs to one of these chains. */
  listener(frame: WrittenFrame, chains: readonly DecidedChain[]): Pooled<EncodedResource>;
  target(plan: TargetPlan): Pooled<EncodedResource>;
  virtualHostBody(plan: VirtualHostPlan): Pooled<HashedBytes>;
  /** Returns the record of the virtual host for unknown hosts. It needs no release. */
  unknownHosts(policy: UnknownHosts): HashedBytes;
  outboundFixed(plan: OutboundFixedPlan): WrittenMessages;
  /** Writes messages besides chains: those of the ports of a plan, or those of a plan without ports. */
  inbound(plan: InboundPlan): WrittenMessages;
  retain<T extends WrittenMessages>(messages: T): T;
  release(messages: WrittenMessages): void;
}

export interface WriterOptions {
  readonly dialect: Dialect;
  readonly pools: WriterPools;
  readonly patch?: Patch;
}

export function createWriter({ dialect, pools, patch = noPatch }: WriterOptions): Writer {
  const acquireCluster = (json: NamedCluster) => {
    const patched = patch.cluster(json);
    return pools.clusters.acquire(JSON.stringify(patched), () => encodeCluster(patched));
  };
  const acquireListener = (json: NamedListener) => {
    const patched = patch.listener(json);
    return pools.listeners.acquire(JSON.stringify(patched), () => encodeListener(patched));
  };
  const acquireFrame = (plan: ListenerFrame, inspections: Inspections) => {
    const frame = patch.listener(dialect.frame(plan, inspections));
    return pools.frames.acquire(JSON.stringify(frame), () => encodeListenerFrame(frame));
  };
  /** Last chain: those of one service have equal targets for all addresses. */
  let last: { readonly traffic: ListenerTraffic; readonly body: Pooled<HashedBytes> } | null = null;
  const acquireChain = (plan: FilterChainPlan) => {
    const { traffic, listener } = plan;
    const isPlainTcp = traffic.type === 'tcp' && plan.name === '' && patch === noPatch;
    if (isPlainTcp && last?.traffic === traffic && last.body.users > 0) return pools.chains.retain(last.body);
    const chain = patch.filterChain(dialect.chain(plan), listener.name);
    const body = pools.chains.acquire(JSON.stringify(chain), () => hashed(encodeFilterChain(chain)));
    last = isPlainTcp ? { traffic, body } : null;
    return body;
  };
  const release = ({ clusters, listeners }: WrittenMessages) => {
    for (const cluster of clusters) pools.clusters.release(cluster);
    for (const listener of listeners) pools.listeners.release(listener);
  };
  const acquireAll = (messages: LayerMessages): WrittenMessages => {
    const clusters: Pooled<EncodedResource>[] = [];
    const listeners: Pooled<EncodedResource>[] = [];
    try {
      for (const json of messages.clusters) clusters.push(acquireCluster(json));
      for (const json of messages.listeners) listeners.push(acquireListener(json));
      return { clusters, listeners };
    } catch (error) {
      release({ clusters, listeners });
      throw error;
    }
  };
  const [frame, frameWithPorts] = [routeFrameOf(dialect.routeEnd), routeFrameOf(withPorts(dialect.routeEnd))];
  const unknownHosts = new Map<string, HashedBytes>();

  return {
    patch,
    routeFrame: (namesPorts) => (namesPorts ? frameWithPorts : frame),
    cluster: (plan, place) => acquireCluster(dialect.cluster(plan, place)),
    chain(plan) {
      // Checked here: assembling a listener of accepted chains must not fail.
      if (plan.match !== anyConnection) encodeFilterChainMatch(generateMatch(plan.match, noInspections));
      const frame = acquireFrame(plan.listener, noInspections);
      try {
        return { frame, body: acquireChain(plan) };
      } catch (error) {
        pools.frames.release(frame);
        throw error;
      }
    },
    listener(frame, chains) {
      const inspections = inspectionsOf(chains);
      const isPlain = !inspections.http && !inspections.tls;
      const around = isPlain ? frame.bytes : acquireFrame(frame.plan, inspections);
      const content = chains.map(
        ({ match, body }) => `${body.key} ${match === anyConnection ? '' : JSON.stringify(match)}`,
      );
      const listener = pools.listeners.acquire(`${around.key} ${content.join()}`, () => {
        const { head, end } = around.value;
        const parts = [head, ...chainFields(chains, inspections), end];
        return encodeResource('listener', frame.plan.name, Buffer.concat(parts));
      });
      if (!isPlain) pools.frames.release(around);
      return listener;
    },
    target: (plan) => acquireListener(dialect.target(plan)),
    virtualHostBody(plan) {
      const body = patch.virtualHostBody(dialect.virtualHostBody(plan), plan);
      return pools.bodies.acquire(JSON.stringify(body), () => hashed(encodeVirtualHostBody(body)));
    },
    unknownHosts(policy) {
      const known = unknownHosts.get(clusterOfUnknown(policy));
      if (known !== undefined) return known;
      const record = hashed(bytesField(2, encodeVirtualHost(dialect.unknownHosts(policy))));
      unknownHosts.set(clusterOfUnknown(policy), record);
      return record;
    },
    outboundFixed: (plan) => acquireAll(dialect.outboundFixed(plan)),
    inbound: (plan) =>
      acquireAll({ clusters: dialect.inboundClusters(plan), listeners: dialect.serverListeners(plan) }),
    retain(messages) {
      for (const cluster of messages.clusters) pools.clusters.retain(cluster);
      for (const listener of messages.listeners) pools.listeners.retain(listener);
      return messages;
    },
    release,
  };
}

export const hashed = (bytes: Uint8Array): HashedBytes => ({ bytes, hash: contentHash(bytes) });

const noInspections: Inspections = { http: false, tls: false, plainPorts: [] };

const inspectionsOf = (chains: readonly DecidedChain[]): Inspections => ({
  http: chains.some(needsHttpInspection),
  plainPorts: plainPortsOf(chains),
  tls: chains.some(({ match }) => match.serverNames.length > 0 || match.transport !== null),
});

const needsHttpInspection = ({ match }: DecidedChain): boolean =>
  match.protocols.length > 0 && match.transport !== 'tls';

/** Returns the ports for which no chain depends on the detection of HTTP. Empty if no chain does at all. */
function plainPortsOf(chains: readonly DecidedChain[]): readonly number[] {
  const detected = new Set(chains.filter(needsHttpInspection).map(({ match }) => match.port));
  if (detected.size === 0) return [];
  const ports = chains.flatMap(({ match: { port } }) => (port === null || detected.has(port) ? [] : [port]));
  return [...new Set(ports)].sort((a, b) => a - b);
}

/**
 * Writes chains as fields of their listener, each match before its body. Envoy checks the conditions one after another
 * and does not backtrack. A chain without conditions would miss connections that meet the first conditions of another
 * chain. It is therefore the default chain then.
 */
function chainFields(chains: readonly DecidedChain[], inspections: Inspections): readonly Uint8Array[] {
  const hasRanges = chains.some(({ match }) => match.addresses.length + match.sources.length > 0);
  const hasDefault = inspections.http || inspections.tls || hasRanges;
  return chains.map(({ match, body }) => {
    const json = generateMatch(match, inspections);
    const isAny = Object.keys(json).length === 0;
    if (isAny) return bytesField(hasDefault ? 25 : 3, body.value.bytes);
    return bytesField(3, Buffer.concat([bytesField(1, encodeFilterChainMatch(json)), body.value.bytes]));
  });
}

type RouteEnd = Dialect['routeEnd'];

/** Compares hosts with their ports. */
const withPorts = ({ json, format }: RouteEnd): RouteEnd => ({
  json: { ...json, ignorePortInHostMatching: false },
  format: `${format}ports/`,
});

const routeFrameOf = (routeEnd: RouteEnd): RouteFrame => ({
  head: (name) => encodeRouteConfigurationHead({ name }),
  end: encodeRouteConfigurationHead(routeEnd.json),
  format: routeEnd.format,
});
