import { isDeepStrictEqual } from 'node:util';
import { err, ok, type Result } from '../lib/result.ts';
import { hostOfKey } from '../model/names.ts';
import type { PlanProblem } from '../plan/host.ts';
import type { InboundPlan, InboundPort } from '../plan/listener.ts';
import { encodeCluster, encodeListener } from '../proto/json.ts';
import type { EncodedResource, XdsType } from '../proto/resource.ts';
import { generateInboundClusters, inboundClusterNames, virtualInbound } from './generators/inbound.ts';
import { generateServerListeners, serverListenerNames } from './grpc/servers.ts';
import { type InboundFacts, inboundFactsOf } from './inbound-facts.ts';
import type { Layer, LayerKind, LayerParts } from './layer.ts';
import { portOrigin, resolveInbound } from './resolve/inbound.ts';
import { createTables } from './tables/tables.ts';
import { serviceDep } from './world/dirty.ts';

/** What workloads serve: `virtualInbound` and the clusters behind it. */
export const inboundKind: LayerKind<InboundFacts> = {
  kind: 'inbound',
  mayWait: false,
  factsOf: inboundFactsOf,
  selected: () => [],
  create: createInboundLayer,
  layersWith: (origin, { layersByOrigin }) => layersByOrigin.holdersOf(origin),
};

function createInboundLayer(facts: InboundFacts, parts: LayerParts): Layer {
  const { key, world, problems, layersByOrigin, work } = parts;
  const tables = createTables(key);
  const dependencies = facts.memberships.map(({ service }) => serviceDep(hostOfKey(service)));
  let isDirty = true;
  let plan: InboundPlan | null = null;
  let made = nothing;
  /** By type and name, the revision by which each resource is as it is. */
  const since = new Map<string, number>();

  const install = (
    type: XdsType,
    before: readonly EncodedResource[],
    after: readonly EncodedResource[],
    at: number,
  ) => {
    const names = new Set(after.map(({ name }) => name));
    for (const { name } of before) {
      if (names.has(name)) continue;
      tables.delete(type, name);
      since.delete(`${type}/${name}`);
    }
    for (const resource of after) {
      if (tables.get(type, resource.name)?.version === resource.version) continue;
      tables.set(type, resource);
      since.set(`${type}/${resource.name}`, at);
    }
  };
  const originsOf = (type: XdsType, name: string): readonly string[] => {
    const isOf = (port: InboundPort) => facts.client !== 'grpc' || serverListenerNames(port).includes(name);
    const serves = (port: InboundPort) => (type === 'listener' ? isOf(port) : inboundClusterNames(port).includes(name));
    return [...new Set(made.ports.filter(serves).map(portOrigin))];
  };

  return {
    key,
    mark(dirty) {
      isDirty ||= dirty.mesh || dependencies.some((dependency) => dirty.keys.has(dependency));
      return isDirty;
    },
    *compile(revision) {
      if (!isDirty) return;
      const next = resolveInbound(facts, world);
      if (!isDeepStrictEqual(next, plan)) {
        const before = made;
        made = encodeOrLeaveOut(next);
        work.encoded += made.clusters.length + made.listeners.length;
        install('cluster', before.clusters, made.clusters, revision);
        install('listener', before.listeners, made.listeners, revision);
        problems.replace(before.problems, made.problems);
        layersByOrigin.add(key, made.origins);
        layersByOrigin.remove(key, before.origins);
      }
      plan = next;
      isDirty = false;
      yield;
    },
    takeChanges: () => tables.takeChanges(),
    *partsOf(type, name) {
      const origins = tables.get(type, name) === undefined ? [] : originsOf(type, name);
      if (origins.length > 0) yield { part: '', origins, since: since.get(`${type}/${name}`) ?? 0 };
    },
    *contributionsOf(origin) {
      for (const type of ['cluster', 'listener'] as const) {
        for (const { name } of type === 'cluster' ? made.clusters : made.listeners) {
          if (!originsOf(type, name).includes(origin)) continue;
          yield { layer: key, type, name, since: since.get(`${type}/${name}`) ?? 0 };
        }
      }
    },
    dispose() {
      problems.replace(made.problems, []);
      layersByOrigin.remove(key, made.origins);
    },
  };
}

interface EncodedInbound {
  /** Those that are right. */
  readonly ports: readonly InboundPort[];
  readonly clusters: readonly EncodedResource[];
  readonly listeners: readonly EncodedResource[];
  /** Of all ports. */
  readonly origins: readonly string[];
  readonly problems: readonly PlanProblem[];
}

const nothing: EncodedInbound = { ports: [], clusters: [], listeners: [], origins: [], problems: [] };

/** A port that Envoy would reject is served as one that no service names; the others are not touched by it. */
function encodeOrLeaveOut(plan: InboundPlan): EncodedInbound {
  const origins = [...new Set(plan.ports.map(portOrigin))];
  const all = attempt(plan);
  if (all.ok) return { ...all.value, origins, problems: [] };
  const alone = plan.ports.map((port) => ({ port, made: attempt({ ...plan, ports: [port] }) }));
  const right = attempt({ ...plan, ports: alone.filter(({ made }) => made.ok).map(({ port }) => port) });
  return {
    ...(right.ok ? right.value : { ports: [], clusters: [], listeners: [] }),
    origins,
    problems: alone.flatMap(({ port, made }) => {
      const fault = made.ok ? (right.ok ? null : right.error) : made.error;
      return fault === null
        ? []
        : [{ origin: portOrigin(port), message: `port ${port.targetPort} is not served: ${fault}` }];
    }),
  };
}

function attempt(plan: InboundPlan): Result<Omit<EncodedInbound, 'problems' | 'origins'>, string> {
  try {
    return ok({ ports: plan.ports, ...encodeInbound(plan) });
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

function encodeInbound(plan: InboundPlan): Pick<EncodedInbound, 'clusters' | 'listeners'> {
  const isServer = plan.client === 'grpc';
  const listeners = isServer ? generateServerListeners(plan.ports) : [virtualInbound(plan)];
  return {
    clusters: isServer ? [] : generateInboundClusters(plan).map(encodeCluster),
    listeners: listeners.map(encodeListener),
  };
}
