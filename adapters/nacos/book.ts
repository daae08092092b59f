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
  | { readonly type: 'applied' }
  /** A newer one was received before, or the service is not followed. */
  | { readonly type: 'outdated' }
  /** It is empty and the last one was not: another server has to confirm it with `confirm`. */
  | { readonly type: 'unconfirmed' };

/**
 * Services of one namespace. It decides what a list means: right after a connection, a server that was restarted lists
 * fewer instances than there are, because they register again one by one.
 */
export interface NamespaceBook {
  /** Notes a new connection. Until `settle`, instances and services that are missing are kept. */
  connected(): void;
  /** Ends the time after a connection: instances that are still missing are removed. */
  settle(): void;
  /** Adds a service. Returns false if it is known or cannot be called. */
  add(name: NacosService): boolean;
  /**
   * Applies the complete list of a group's names at a time in milliseconds. Returns the new ones. A service that it lacks
   * has no instances, and is removed once lists have lacked it for `keepEmptyMs`.
   */
  listed(group: string, names: readonly string[], nowMs: number): readonly NacosService[];
  received(name: NacosService, info: ServiceInfo): Receipt;
  /** Applies a list that another server confirmed. */
  confirm(name: NacosService, info: ServiceInfo): void;
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
  /** Time of the last list; null before the first one of this connection. */
  refTime: number | null;
  isReceived: boolean;
  /** Time of the first list of names in a row that lacked it; null if the last one had it. */
  missingSinceMs: number | null;
}

export function createBook(namespace: string, keepEmptyMs: number): NamespaceBook {
  const followed = new Map<string, FollowedService>();
  const dirty = new Set<string>();
  let isSettling = false;

  function add(name: NacosService): boolean {
    if (!isCallableName(name)) return false;
    const known = followed.get(nameKey(name));
    if (known !== undefined) {
      known.missingSinceMs = null;
      return false;
    }
    const nothing = { instances: [], current: [], faults: [] };
    followed.set(nameKey(name), { name, ...nothing, refTime: null, isReceived: false, missingSinceMs: null });
    return true;
  }

  function remove(key: string): void {
    followed.delete(key);
    dirty.add(key);
  }

  function empty(key: string, service: FollowedService): void {
    if (service.instances.length === 0) return;
    service.current = [];
    service.instances = [];
    dirty.add(key);
  }

  function missed(key: string, service: FollowedService, nowMs: number): void {
    service.missingSinceMs ??= nowMs;
    if (isSettling) return;
    if (nowMs - service.missingSinceMs >= keepEmptyMs) remove(key);
    else empty(key, service);
  }

  function apply(service: FollowedService, { hosts, lastRefTime }: ServiceInfo): void {
    const { instances, faults } = readNacosInstances(hosts);
    service.refTime = lastRefTime;
    service.isReceived = true;
    service.faults = faults;
    service.current = instances;
    service.instances = isSettling ? withMissing(instances, service.instances) : instances;
    dirty.add(nameKey(service.name));
  }

  return {
    connected() {
      isSettling = [...followed.values()].some(({ isReceived }) => isReceived);
      for (const service of followed.values()) service.refTime = null; // each server has a clock of its own
    },
    settle() {
      if (!isSettling) return;
      isSettling = false;
      for (const [key, service] of followed) {
        if (service.missingSinceMs !== null) empty(key, service);
        else if (service.instances !== service.current && service.refTime !== null) {
          service.instances = service.current;
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
    received(name, info) {
      const service = followed.get(nameKey(name));
      if (service === undefined || info.lastRefTime < (service.refTime ?? 0)) return { type: 'outdated' };
      const isEmptied = info.hosts.length === 0 && service.current.length > 0;
      if (isEmptied && !isSettling) return { type: 'unconfirmed' };
      apply(service, info);
      return { type: 'applied' };
    },
    confirm(name, info) {
      const service = followed.get(nameKey(name));
      if (service !== undefined) apply(service, info);
    },
    names: () => [...followed.values()].map(({ name }) => name),
    groups: () => [...new Set([...followed.values()].map(({ name }) => name.group))],
    takeChanges() {
      const changes = new Map([...dirty].map((key) => [key, entryOf(followed.get(key))] as const));
      dirty.clear();
      return changes;
    },
  };
}

const entryOf = (service: FollowedService | undefined): BookEntry | null =>
  service === undefined ? null : { name: service.name, instances: service.instances, faults: service.faults };

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

/** Adds the former instances that a list lacks. */
function withMissing(listed: readonly NacosInstance[], former: readonly NacosInstance[]): readonly NacosInstance[] {
  const present = new Set(listed.map(instanceId));
  const missing = former.filter((instance) => !present.has(instanceId(instance)));
  return missing.length === 0 ? listed : [...listed, ...missing];
}
