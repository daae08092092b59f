import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../src/lib/clock.ts';
import { MeshError } from '../../../src/lib/errors.ts';
import type { Journal } from '../journal.ts';
import { createLeases } from '../leases.ts';
import type { Subscription, SubscriptionBook, SubscriptionKey, SubscriptionRequest } from './contract.ts';

/** Subscription without its lease, which is not in the journal. */
type StoredSubscription = Omit<Subscription, 'expiresAtMs'>;

/** Line of the journal of subscriptions. */
export type SubscriptionOperation =
  | { readonly op: 'sub'; readonly subscription: StoredSubscription }
  | { readonly op: 'unsub'; readonly key: SubscriptionKey };

export interface SubscriptionBookOptions {
  readonly clock: Clock;
  readonly journal: Journal<SubscriptionOperation>;
  readonly defaultTtlSeconds: number;
  /** Called with the result of each write of the journal; null for success. */
  readonly journalled: (failure: unknown) => void;
}

/** Book with the methods that only its adapter uses. */
export interface RunningSubscriptionBook extends SubscriptionBook {
  /** Reads the journal and grants full leases. Rejects as `node:fs` does. Resolves with the number of damaged lines. */
  load(): Promise<number>;
  close(): Promise<void>;
}

/** Number of lines from which a journal is compacted, if most of them are obsolete. */
const compactAboveLines = 10_000;

export function createSubscriptionBook(options: SubscriptionBookOptions): RunningSubscriptionBook {
  const { clock, journal, journalled } = options;
  const loaded = Promise.withResolvers<void>();
  const known = new Map<string, StoredSubscription>();
  const leases = createLeases<StoredSubscription>(clock, expire);
  let isClosed = false;

  function apply(operation: SubscriptionOperation): void {
    const key = operation.op === 'sub' ? operation.subscription : operation.key;
    const former = known.get(nameOf(key));
    if (former !== undefined) leases.drop(former);
    known.delete(nameOf(key));
    if (operation.op !== 'sub') return;
    const { subscription } = operation;
    known.set(nameOf(key), { ...subscription, subscribedAtMs: former?.subscribedAtMs ?? subscription.subscribedAtMs });
    renew(known.get(nameOf(key)));
  }

  function renew(stored: StoredSubscription | undefined): void {
    if (stored !== undefined) leases.renew(stored, clock.now() + stored.ttlSeconds * 1_000);
  }

  /** Ends leases, even if the disk is full. After a restart such subscriptions get one lease and expire again. */
  function expire(holders: readonly StoredSubscription[]): void {
    const operations = holders.filter((one) => known.get(nameOf(one)) === one).map(removal);
    for (const operation of operations) apply(operation);
    if (operations.length > 0) journal.append(operations).then(() => journalled(null), journalled);
  }

  async function commit(operations: readonly SubscriptionOperation[]): Promise<void> {
    if (operations.length === 0) return;
    if (isClosed) throw new MeshError('STORE_UNAVAILABLE', 'the registration API is shutting down');
    try {
      await journal.append(operations);
    } catch (cause) {
      journalled(cause);
      throw new MeshError('STORE_UNAVAILABLE', 'nothing was stored: the journal cannot be written', { cause });
    }
    for (const operation of operations) apply(operation);
    journalled(null);
    if (journal.lines() > compactAboveLines && journal.lines() > 4 * known.size) {
      journal.compact(snapshot).catch(journalled);
    }
  }

  const snapshot = () => [...known.values()].map((subscription) => ({ op: 'sub', subscription }) as const);

  const matching = (match: Partial<SubscriptionKey>) =>
    [...known.values()].filter(
      ({ namespace, workload, host }) =>
        (match.namespace ?? namespace) === namespace &&
        (match.workload ?? workload) === workload &&
        (match.host ?? host) === host,
    );

  const withLease = (stored: StoredSubscription): Subscription => ({
    ...stored,
    expiresAtMs: leases.expiresAtMs(stored) ?? clock.now(),
  });

  return {
    async put(requested) {
      await loaded.promise;
      const former = known.get(nameOf(requested));
      const stored = storedOf(requested, options, former);
      if (former !== undefined && isDeepStrictEqual(former, stored)) renew(former);
      else await commit([{ op: 'sub', subscription: stored }]);
      return { subscription: withLease(known.get(nameOf(stored)) ?? stored), isNew: former === undefined };
    },
    async remove(namespace, workload, host) {
      await loaded.promise;
      const removed = matching({ namespace, workload, ...(host === undefined ? {} : { host }) });
      await commit(removed.map(removal));
      return removed.length;
    },
    async heartbeat(namespace, workload) {
      await loaded.promise;
      const own = matching({ namespace, workload });
      for (const one of own) renew(one);
      return own.length;
    },
    async list(match) {
      await loaded.promise;
      return matching(match)
        .map(withLease)
        .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    },
    async load() {
      const { operations, damaged } = await journal.load();
      for (const operation of operations) apply(operation);
      for (const stored of known.values()) renew(stored);
      loaded.resolve();
      journal.compact(snapshot).then(() => journalled(null), journalled);
      return damaged;
    },
    async close() {
      isClosed = true;
      leases.close();
      await journal.settled();
    },
  };
}

function storedOf(
  { namespace, workload, host, address, ttlSeconds }: SubscriptionRequest,
  { clock, defaultTtlSeconds }: SubscriptionBookOptions,
  former: StoredSubscription | undefined,
): StoredSubscription {
  const subscribedAtMs = former?.subscribedAtMs ?? clock.now();
  return { namespace, workload, host, address, ttlSeconds: ttlSeconds ?? defaultTtlSeconds, subscribedAtMs };
}

const nameOf = ({ namespace, workload, host }: SubscriptionKey): string => `${namespace}\n${workload}\n${host}`;

const removal = ({ namespace, workload, host }: SubscriptionKey): SubscriptionOperation => ({
  op: 'unsub',
  key: { namespace, workload, host },
});
