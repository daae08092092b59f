import type { Clock } from '../lib/clock.ts';
import { err, ok } from '../lib/result.ts';
import {
  type Authorship,
  allCapabilities,
  type RuleStore,
  type StoreWrite,
  type TransactionResult,
  type WriteResult,
} from '../rules/store.ts';
import type { CommittedObjects } from './committed.ts';
import type { Stamp } from './write.ts';

export interface OperationsOptions {
  readonly committed: Pick<CommittedObjects, 'get' | 'list' | 'changesSince' | 'subscribe'>;
  readonly clock: Clock;
  /** Decides the writes and commits them, except in a dry run. */
  readonly transact: (writes: readonly StoreWrite[], stamp: Stamp) => Promise<TransactionResult>;
}

type SharedOperations = Pick<
  RuleStore,
  'capabilities' | 'get' | 'list' | 'create' | 'update' | 'remove' | 'transact' | 'changesSince' | 'subscribe'
>;

/** Operations that all stores of our own share: reads use the committed objects; writes get a stamp and go to `transact`. */
export function storeOperations({ committed, clock, transact }: OperationsOptions): SharedOperations {
  const stampOf = ({ author, request = null, dryRun = false }: Authorship): Stamp => ({
    author,
    time: new Date(clock.now()).toISOString(),
    request,
    dryRun,
  });
  const one = async (write: StoreWrite, by: Authorship): Promise<WriteResult> => {
    const result = await transact([write], stampOf(by));
    if (!result.ok) return err(result.error.refusal);
    const [written] = result.value;
    if (written === undefined) throw new Error('a transaction of one write answered none');
    return ok(written.object);
  };
  return {
    capabilities: allCapabilities,
    get: async (key) => committed.get(key),
    list: async (kind, namespace) => committed.list(kind, namespace),
    create: (draft, options) => one({ type: 'create', draft }, options),
    update: (draft, options) =>
      one({ type: 'update', draft, expectedResourceVersion: options.expectedResourceVersion }, options),
    remove: (key, options) =>
      one({ type: 'remove', key, expectedResourceVersion: options.expectedResourceVersion }, options),
    transact: (writes, options) => transact(writes, stampOf(options)),
    changesSince: committed.changesSince,
    subscribe: committed.subscribe,
  };
}
