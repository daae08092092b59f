import { isDeepStrictEqual } from 'node:util';
import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import { addTo, removeFrom } from '../../src/lib/sets-by-key.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { ServiceBody, SliceBody, SliceEndpoint } from './schema.ts';
import { type ClusterFacts, type Read, serviceHostname, type TranslatedPod, translateService } from './translate.ts';
import { createDependencies } from './translate-dependencies.ts';
import { type EndpointLookup, translateEndpoints } from './translate-endpoints.ts';
import type { Moves } from './translate-moves.ts';

type Metadata = RawObject['metadata'];

/** Services joined with their EndpointSlices and Pods. */
export interface ServiceIndex {
  /** Returns whether anything changed that is used, as does `putSlice`. */
  putService(service: Read<ServiceBody>): boolean;
  removeService(metadata: Metadata): void;
  /** Puts a slice of a service, `namespace/name`. */
  putSlice(service: string, slice: Read<SliceBody>): boolean;
  removeSlice(metadata: Metadata): void;
  /** Marks services for translation that depend on a Pod, an address or a Node: see `Dependencies`. */
  changed(dependency: string): void;
  takeChanges(): readonly ShardChange[];
  /** Number of entries in each index. */
  sizes(): Readonly<Record<string, number>>;
}

interface OwnedSlice {
  readonly service: string;
  readonly slice: Read<SliceBody>;
}

/** `moves` is null where slices are read together, as in files. */
export function createServiceIndex(cluster: ClusterFacts, lookup: EndpointLookup, moves: Moves | null): ServiceIndex {
  const services = new Map<string, Read<ServiceBody>>();
  const slices = new Map<string, OwnedSlice>();
  /** Names of slices by service. */
  const slicesOf = new Map<string, Set<string>>();
  const dependencies = createDependencies();
  const published = new Map<string, Metadata>();
  const dirtyServices = new Set<string>();
  const dirtySets = new Set<string>();

  /** Replaces a slice; null removes it. */
  function setSlice(key: string, next: OwnedSlice | null): void {
    const known = slices.get(key);
    if (known !== undefined) {
      const isSameService = known.service === next?.service;
      moves?.left(known.service, known.slice, isSameService ? (next?.slice ?? null) : null);
      removeFrom(slicesOf, known.service, key);
      dirtySets.add(known.service);
      slices.delete(key);
    }
    if (next === null) return;
    slices.set(key, next);
    addTo(slicesOf, next.service, key);
    dirtySets.add(next.service);
  }

  function serviceChanges(key: string): readonly ShardChange[] {
    const service = services.get(key);
    const known = published.get(key);
    dirtySets.add(key); // an ExternalName has no endpoints, and those that are on their way depend on the selector
    if (service !== undefined) {
      published.set(key, service.metadata);
      return [{ type: 'service', service: translateService(service, cluster) }];
    }
    published.delete(key);
    return known === undefined
      ? []
      : [{ type: 'service-removed', namespace: known.namespace, hostname: serviceHostname(known, cluster) }];
  }

  function setChanges(key: string): readonly ShardChange[] {
    const service = services.get(key);
    if (service === undefined) {
      moves?.forget(key);
      dependencies.note(key, []);
      return [];
    }
    const isOnItsWay = (endpoint: SliceEndpoint, namespace: string) =>
      isExpected(service.body, endpoint, lookup.podOf(endpoint, namespace));
    const own = [...(slicesOf.get(key) ?? [])].flatMap((name) => slices.get(name)?.slice ?? []);
    const moving = moves?.of(key, own, isOnItsWay) ?? [];
    const parts = [...own, ...moving];
    dependencies.note(key, parts);
    return [{ type: 'endpoints', set: translateEndpoints({ service, slices: parts, ...lookup }, cluster) }];
  }

  return {
    putService(service) {
      const key = keyOf(service.metadata);
      const known = services.get(key);
      if (known !== undefined && areEqual(known, service, cluster)) return false;
      services.set(key, service);
      dirtyServices.add(key);
      return true;
    },
    removeService(metadata) {
      services.delete(keyOf(metadata));
      dirtyServices.add(keyOf(metadata));
    },
    putSlice(service, slice) {
      const key = keyOf(slice.metadata);
      const known = slices.get(key);
      if (known?.service === service && isDeepStrictEqual(known.slice.body, slice.body)) return false;
      setSlice(key, { service, slice });
      return true;
    },
    removeSlice: (metadata) => setSlice(keyOf(metadata), null),
    changed(dependency) {
      for (const service of dependencies.dependents(dependency)) dirtySets.add(service);
    },
    takeChanges() {
      for (const service of moves?.due() ?? []) dirtySets.add(service);
      const changedServices = [...dirtyServices].flatMap(serviceChanges);
      const changedSets = [...dirtySets].flatMap(setChanges);
      dirtyServices.clear();
      dirtySets.clear();
      return [...changedServices, ...changedSets];
    },
    sizes: () => ({
      services: services.size,
      slices: slices.size,
      sliceLists: slicesOf.size,
      ...dependencies.sizes(),
      published: published.size,
      moving: moves?.size ?? 0,
    }),
  };
}

/** Reports whether a slice of the Service should have an endpoint of the Pod. */
function isExpected({ spec }: ServiceBody, endpoint: SliceEndpoint, pod: TranslatedPod | undefined): boolean {
  const selector = Object.entries(spec.selector ?? {});
  if (pod === undefined || selector.length === 0) return false;
  return (
    pod.addresses.includes(endpoint.addresses[0] ?? '') &&
    !pod.hasEnded &&
    (pod.isReady || spec.publishNotReadyAddresses === true) &&
    selector.every(([name, value]) => pod.labels[name] === value)
  );
}

/** Reports whether two states of a Service are equal as far as they are used. */
function areEqual(a: Read<ServiceBody>, b: Read<ServiceBody>, cluster: ClusterFacts): boolean {
  return (
    isDeepStrictEqual(a.body, b.body) && isDeepStrictEqual(translateService(a, cluster), translateService(b, cluster))
  );
}

const keyOf = ({ namespace, name }: Metadata): string => `${namespace}/${name}`;

/** Returns the Service of a slice, which a label names, as `namespace/name`; both are in the same namespace. */
export function serviceOfSlice({ namespace, labels }: Metadata): string | null {
  const name = labels['kubernetes.io/service-name'] ?? '';
  return name === '' ? null : `${namespace}/${name}`;
}
