import { randomUUID } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { type Logger, silentLogger } from '../../lib/logger.ts';
import { err, ok } from '../../lib/result.ts';
import type { RuleStore, StoreWrite, TransactionResult } from '../../rules/store.ts';
import { type Commit, committedObjects } from '../committed.ts';
import { storeOperations } from '../operations.ts';
import { auditEntryOf, type Decided, decideTransaction, historyEntryOf, keyOf, type Stamp } from '../write.ts';
import { memoryAudit } from './audit.ts';
import { memoryHistory } from './history.ts';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly log?: Logger;
}

/** Store without persistence: for tests, and for meshes whose rules all come from adapters. */
export function memoryStore({ clock, log = silentLogger }: MemoryStoreOptions): RuleStore {
  const committed = committedObjects({ objects: [], revision: 0, log });
  const history = memoryHistory();
  const audit = memoryAudit();
  let closed = false;

  const keep = (decided: readonly Decided[], stamp: Stamp) => {
    let revision = committed.revision();
    for (const one of decided) {
      revision = one.revision ?? revision;
      const entry = historyEntryOf(stamp, one);
      if (entry !== null) history.add(entry);
      const audited = auditEntryOf(stamp, one);
      if (audited !== null) audit.add(audited);
    }
    return committed.commit(decided.map(commitOf), revision);
  };

  // Yields once, so that no listener runs inside the writer's call. The other stores behave the same way.
  const transact = async (asked: readonly StoreWrite[], stamp: Stamp): Promise<TransactionResult> => {
    // Copies the writes, so that later changes to the caller's objects do not reach the store.
    const writes = JSON.parse(JSON.stringify(asked)) as readonly StoreWrite[]; // `StoredObject` is JSON
    await Promise.resolve();
    if (closed) throw new MeshError('STORE_UNAVAILABLE', 'the rules store is closed');
    const at = { read: committed.get, revision: committed.revision(), newUid: randomUUID };
    const decided = decideTransaction({ ...stamp, writes }, at);
    if (!decided.ok) return err(decided.error);
    if (!stamp.dryRun) return ok(keep(decided.value, stamp));
    return ok(decided.value.map(({ action, object }) => ({ action, object })));
  };

  return {
    ...storeOperations({ committed, clock, transact }),
    history: async (key) => history.of(key),
    note: async (entry) => audit.add(entry),
    audit: async (query) => audit.query(query),
    close: async () => {
      closed = true;
    },
  };
}

function commitOf({ action, object, revision }: Decided): Commit {
  if (action === 'unchanged' || revision === null) return { action: 'unchanged', key: keyOf(object) };
  const bytes = JSON.stringify(object).length;
  return action === 'removed' ? { action, key: keyOf(object), revision, bytes } : { action, object, bytes };
}
