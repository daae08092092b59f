import type { Instance, InstanceKey, InstancePort, RegisteredService } from './contract.ts';

/** Number of siblings searched for equal values: most services have only a few kinds of instances. */
const siblingsAsked = 8;

/** Stored instance without its lease, which is not in the journal. */
export type StoredInstance = Omit<Instance, 'expiresAtMs'>;

/** Line of the journal: operations that are applied together. */
export type Operation =
  | { readonly op: 'put'; readonly instance: StoredInstance }
  | { readonly op: 'delete'; readonly key: InstanceKey; readonly atMs: number }
  /** Written only by compaction: the ports and age of a service without instances. */
  | { readonly op: 'service'; readonly service: ServiceRecord }
  | { readonly op: 'forget'; readonly namespace: string; readonly host: string };

/** A service as the journal keeps it: with the last known ports and addresses if it has no instances. */
export interface ServiceRecord extends Omit<RegisteredService, 'instances'> {
  /** Time when the last instance was removed; null while it has instances. */
  readonly emptySinceMs: number | null;
  /** True if all its instances go into other registries, whose adapters then define it. Absent: false. */
  readonly isElsewhere?: true;
}

/** Services and instances in memory. Equal operations in equal order give equal state. */
export interface InstanceTable {
  apply(operation: Operation): void;
  get(key: InstanceKey): StoredInstance | undefined;
  /** Returns the instances of a service, ordered by id. */
  of(namespace: string, host: string): readonly StoredInstance[];
  all(): IterableIterator<StoredInstance>;
  size(): number;
  service(namespace: string, host: string): ServiceRecord | undefined;
  services(): IterableIterator<ServiceRecord>;
}

export function createInstanceTable(): InstanceTable {
  const services = new Map<string, ServiceRecord>();
  const byService = new Map<string, Map<string, StoredInstance>>();
  /** Services whose ports must be recomputed: once per request, regardless of its number of instances. */
  const unsettled = new Set<string>();
  let size = 0;

  function settle(name: string): void {
    if (!unsettled.delete(name)) return;
    const service = services.get(name);
    const siblings = byService.get(name);
    if (service === undefined || siblings === undefined) return;
    const { vips: _, isElsewhere: __, ...rest } = service;
    const own = [...siblings.values()].filter(({ registry }) => registry === undefined);
    const defining = own.length > 0 ? own : [...siblings.values()];
    const vips = vipsOf(defining);
    services.set(name, {
      ...rest,
      ports: portsOf(defining),
      ...(vips.length === 0 ? {} : { vips }),
      ...(own.length === 0 ? { isElsewhere: true } : {}),
    });
  }

  function put(instance: StoredInstance): void {
    const { namespace, host } = instance;
    const name = serviceName(namespace, host);
    const siblings = byService.get(name) ?? new Map<string, StoredInstance>();
    byService.set(name, siblings);
    if (!siblings.has(instance.id)) size += 1;
    // The first registration determines the age, even if two writes of a new id overlap.
    siblings.set(instance.id, {
      ...sharing(instance, siblings.values().take(siblingsAsked).toArray()),
      registeredAtMs: siblings.get(instance.id)?.registeredAtMs ?? instance.registeredAtMs,
    });
    const { createdAtMs = instance.registeredAtMs, ports = [], ...known } = services.get(name) ?? {};
    services.set(name, { ...known, namespace, host, createdAtMs, ports, emptySinceMs: null });
    unsettled.add(name);
  }

  function remove({ namespace, host, id }: InstanceKey, atMs: number): void {
    const name = serviceName(namespace, host);
    const siblings = byService.get(name);
    if (siblings === undefined || !siblings.has(id)) return;
    if (siblings.size === 1) settle(name); // the ports of the last instance stay
    siblings.delete(id);
    size -= 1;
    const service = services.get(name);
    if (siblings.size > 0) unsettled.add(name);
    else {
      byService.delete(name);
      if (service !== undefined) services.set(name, { ...service, emptySinceMs: atMs });
    }
  }

  function forget(name: string): void {
    size -= byService.get(name)?.size ?? 0;
    for (const kept of [services, byService, unsettled]) kept.delete(name);
  }

  return {
    apply(operation) {
      switch (operation.op) {
        case 'put':
          put(operation.instance);
          break;
        case 'delete':
          remove(operation.key, operation.atMs);
          break;
        case 'service':
          services.set(serviceName(operation.service.namespace, operation.service.host), operation.service);
          break;
        case 'forget':
          forget(serviceName(operation.namespace, operation.host));
          break;
        default:
          break; // unknown operations of a later release are skipped
      }
    },
    get: ({ namespace, host, id }) => byService.get(serviceName(namespace, host))?.get(id),
    of: (namespace, host) =>
      [...(byService.get(serviceName(namespace, host))?.values() ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1)),
    *all() {
      for (const siblings of byService.values()) yield* siblings.values();
    },
    size: () => size,
    service(namespace, host) {
      settle(serviceName(namespace, host));
      return services.get(serviceName(namespace, host));
    },
    services() {
      for (const name of unsettled) settle(name);
      return services.values();
    },
  };
}

export const serviceName = (namespace: string, host: string): string => `${namespace}/${host}`;

/** Reuses equal values of siblings, so that the instances of a service share them in memory. */
function sharing(instance: StoredInstance, siblings: readonly StoredInstance[]): StoredInstance {
  const shared = <Field extends keyof StoredInstance>(field: Field): StoredInstance[Field] => {
    const text = JSON.stringify(instance[field]); // the order of labels matters: they are shown as given
    return (siblings.find((sibling) => JSON.stringify(sibling[field]) === text) ?? instance)[field];
  };
  return {
    ...instance,
    namespace: shared('namespace'),
    host: shared('host'),
    ports: shared('ports'),
    labels: shared('labels'),
    locality: shared('locality'),
    ...(instance.vips === undefined ? {} : { vips: shared('vips') ?? instance.vips }),
  };
}

/** Lists each port name once, as the oldest instance with it defines it. */
function portsOf(instances: Iterable<StoredInstance>): readonly InstancePort[] {
  const ports = new Map<string, InstancePort>();
  const oldestFirst = [...instances].sort((a, b) => a.registeredAtMs - b.registeredAtMs || (a.id < b.id ? -1 : 1));
  const numbers = new Set<number>();
  for (const port of oldestFirst.flatMap((instance) => instance.ports)) {
    const number = port.servicePort ?? port.port;
    if (ports.has(port.name) || numbers.has(number)) continue;
    ports.set(port.name, { ...port, servicePort: number });
    numbers.add(number);
  }
  return [...ports.values()];
}

/** Lists virtual addresses in a stable order, independent of the instances that named them. */
const vipsOf = (instances: Iterable<StoredInstance>): readonly string[] => {
  const vips = new Set<string>();
  for (const instance of instances) for (const vip of instance.vips ?? []) vips.add(vip);
  return [...vips].sort();
};

/** Renders a service for the API. */
export const describeService = (record: ServiceRecord, instances: number): RegisteredService => ({
  namespace: record.namespace,
  host: record.host,
  createdAtMs: record.createdAtMs,
  ports: record.ports,
  ...(record.vips === undefined ? {} : { vips: record.vips }),
  instances,
});
