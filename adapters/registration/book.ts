import { isDeepStrictEqual } from 'node:util';
import type { ShardChange, ShardContents } from '../../src/adapter-contract/adapter.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { type Instance, type InstanceKey, instanceName, type Registration, type RegistrationBook } from './contract.ts';
import { createEffects } from './effects.ts';
import { describeService, type Operation, type StoredInstance } from './instances.ts';
import type { Journal } from './journal.ts';
import { createJournalWrites } from './journal-writes.ts';

const cleanEveryMs = 60_000;

export interface BookOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly defaultTtlSeconds: number;
  /** Lifetime of a service without instances. */
  readonly emptyServiceSeconds: number;
  /** Called with changes after they are persisted. */
  readonly changed: (changes: readonly ShardChange[]) => void;
  /** Called with the result of each write of the journal; null for success. */
  readonly journalled: (failure: unknown) => void;
}

/** Registration book with the methods that only its adapter uses. */
export interface RunningBook extends RegistrationBook {
  /**
   * Reads the journal and grants each instance a full lease. Rejects as `node:fs` does. Resolves with the number of
   * damaged lines.
   */
  load(): Promise<number>;
  contents(): ShardContents;
  all(): IterableIterator<StoredInstance>;
  close(): Promise<void>;
}

/** Creates the book: registrations, their leases and their journal. */
export function createRegistrationBook(options: BookOptions): RunningBook {
  const { clock, journal } = options;
  const loaded = Promise.withResolvers<void>();
  const effects = createEffects({
    clock,
    changed: options.changed,
    expired: (keys) => writes.expire(keys.map((key) => deletion(key, clock.now()))),
  });
  const { table } = effects;
  const writes = createJournalWrites({ journal, effects, journalled: options.journalled });
  let cancelCleaning: () => void = () => {};

  function removeEmptyServices(): void {
    const oldest = clock.now() - options.emptyServiceSeconds * 1_000;
    const operations = [...table.services()]
      .filter(({ emptySinceMs }) => emptySinceMs !== null && emptySinceMs <= oldest)
      .map(({ namespace, host }) => ({ op: 'forget', namespace, host }) as const);
    writes.commit(operations, []).catch(() => {}); // `journalled` reports failures; the next cleaning retries
  }

  function storedInstance(registration: Registration): StoredInstance {
    const { namespace, host, id, address, ports, labels, weight, locality, vips, registry } = registration;
    const ttlSeconds = registration.ttlSeconds ?? options.defaultTtlSeconds;
    const registeredAtMs = table.get(registration)?.registeredAtMs ?? clock.now();
    const stored = { namespace, host, id, address, ports, labels, weight, locality, ttlSeconds, registeredAtMs };
    return {
      ...stored,
      ...(vips === undefined ? {} : { vips }),
      ...(registry === undefined ? {} : { registry }),
    };
  }

  function isHeartbeat(stored: StoredInstance): boolean {
    return !writes.isPending(instanceName(stored)) && isDeepStrictEqual(table.get(stored), stored);
  }

  const shown = (key: InstanceKey): Instance | null => {
    const stored = table.get(key);
    return stored === undefined ? null : effects.withLease(stored);
  };

  return {
    async write(put, remove) {
      await loaded.promise;
      const stored = put.map(storedInstance);
      const renewed = new Set(stored.filter(isHeartbeat));
      const written = stored.filter((instance) => !renewed.has(instance));
      const deleted = remove.map((key) => table.get(key) !== undefined || writes.isPending(instanceName(key)));
      const gone = remove.filter((_, index) => deleted[index]);
      const operations: readonly Operation[] = [
        ...written.map((instance) => ({ op: 'put', instance }) as const),
        ...gone.map((key) => deletion(key, clock.now())),
      ];
      await writes.commit(operations, [...written, ...gone].map(instanceName));
      for (const instance of renewed) effects.renew(instance);
      return {
        put: stored.map((instance) => effects.withLease(table.get(instance) ?? instance)),
        changed: stored.map((instance) => !renewed.has(instance)),
        deleted,
      };
    },
    async heartbeat(key) {
      await loaded.promise;
      return effects.renew(key);
    },
    async get(key) {
      await loaded.promise;
      return shown(key);
    },
    async instances(namespace, host) {
      await loaded.promise;
      const hosts = host === undefined ? hostsOf(namespace) : [host];
      return hosts.flatMap((name) => table.of(namespace, name)).map(effects.withLease);
    },
    async services(namespace) {
      await loaded.promise;
      return hostsOf(namespace).flatMap((host) => {
        const record = table.service(namespace, host);
        return record === undefined ? [] : [describeService(record, table.of(namespace, host).length)];
      });
    },
    async removeService(namespace, host) {
      await loaded.promise;
      if (table.service(namespace, host) === undefined) return false;
      const keys = table.of(namespace, host);
      const operations = keys.map((key) => deletion(key, clock.now()));
      await writes.commit([...operations, { op: 'forget', namespace, host }], keys.map(instanceName));
      return true;
    },
    watch: effects.watch,
    async load() {
      const { operations, damaged } = await journal.load();
      effects.restore(operations);
      loaded.resolve();
      cancelCleaning = cleanPeriodically(clock, removeEmptyServices);
      journal.compact(effects.snapshot).then(() => options.journalled(null), options.journalled);
      return damaged;
    },
    contents: effects.contents,
    all: table.all,
    async close() {
      writes.close();
      cancelCleaning();
      effects.close();
      await journal.settled();
    },
  };

  function hostsOf(namespace: string): readonly string[] {
    return [...table.services()]
      .filter((record) => record.namespace === namespace)
      .map(({ host }) => host)
      .sort();
  }
}

/** Calls `clean` each minute. Returns a function that ends it. */
function cleanPeriodically(clock: Clock, clean: () => void): () => void {
  let cancel = () => {};
  const next = () => {
    cancel = clock.after(cleanEveryMs, () => {
      clean();
      next();
    });
  };
  next();
  return () => cancel();
}

const deletion = ({ namespace, host, id }: InstanceKey, atMs: number): Operation => ({
  op: 'delete',
  key: { namespace, host, id },
  atMs,
});
