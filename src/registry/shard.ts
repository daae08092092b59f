import type { ShardChange, ShardContents } from '../adapter-contract/adapter.ts';
import { assertNever } from '../lib/assert-never.ts';
import type { EndpointSet, Workload } from '../model/endpoint.ts';
import { hostname, type ServiceKey, serviceKey } from '../model/names.ts';
import type { RawObject } from '../model/object.ts';
import type { Service } from '../model/service.ts';
import type { RawChange } from './contract.ts';
import { equalValues } from './equal.ts';
import { normaliseSet, servableService, serviceFault } from './normalise.ts';
import { createRawContents } from './raw-contents.ts';

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
  readonly isSelfRegistered: boolean;
  /** Position of its adapter: shards of a lower one have precedence. */
  readonly order: number;
  readonly services: ReadonlyMap<ServiceKey, Service>;
  readonly sets: ReadonlyMap<ServiceKey, EndpointSet>;
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly objects: ReadonlyMap<string, RawObject>;
  apply(change: ShardChange): void;
  replace(contents: ShardContents): void;
}

export type ShardIdentity = Pick<Shard, 'name' | 'isSelfRegistered' | 'order'>;

export function createShard({ name, isSelfRegistered, order }: ShardIdentity, listener: ShardListener): Shard {
  const services = new Map<ServiceKey, Service>();
  const sets = new Map<ServiceKey, EndpointSet>();
  const raw = createRawContents({ shard: name, isSelfRegistered }, (id, change) => listener.rawChanged(id, change));

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
        raw.putWorkload(change.workload);
        break;
      case 'workload-removed':
        raw.removeWorkload(change.namespace, change.name);
        break;
      case 'object':
        raw.putObject(change.object);
        break;
      case 'object-removed':
        raw.removeObject(change.kind, change.namespace, change.name);
        break;
      default:
        assertNever(change);
    }
  }

  function replace(contents: ShardContents): void {
    const listed = idsOf(contents);
    for (const key of services.keys()) if (!listed.services.has(key)) removeService(key);
    for (const key of sets.keys()) if (!listed.sets.has(key)) removeSet(key);
    for (const service of contents.services) putService(service);
    for (const set of contents.endpoints) putSet(set);
    raw.replace(contents);
  }

  const { workloads, objects } = raw;
  return { name, isSelfRegistered, order, services, sets, workloads, objects, apply, replace };
}

function idsOf(contents: ShardContents) {
  return {
    services: new Set(contents.services.map((service) => serviceKey(service.namespace, service.hostname))),
    sets: new Set(contents.endpoints.map((set) => serviceKey(set.namespace, set.hostname))),
  };
}
