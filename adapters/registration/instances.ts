import type { Instance, InstanceKey, InstancePort, RegisteredService } from '../../src/platform/registration.ts';

/** So many siblings are asked whether they say the same: most services have a few kinds of instances at most. */
const siblingsAsked = 8;

/** An instance as it is kept: its lease is time's, not the journal's. */
export type StandingInstance = Omit<Instance, 'expiresAtMs'>;

/** One line of the journal: operations that hold together. */
export type Operation =
  | { readonly op: 'put'; readonly instance: StandingInstance }
  | { readonly op: 'delete'; readonly key: InstanceKey; readonly atMs: number }
  /** Written by compaction only: what is left of a service without instances, and when it began. */
  | { readonly op: 'service'; readonly service: ServiceRecord }
  | { readonly op: 'forget'; readonly namespace: string; readonly host: string };

export interface ServiceRecord {
  readonly namespace: string;
  readonly host: string;
  readonly createdAtMs: number;
  /** As its instances last had them; they stay when the last instance goes. */
  readonly ports: readonly InstancePort[];
  /** Those of its instances, likewise. Absent: none. */
  readonly vips?: readonly string[];
  /** Null while it has instances. */
  readonly emptySinceMs: number | null;
}

/** Services and their instances in memory; the same operations in the same order give the same state. */
export interface InstanceTable {
  apply(operation: Operation): void;
  get(key: InstanceKey): StandingInstance | undefined;
  /** By id, in order. */
  of(namespace: string, host: string): readonly StandingInstance[];
  all(): IterableIterator<StandingInstance>;
  size(): number;
  service(namespace: string, host: string): ServiceRecord | undefined;
  services(): IterableIterator<ServiceRecord>;
}

export function createInstanceTable(): InstanceTable {
  const services = new Map<string, ServiceRecord>();
  const byService = new Map<string, Map<string, StandingInstance>>();
  /** Services whose ports are to be read from their instances again: once, however many came in one request. */
  const unsettled = new Set<string>();
  let size = 0;

  function settle(name: string): void {
    if (!unsettled.delete(name)) return;
    const service = services.get(name);
    const siblings = byService.get(name);
    if (service === undefined || siblings === undefined) return;
    const { vips: _, ...rest } = service;
    const vips = vipsOf(siblings.values());
    services.set(name, { ...rest, ports: portsOf(siblings.values()), ...(vips.length === 0 ? {} : { vips }) });
  }

  function put(instance: StandingInstance): void {
    const { namespace, host } = instance;
    const name = serviceName(namespace, host);
    const siblings = byService.get(name) ?? new Map<string, StandingInstance>();
    byService.set(name, siblings);
    if (!siblings.has(instance.id)) size += 1;
    // the first registration counts as its age, also when two writes of a new id cross
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
    if (siblings.size === 1) settle(name); // the ports of the last one stay
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
          break; // a later release's operation: what this one knows still counts
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

/** The instance with the values of its siblings where they say the same: what a service's instances have alike is kept once. */
function sharing(instance: StandingInstance, siblings: readonly StandingInstance[]): StandingInstance {
  const shared = <Field extends keyof StandingInstance>(field: Field): StandingInstance[Field] => {
    const text = JSON.stringify(instance[field]); // the order of labels counts: they are shown as they came
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

/** Each port name once, as the oldest instance that has it gives it. */
function portsOf(instances: Iterable<StandingInstance>): readonly InstancePort[] {
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

/** In a stable order: which instance told of one makes no difference. */
const vipsOf = (instances: Iterable<StandingInstance>): readonly string[] => {
  const vips = new Set<string>();
  for (const instance of instances) for (const vip of instance.vips ?? []) vips.add(vip);
  return [...vips].sort();
};

/** A service as the API shows it. */
export const describeService = (record: ServiceRecord, instances: number): RegisteredService => ({
  namespace: record.namespace,
  host: record.host,
  createdAtMs: record.createdAtMs,
  ports: record.ports,
  ...(record.vips === undefined ? {} : { vips: record.vips }),
  instances,
});
