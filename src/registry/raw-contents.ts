import type { ShardContents } from '../adapter-contract/adapter.ts';
import { canonicalAddress } from '../lib/ip.ts';
import type { Workload } from '../model/endpoint.ts';
import type { RawObject } from '../model/object.ts';
import type { RawChange } from './contract.ts';
import { equalValues, sameElements } from './equal.ts';

/** Contents of a shard that are passed on unmerged: workloads and configuration objects. */
export interface RawContents {
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly objects: ReadonlyMap<string, RawObject>;
  putWorkload(workload: Workload): void;
  removeWorkload(namespace: string, name: string): void;
  putObject(object: RawObject): void;
  removeObject(kind: string, namespace: string, name: string): void;
  /** Removes what is not listed and puts what is. */
  replace(contents: Pick<ShardContents, 'workloads' | 'objects'>): void;
}

/** Creates empty contents. `changed` is called with each actual change; `id` is unique within the shard. */
export function createRawContents(
  { shard, isSelfRegistered }: { readonly shard: string; readonly isSelfRegistered: boolean },
  changed: (id: string, change: RawChange) => void,
): RawContents {
  const workloads = new Map<string, Workload>();
  const objects = new Map<string, RawObject>();

  function putWorkload(given: Workload): void {
    const addresses = given.addresses.map(canonicalAddress);
    const workload = sameElements(addresses, given.addresses) ? given : { ...given, addresses };
    const id = workloadId(workload.namespace, workload.name);
    if (equalValues(workloads.get(id), workload)) return;
    workloads.set(id, workload);
    changed(id, { type: 'workload', adapter: shard, workload, isSelfRegistered });
  }

  function removeWorkload(namespace: string, workload: string): void {
    const id = workloadId(namespace, workload);
    if (!workloads.delete(id)) return;
    changed(id, { type: 'workload-removed', adapter: shard, namespace, name: workload });
  }

  function putObject(object: RawObject): void {
    const id = objectId(object.kind, object.metadata.namespace, object.metadata.name);
    if (equalValues(objects.get(id), object)) return;
    objects.set(id, object);
    changed(id, { type: 'object', adapter: shard, object });
  }

  function removeObject(kind: string, namespace: string, object: string): void {
    const id = objectId(kind, namespace, object);
    if (!objects.delete(id)) return;
    changed(id, { type: 'object-removed', adapter: shard, kind, namespace, name: object });
  }

  function replace(contents: Pick<ShardContents, 'workloads' | 'objects'>): void {
    const listedWorkloads = new Set(contents.workloads.map(({ namespace, name }) => workloadId(namespace, name)));
    const listedObjects = new Set(
      contents.objects.map(({ kind, metadata }) => objectId(kind, metadata.namespace, metadata.name)),
    );
    for (const [id, { namespace, name }] of workloads) if (!listedWorkloads.has(id)) removeWorkload(namespace, name);
    for (const [id, { kind, metadata }] of objects) {
      if (!listedObjects.has(id)) removeObject(kind, metadata.namespace, metadata.name);
    }
    for (const workload of contents.workloads) putWorkload(workload);
    for (const object of contents.objects) putObject(object);
  }

  return { workloads, objects, putWorkload, removeWorkload, putObject, removeObject, replace };
}

/** Builds a key that is stored per workload. `join` makes one flat string; a template would retain its parts. */
const workloadId = (namespace: string, name: string): string => ['workload', namespace, name].join('/');

const objectId = (kind: string, namespace: string, name: string): string => `${kind}/${namespace}/${name}`;
