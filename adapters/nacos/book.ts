import { type NacosInstance, readNacosInstance, type ServiceInfo } from './messages.ts';
import { isCallableName, type NacosService, nameKey } from './names.ts';
import { instanceId } from './translate.ts';

/** One service as it is to be served. */
export interface BookEntry {
  readonly name: NacosService;
  /** Instances, including those that are kept for a while after a connection. */
  readonly instances: readonly NacosInstance[];
  /** Reasons why instances were left out. */
  readonly faults: readonly string[];
}

/** Result of a list of instances. */
export type Receipt =
  /** `hasReturned`: an instance is back with the weight or flag that operators gave it before. */
  | { readonly type: 'applied'; readonly hasReturned: boolean }
  /** A newer one was received before, or the service is not followed. */
  | { readonly type: 'outdated' }
  /** It has far fewer instances than the last one: another server has to confirm it with `confirm`. */
  | { readonly type: 'unconfirmed' };

export interface NamespaceBookOptions {
  readonly namespace: string;
  /** Time for which a service that is no longer listed stays, without instances. */
  readonly keepEmptyMs: number;
  /** Share of its last instances, 0 to 1, below which a list is not believed. An empty one never is. */
  readonly protectThreshold: number;
}

/**
 * Services of one namespace. It decides what a list means: right after a connection, a server that was restarted lists
 * fewer instances than there are, because they register again one by one.
 */
export interface NamespaceBook {
  /** Notes a new connection. Until `settle`, instances and services that are missing are kept. */
  connected(): void;
  /** Ends the time after a connection: instances that are still missing are removed, or have to be confirmed. */
  settle(): void;
  /** Adds a service. Returns false if it is known or cannot be called. */
  add(name: NacosService): boolean;
  /**
   * Applies the complete list of a group's names at a time in milliseconds. Returns the new ones. Of a service that it
   * lacks, another server has to confirm that it has no instances. It is removed once lists have lacked it for
   * `keepEmptyMs`.
   */
  listed(group: string, names: readonly string[], nowMs: number): readonly NacosService[];
  received(name: NacosService, info: ServiceInfo, nowMs: number): Receipt;
  /**
   * Sets the instances that this program has just registered for a service. Each is served until a list has it: from then
   * on lists decide. With none, lists decide at once.
   */
  registered(name: NacosService, instances: readonly NacosInstance[]): void;
  /** Applies a list of another server. Returns false if it is no such loss as the one to confirm. */
  confirm(name: NacosService, info: ServiceInfo, nowMs: number): boolean;
  /** Returns the services whose losses have to be confirmed, each once. */
  takeUnconfirmed(): readonly NacosService[];
  has(name: NacosService): boolean;
  names(): readonly NacosService[];
  groups(): readonly string[];
  /** Returns the services that changed since the last call, by `nameKey`; null is a removed one. */
  takeChanges(): ReadonlyMap<string, BookEntry | null>;
}

interface FollowedService {
  readonly name: NacosService;
  instances: readonly NacosInstance[];
  /** Instances of the last list, without kept ones. */
  current: readonly NacosInstance[];
  faults: readonly string[];
  /** Instances that went lately, by id. */
  readonly gone: Map<string, GoneInstance>;
  /** Time of the last list; null before the first one of this connection. */
  refTime: number | null;
  isReceived: boolean;
  /** Time of the first list of names in a row that lacked it; null if the last one had it. */
  missingSinceMs: number | null;
}

interface GoneInstance {
  readonly instance: NacosInstance;
  readonly atMs: number;
}

interface UnlistedInstances {
  readonly name: NacosService;
  readonly instances: Map<string, NacosInstance>;
}

/** Time for which Nacos keeps the weight and flags that operators gave to an instance that is gone. */
const operatorsMs = 60_000;

export function createBook({ namespace, keepEmptyMs, protectThreshold }: NamespaceBookOptions): NamespaceBook {
  const followed = new Map<string, FollowedService>();
  /** Instances that this program has registered and no list has had since, by service and id. */
  const unlisted = new Map<string, UnlistedInstances>();
  const dirty = new Set<string>();
  const unconfirmed = new Map<string, NacosService>();
  let isSettling = false;

  function add(name: NacosService): boolean {
    if (!isCallableName(name)) return false;
    const known = followed.get(nameKey(name));
    if (known !== undefined) {
      known.missingSinceMs = null;
      return false;
    }
    const nothing = { instances: [], current: [], faults: [], gone: new Map() };
    followed.set(nameKey(name), { name, ...nothing, refTime: null, isReceived: false, missingSinceMs: null });
    return true;
  }

  function remove(key: string): void {
    followed.delete(key);
    dirty.add(key);
  }

  function missed(key: string, service: FollowedService, nowMs: number): void {
    service.missingSinceMs ??= nowMs;
    if (isSettling) return;
    if (service.instances.length > 0) unconfirmed.set(key, service.name);
    else if (nowMs - service.missingSinceMs >= keepEmptyMs) remove(key);
  }

  function apply(service: FollowedService, { hosts, lastRefTime }: ServiceInfo, nowMs: number): boolean {
    const { instances, faults } = readNacosInstances(hosts);
    const hasReturned = noteReturns(service, instances, nowMs);
    service.refTime = lastRefTime;
    service.isReceived = true;
    service.faults = faults;
    service.current = instances;
    for (const instance of instances) unlisted.get(nameKey(service.name))?.instances.delete(instanceId(instance));
    service.instances = isSettling ? withMissing(instances, service.instances) : instances;
    dirty.add(nameKey(service.name));
    return hasReturned;
  }

  /** Reports whether so few instances are left that the list may be that of a server which has only just started. */
  const isLoss = (former: number, now: number): boolean => former > 0 && (now === 0 || now < former * protectThreshold);

  return {
    connected() {
      isSettling = [...followed.values()].some(({ isReceived }) => isReceived);
      for (const service of followed.values()) service.refTime = null; // each server has a clock of its own
    },
    settle() {
      if (!isSettling) return;
      isSettling = false;
      for (const [key, service] of followed) {
        const { instances, current, missingSinceMs, refTime } = service;
        if (missingSinceMs === null && (instances === current || refTime === null)) continue;
        const left = missingSinceMs === null ? current.length : 0;
        if (isLoss(instances.length, left)) unconfirmed.set(key, service.name);
        else if (instances !== current) {
          service.instances = current;
          dirty.add(key);
        }
      }
    },
    add,
    listed(group, names, nowMs) {
      const present = new Set(names);
      for (const [key, service] of followed) {
        if (service.name.group === group && !present.has(service.name.name)) missed(key, service, nowMs);
      }
      return [...present].map((name) => ({ namespace, group, name })).filter(add);
    },
    received(name, info, nowMs) {
      const service = followed.get(nameKey(name));
      if (service === undefined || info.lastRefTime < (service.refTime ?? 0)) return { type: 'outdated' };
      if (!isSettling && isLoss(service.instances.length, info.hosts.length)) return { type: 'unconfirmed' };
      return { type: 'applied', hasReturned: apply(service, info, nowMs) };
    },
    registered(name, instances) {
      const key = nameKey(name);
      unlisted.set(key, { name, instances: new Map(instances.map((instance) => [instanceId(instance), instance])) });
      if (instances.length === 0) unlisted.delete(key);
      dirty.add(key);
    },
    confirm(name, info, nowMs) {
      const service = followed.get(nameKey(name));
      if (service === undefined) return true;
      const isConfirmed = isLoss(service.instances.length, info.hosts.length);
      apply(service, info, nowMs);
      return isConfirmed;
    },
    takeUnconfirmed() {
      const names = [...unconfirmed.values()];
      unconfirmed.clear();
      return names;
    },
    has: (name) => followed.has(nameKey(name)),
    names: () => [...followed.values()].map(({ name }) => name),
    groups: () => [...new Set([...followed.values()].map(({ name }) => name.group))],
    takeChanges() {
      const changes = new Map([...dirty].map((key) => [key, entryOf(followed.get(key), unlisted.get(key))] as const));
      dirty.clear();
      return changes;
    },
  };
}

function entryOf(service: FollowedService | undefined, registered: UnlistedInstances | undefined): BookEntry | null {
  const own = [...(registered?.instances.values() ?? [])];
  if (service !== undefined)
    return { name: service.name, instances: withMissing(service.instances, own), faults: service.faults };
  return registered === undefined || own.length === 0 ? null : { name: registered.name, instances: own, faults: [] };
}

function readNacosInstances(hosts: readonly unknown[]) {
  const instances = new Map<string, NacosInstance>();
  const faults: string[] = [];
  for (const [index, host] of hosts.entries()) {
    const read = readNacosInstance(host);
    if (read.ok) instances.set(instanceId(read.value), read.value);
    else faults.push(`instance ${index + 1} of its list: ${read.error}; it is left out`);
  }
  return { instances: [...instances.values()], faults };
}

/**
 * Notes which instances went. Reports whether one is back that went within a minute, with the weight or flag that it had:
 * Nacos keeps what operators set, so it may be true, or a list made before the server forgot it.
 */
function noteReturns({ gone, current }: FollowedService, listed: readonly NacosInstance[], nowMs: number): boolean {
  const [before, now] = [current, listed].map((list) => new Set(list.map(instanceId)));
  for (const [id, { atMs }] of gone) if (nowMs - atMs > operatorsMs) gone.delete(id);
  const hasReturned = listed.some((instance) => {
    const former = gone.get(instanceId(instance))?.instance;
    if (former === undefined || before?.has(instanceId(instance))) return false;
    const isUsual = instance.weight === 1 && instance.enabled;
    return !isUsual && former.weight === instance.weight && former.enabled === instance.enabled;
  });
  for (const id of now ?? []) gone.delete(id);
  for (const instance of current) {
    const id = instanceId(instance);
    if (now?.has(id) === false) gone.set(id, { instance, atMs: nowMs });
  }
  return hasReturned;
}

/** Adds the former instances that a list lacks. */
function withMissing(listed: readonly NacosInstance[], former: readonly NacosInstance[]): readonly NacosInstance[] {
  const present = new Set(listed.map(instanceId));
  const missing = former.filter((instance) => !present.has(instanceId(instance)));
  return missing.length === 0 ? listed : [...listed, ...missing];
}
