import type { Clock } from '../../src/lib/clock.ts';
import type { ShardChange, ShardContents } from '../../src/platform/adapter.ts';
import type { Instance, InstanceKey, RegistrationEvent } from '../../src/platform/registration.ts';
import { createInstanceTable, type InstanceTable, type Operation, type StandingInstance } from './instances.ts';
import { createLeases } from './leases.ts';
import { translateEndpoints, translateService, translateWorkload, workloadName } from './translate.ts';

/** What operations do once they are on disk: the table, the leases, those who watch, and the shard. */
export interface Effects {
  readonly table: InstanceTable;
  take(operations: readonly Operation[], reason?: 'deleted' | 'expired'): void;
  /** Operations of an earlier run: nobody is told, everybody gets a full lease. */
  restore(operations: readonly Operation[]): void;
  renew(standing: StandingInstance): Instance;
  withLease(standing: StandingInstance): Instance;
  watch(listener: (event: RegistrationEvent) => void): () => void;
  /** Operations that lead to what stands now. */
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
  const leases = createLeases<InstanceKey>(clock, expired);
  const watchers = new Set<(event: RegistrationEvent) => void>();

  const tell = (event: RegistrationEvent) => {
    for (const watcher of watchers) watcher(event);
  };

  const withLease = (standing: StandingInstance): Instance => ({
    ...standing,
    expiresAtMs: leases.expiresAtMs(leaseName(standing)) ?? clock.now(),
  });

  function renew(standing: StandingInstance): Instance {
    const { namespace, host, id, ttlSeconds } = standing;
    leases.renew(leaseName(standing), { namespace, host, id }, clock.now() + ttlSeconds * 1_000);
    return withLease(standing);
  }

  function workloadChange(operation: Operation, reason: 'deleted' | 'expired'): ShardChange | null {
    if (operation.op === 'put') {
      const instance = renew(table.get(operation.instance) ?? operation.instance);
      tell({ type: 'put', instance });
      return { type: 'workload', workload: translateWorkload(instance) };
    }
    if (operation.op !== 'delete') return null;
    leases.drop(leaseName(operation.key));
    tell({ type: 'delete', key: operation.key, reason });
    return { type: 'workload-removed', namespace: operation.key.namespace, name: workloadName(operation.key) };
  }

  function serviceChanges({ namespace, host }: ServiceName): readonly ShardChange[] {
    const record = table.service(namespace, host);
    if (record === undefined) return [{ type: 'service-removed', namespace, hostname: host }];
    const set = translateEndpoints(record, table.of(namespace, host));
    return [
      { type: 'service', service: translateService(record) },
      { type: 'endpoints', set },
    ];
  }

  return {
    table,
    renew,
    withLease,
    take(operations, reason = 'deleted') {
      const touched = new Map<string, ServiceName>();
      const changes: ShardChange[] = [];
      for (const operation of operations) {
        const service = serviceOf(operation);
        touched.set(`${service.namespace}/${service.host}`, service);
        table.apply(operation);
        const change = workloadChange(operation, reason);
        if (change !== null) changes.push(change);
      }
      changed([...changes, ...[...touched.values()].flatMap(serviceChanges)]);
    },
    restore(operations) {
      for (const operation of operations) table.apply(operation);
      for (const standing of table.all()) renew(standing);
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
      services: [...table.services()].map(translateService),
      endpoints: [...table.services()].map((record) =>
        translateEndpoints(record, table.of(record.namespace, record.host)),
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

const leaseName = ({ namespace, host, id }: InstanceKey): string => `${namespace}/${host}/${id}`;
