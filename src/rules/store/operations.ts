import { randomUUID } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { CommittedObjects } from './committed.ts';
import type { RuleStore, WriteResult } from './store.ts';
import type { Write } from './write.ts';

export interface OperationsOptions {
  readonly committed: CommittedObjects;
  readonly clock: Clock;
  /** Decides and keeps one write. */
  readonly write: (write: Write) => Promise<WriteResult>;
}

/** What every store does alike: reads come from the committed objects, writes are stamped and handed on. */
export function storeOperations({
  committed,
  clock,
  write,
}: OperationsOptions): Pick<RuleStore, 'get' | 'list' | 'create' | 'update' | 'remove' | 'subscribe'> {
  const stamp = (author: string) => ({ author, time: new Date(clock.now()).toISOString() });
  return {
    get: async (key) => committed.get(key),
    list: async (kind, namespace) => committed.list(kind, namespace),
    create: (draft, { author }) => write({ type: 'create', draft, uid: randomUUID(), ...stamp(author) }),
    update: (draft, { author, expectedResourceVersion: expected }) =>
      write({ type: 'update', draft, expected, ...stamp(author) }),
    remove: (key, { author, expectedResourceVersion: expected }) =>
      write({ type: 'remove', key, expected, ...stamp(author) }),
    subscribe: committed.subscribe,
  };
}
