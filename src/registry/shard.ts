import type { ShardChange, ShardContents } from '../adapter-contract/adapter.ts';
import { assertNever } from '../lib/assert-never.ts';
import { canonicalAddress } from '../lib/ip.ts';
import type { EndpointSet, Workload } from '../model/endpoint.ts';
import { hostname, type ServiceKey, serviceKey } from '../model/names.ts';
import type { RawObject } from '../model/object.ts';
import type { Service } from '../model/service.ts';
import type { RawChange } from './contract.ts';
import { equalValues, sameElements } from './equal.ts';
import { normaliseSet, servableService, serviceFault } from './normalise.ts';

/** Called with each actual change of a shard, while it is applied. */
export interface ShardListener {
  serviceChanged(key: ServiceKey): void;
  endpointsChanged(key: ServiceKey): void;
  /** Called with a changed object or workload; `id` is unique within the shard. */
  rawChanged(id: string, change: RawChange): void;
  refused(origin: string, message: string): void;
  accepted(origin: string): void;
}

/** Contents of one shard. Equal values keep their identity and are not reported. */
export interface Shard {
  readonly name: string;
  /** True for self-registered instances, which yield to definitions of other shards. */
  readonly isGuest: boolean;
  readonly services: ReadonlyMap<ServiceKey, Service>;
  readonly sets: ReadonlyMap<ServiceKey, EndpointSet>;
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly objects: ReadonlyMap<string, RawObject>;
  apply(change: ShardChange): void;
  replace(contents: ShardContents): void;
}

export function createShard(name: string, listener: ShardListener, isGuest = false): Shard {
  const services = new Map<ServiceKey, Service>();
  const sets = new Map<ServiceKey, EndpointSet>();
  const workloads = new Map<string, Workload>();
  const objects = new Map<string, RawObject>();

  function putService(given: Service): void {
    const key = serviceKey(given.namespace, given.hostname);
    const refuse = (message: string) => listener.refused(`service ${key}`, `${given.hostname} ${message}`);
    listener.accepted(`service ${key}`); // an earlier rejection is withdrawn
    const fault = serviceFault(given);
    if (fault !== null) {
      refuse(`${fault}; the service stays as it was`);
      return;
    }
    const service = servableService(given, refuse);
    const known = services.get(key);
    if (known !== undefined && equalValues(known, service)) return;
    services.set(key, service);
    listener.serviceChanged(key);
  }

  function removeService(key: ServiceKey): void {
    listener.accepted(`service ${key}`);
    removeSet(key);
    if (services.delete(key)) listener.serviceChanged(key);
  }

  function putSet(set: EndpointSet): void {
    const key = serviceKey(set.namespace, set.hostname);
    const known = sets.get(key);
    listener.accepted(`endpoints ${key}`);
    const next = normaliseSet(set, known, (message) => listener.refused(`endpoints ${key}`, message));
    if (next === known) return;
    sets.set(key, next);
    listener.endpointsChanged(key);
  }

  function removeSet(key: ServiceKey): void {
    listener.accepted(`endpoints ${key}`);
    if (sets.delete(key)) listener.endpointsChanged(key);
  }

  function putWorkload(given: Workload): void {
    const addresses = given.addresses.map(canonicalAddress);
    const workload = sameElements(addresses, given.addresses) ? given : { ...given, addresses };
    const id = workloadId(workload.namespace, workload.name);
    if (equalValues(workloads.get(id), workload)) return;
    workloads.set(id, workload);
    listener.rawChanged(id, { type: 'workload', adapter: name, workload, isGuest });
  }

  function removeWorkload(namespace: string, workload: string): void {
    const id = workloadId(namespace, workload);
    if (!workloads.delete(id)) return;
    listener.rawChanged(id, { type: 'workload-removed', adapter: name, namespace, name: workload });
  }

  function putObject(object: RawObject): void {
    const id = objectId(object.kind, object.metadata.namespace, object.metadata.name);
    if (equalValues(objects.get(id), object)) return;
    objects.set(id, object);
    listener.rawChanged(id, { type: 'object', adapter: name, object });
  }

  function removeObject(kind: string, namespace: string, object: string): void {
    const id = objectId(kind, namespace, object);
    if (!objects.delete(id)) return;
    listener.rawChanged(id, { type: 'object-removed', adapter: name, kind, namespace, name: object });
  }

  function apply(change: ShardChange): void {
    switch (change.type) {
      case 'service':
        putService(change.service);
        break;
      case 'service-removed':
        removeService(serviceKey(change.namespace, hostname(change.hostname)));
        break;
      case 'endpoints':
        putSet(change.set);
        break;
      case 'workload':
        putWorkload(change.workload);
        break;
      case 'workload-removed':
        removeWorkload(change.namespace, change.name);
        break;
      case 'object':
        putObject(change.object);
        break;
      case 'object-removed':
        removeObject(change.kind, change.namespace, change.name);
        break;
      default:
        assertNever(change);
    }
  }

  function replace(contents: ShardContents): void {
    const listed = idsOf(contents);
    for (const key of services.keys()) if (!listed.services.has(key)) removeService(key);
    for (const key of sets.keys()) if (!listed.sets.has(key)) removeSet(key);
    for (const [id, { namespace, name: workload }] of workloads) {
      if (!listed.workloads.has(id)) removeWorkload(namespace, workload);
    }
    for (const [id, { kind, metadata }] of objects) {
      if (!listed.objects.has(id)) removeObject(kind, metadata.namespace, metadata.name);
    }
    for (const service of contents.services) putService(service);
    for (const set of contents.endpoints) putSet(set);
    for (const workload of contents.workloads) putWorkload(workload);
    for (const object of contents.objects) putObject(object);
  }

  return { name, isGuest, services, sets, workloads, objects, apply, replace };
}

/** Builds a key that is stored per workload. `join` makes one flat string; a template would retain its parts. */
const workloadId = (namespace: string, name: string): string => ['workload', namespace, name].join('/');

const objectId = (kind: string, namespace: string, name: string): string => `${kind}/${namespace}/${name}`;

function idsOf(contents: ShardContents) {
  return {
    services: new Set(contents.services.map((service) => serviceKey(service.namespace, service.hostname))),
    sets: new Set(contents.endpoints.map((set) => serviceKey(set.namespace, set.hostname))),
    workloads: new Set(contents.workloads.map((workload) => workloadId(workload.namespace, workload.name))),
    objects: new Set(contents.objects.map(({ kind, metadata }) => objectId(kind, metadata.namespace, metadata.name))),
  };
}
