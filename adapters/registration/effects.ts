import type { ShardChange, ShardContents } from '../../src/adapter-contract/adapter.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Instance, InstanceKey, RegistrationEvent } from './contract.ts';
import { createInstanceTable, type InstanceTable, type Operation, type StoredInstance } from './instances.ts';
import { createLeases } from './leases.ts';
import { type PortNumbers, translateInstances, translateRecord, translateWorkload, workloadName } from './translate.ts';

/** Effects of persisted operations on the table, the leases, the watchers and the shard. */
export interface Effects {
  readonly table: InstanceTable;
  apply(operations: readonly Operation[], reason?: 'deleted' | 'expired'): void;
  /** Applies operations of an earlier run without events; each instance gets a full lease. */
  restore(operations: readonly Operation[]): void;
  /** Renews a lease; returns null if the instance is not registered. */
  renew(key: InstanceKey): Instance | null;
  withLease(stored: StoredInstance): Instance;
  watch(listener: (event: RegistrationEvent) => void): () => void;
  /** Returns operations that lead to the current state. */
  snapshot(): readonly Operation[];
  contents(): ShardContents;
  close(): void;
}

export interface EffectsOptions {
  readonly clock: Clock;
  readonly changed: (changes: readonly ShardChange[]) => void;
  readonly expired: (keys: readonly InstanceKey[]) => void;
}

export function createEffects({ clock, changed, expired }: EffectsOptions): Effects {
  const table = createInstanceTable();
  const leases = createLeases<StoredInstance>(clock, endLeases);
  const numbers: PortNumbers = new WeakMap();
  const watchers = new Set<(event: RegistrationEvent) => void>();

  const notify = (event: RegistrationEvent) => {
    for (const watcher of watchers) watcher(event);
  };

  const withLease = (stored: StoredInstance): Instance => ({
    ...stored,
    expiresAtMs: leases.expiresAtMs(stored) ?? clock.now(),
  });

  /**
   * Ends leases. The lease of an instance that was forgotten with its service must not end a later one of the same id.
   */
  function endLeases(holders: readonly StoredInstance[]): void {
    const keys = holders.filter((holder) => (table.get(holder) ?? holder) === holder);
    if (keys.length > 0) expired(keys);
  }

  function renewed(stored: StoredInstance): Instance {
    leases.renew(stored, clock.now() + stored.ttlSeconds * 1_000);
    return withLease(stored);
  }

  /** Applies an operation to the table and the leases, and reports it to watchers. */
  function applyOne(operation: Operation, reason: 'deleted' | 'expired'): readonly ShardChange[] {
    const former = instancesOf(operation);
    table.apply(operation);
    for (const instance of former) leases.drop(instance);
    if (operation.op === 'put') {
      const stored = table.get(operation.instance) ?? operation.instance;
      notify({ type: 'put', instance: renewed(stored) });
      return [{ type: 'workload', workload: translateWorkload(stored) }];
    }
    return former.map(({ namespace, host, id }) => {
      const key = { namespace, host, id };
      notify({ type: 'delete', key, reason });
      return { type: 'workload-removed', namespace, name: workloadName(key) };
    });
  }

  /** Returns the instances that an operation replaces or removes. */
  function instancesOf(operation: Operation): readonly StoredInstance[] {
    if (operation.op === 'forget') return table.of(operation.namespace, operation.host);
    const key = operation.op === 'put' ? operation.instance : operation.op === 'delete' ? operation.key : null;
    const instance = key === null ? undefined : table.get(key);
    return instance === undefined ? [] : [instance];
  }

  function serviceChanges({ namespace, host }: ServiceName): readonly ShardChange[] {
    const record = table.service(namespace, host);
    if (record === undefined || record.isElsewhere) return [{ type: 'service-removed', namespace, hostname: host }];
    const set = translateInstances(record, table.of(namespace, host), numbers);
    return [
      { type: 'service', service: translateRecord(record) },
      { type: 'endpoints', set },
    ];
  }

  /** Returns the services that no other adapter's registry has. */
  const ownServices = () => [...table.services()].filter(({ isElsewhere }) => !isElsewhere);

  return {
    table,
    renew(key) {
      const stored = table.get(key);
      return stored === undefined ? null : renewed(stored);
    },
    withLease,
    apply(operations, reason = 'deleted') {
      const touched = new Map<string, ServiceName>();
      const changes: ShardChange[] = [];
      for (const operation of operations) {
        const service = serviceOf(operation);
        touched.set(`${service.namespace}/${service.host}`, service);
        changes.push(...applyOne(operation, reason));
      }
      changed([...changes, ...[...touched.values()].flatMap(serviceChanges)]);
    },
    restore(operations) {
      for (const operation of operations) table.apply(operation);
      for (const stored of table.all()) renewed(stored);
    },
    watch(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    snapshot: () => [
      ...[...table.services()].map((service) => ({ op: 'service', service }) as const),
      ...[...table.all()].map((instance) => ({ op: 'put', instance }) as const),
    ],
    contents: () => ({
      services: ownServices().map(translateRecord),
      endpoints: ownServices().map((record) =>
        translateInstances(record, table.of(record.namespace, record.host), numbers),
      ),
      workloads: [...table.all()].map(translateWorkload),
      objects: [],
    }),
    close: leases.close,
  };
}

interface ServiceName {
  readonly namespace: string;
  readonly host: string;
}

function serviceOf(operation: Operation): ServiceName {
  if (operation.op === 'put') return operation.instance;
  if (operation.op === 'delete') return operation.key;
  return operation.op === 'service' ? operation.service : operation;
}
