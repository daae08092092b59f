import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import { err, ok, type Result } from '../../src/lib/result.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { ServiceBody, SliceBody } from './schema.ts';
import {
  type ClusterFacts,
  type Read,
  type ServiceParts,
  serviceHostname,
  translateEndpoints,
  translateService,
} from './translate.ts';

type Metadata = RawObject['metadata'];

/** Services joined with their EndpointSlices and Pods. */
export interface ServiceIndex {
  putService(service: Read<ServiceBody>): void;
  removeService(metadata: Metadata): void;
  putSlice(slice: Read<SliceBody>): Result<'accepted', string>;
  removeSlice(metadata: Metadata): void;
  /** Marks services for translation after labels or addresses of one of their Pods changed. */
  podChanged(namespace: string, addresses: readonly string[]): void;
  nodeChanged(name: string): void;
  takeChanges(): readonly ShardChange[];
}

export function createServiceIndex(
  cluster: ClusterFacts,
  { podOf, localityOf }: Pick<ServiceParts, 'podOf' | 'localityOf'>,
): ServiceIndex {
  const services = new Map<string, Read<ServiceBody>>();
  const slices = new Map<string, Read<SliceBody>>();
  /** Names of slices by service. */
  const slicesOf = new Map<string, Set<string>>();
  /** Services by the objects that their endpoints depend on: `ip/<address>`, `node/<name>`; and the other way round. */
  const dependents = new Map<string, Set<string>>();
  const dependencies = new Map<string, ReadonlySet<string>>();
  const published = new Map<string, Metadata>();
  const dirtyServices = new Set<string>();
  const dirtySets = new Set<string>();

  function removeSlice(metadata: Metadata): void {
    const key = keyOf(metadata);
    const known = slices.get(key);
    const service = known === undefined ? null : serviceOf(known);
    slices.delete(key);
    if (service === null) return;
    removeFrom(slicesOf, service, key);
    dirtySets.add(service);
  }

  function mark(dependency: string): void {
    for (const service of dependents.get(dependency) ?? []) dirtySets.add(service);
  }

  function noteDependencies(service: string, parts: readonly Read<SliceBody>[]): void {
    const next = new Set(parts.flatMap(({ body }) => (body.endpoints ?? []).flatMap(joinedWith)));
    const before = dependencies.get(service) ?? new Set<string>();
    for (const dependency of before) if (!next.has(dependency)) removeFrom(dependents, dependency, service);
    for (const dependency of next) if (!before.has(dependency)) addTo(dependents, dependency, service);
    if (next.size === 0) dependencies.delete(service);
    else dependencies.set(service, next);
  }

  function serviceChanges(key: string): readonly ShardChange[] {
    const service = services.get(key);
    const known = published.get(key);
    if (service !== undefined) {
      published.set(key, service.metadata);
      dirtySets.add(key); // an ExternalName's endpoint is in the Service itself
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
      noteDependencies(key, []);
      return [];
    }
    const parts = [...(slicesOf.get(key) ?? [])].flatMap((slice) => slices.get(slice) ?? []);
    noteDependencies(key, parts);
    return [{ type: 'endpoints', set: translateEndpoints({ service, slices: parts, podOf, localityOf }, cluster) }];
  }

  return {
    putService(service) {
      services.set(keyOf(service.metadata), service);
      dirtyServices.add(keyOf(service.metadata));
    },
    removeService(metadata) {
      services.delete(keyOf(metadata));
      dirtyServices.add(keyOf(metadata));
    },
    putSlice(slice) {
      const service = serviceOf(slice);
      if (service === null)
        return err('metadata.labels: needs kubernetes.io/service-name with the name of its Service');
      removeSlice(slice.metadata);
      slices.set(keyOf(slice.metadata), slice);
      addTo(slicesOf, service, keyOf(slice.metadata));
      dirtySets.add(service);
      return ok('accepted');
    },
    removeSlice,
    podChanged: (_namespace, addresses) => {
      for (const address of addresses) mark(`ip/${address}`);
    },
    nodeChanged: (name) => mark(`node/${name}`),
    takeChanges() {
      const changedServices = [...dirtyServices].flatMap(serviceChanges);
      const changedSets = [...dirtySets].flatMap(setChanges);
      dirtyServices.clear();
      dirtySets.clear();
      return [...changedServices, ...changedSets];
    },
  };
}

/** Dependencies of an endpoint: the Pods and the Node that it is joined with. */
const joinedWith = ({ addresses, nodeName }: NonNullable<SliceBody['endpoints']>[number]): readonly string[] => [
  ...addresses.map((address) => `ip/${address}`),
  ...(nodeName ? [`node/${nodeName}`] : []),
];

function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

function removeFrom(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}

const keyOf = ({ namespace, name }: Metadata): string => `${namespace}/${name}`;

/** Returns the Service of a slice, which a label names; both are in the same namespace. */
const serviceOf = ({ metadata }: Read<SliceBody>): string | null => {
  const name = metadata.labels['kubernetes.io/service-name'];
  return name === undefined || name === '' ? null : `${metadata.namespace}/${name}`;
};
