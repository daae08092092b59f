import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { committedObjects } from './committed.ts';
import { storeOperations } from './operations.ts';
import { type HistoryEntry, historyPerObject, type RuleStore, type WriteResult } from './store.ts';
import { changeOf, decideWrite, keyOfWrite, keyText, type Write } from './write.ts';

/** A store that is gone with the process: for tests, and for meshes whose rules all come from adapters. */
export function memoryStore({ clock }: { readonly clock: Clock }): RuleStore {
  const committed = committedObjects([], 0);
  const histories = new Map<string, HistoryEntry[]>();
  let closed = false;

  // Written in a microtask of its own, so that no listener runs inside the writer's call, as with the other stores.
  const write = async (asked: Write): Promise<WriteResult> => {
    const copy = structuredClone(asked); // what the caller does to its objects afterwards is not our state
    await Promise.resolve();
    if (closed) throw new MeshError('STORE_UNAVAILABLE', 'the rules store is closed');
    const key = keyOfWrite(copy);
    const revision = committed.revision() + 1;
    const { result, entry } = decideWrite(committed.get(key), copy, revision);
    if (entry === null) return result;
    histories.set(keyText(key), [entry, ...(histories.get(keyText(key)) ?? [])].slice(0, historyPerObject));
    committed.commit([changeOf(entry)], revision);
    return result;
  };

  return {
    ...storeOperations({ committed, clock, write }),
    history: async (key) => histories.get(keyText(key)) ?? [],
    close: async () => {
      closed = true;
    },
  };
}
