import type { Logger } from '../lib/logger.ts';
import type { StoreChange } from '../rules/store.ts';

export type ChangeListener = (changes: readonly StoreChange[]) => void;

/** Listeners of a store. An error of one is logged, and the others are still called. */
export interface StoreListeners {
  /** Calls `listener` at once with `present`, unless it is empty. The returned function ends the subscription. */
  add(listener: ChangeListener, present: readonly StoreChange[]): () => void;
  notify(changes: readonly StoreChange[]): void;
}

export function storeListeners(log: Logger): StoreListeners {
  const listeners = new Set<ChangeListener>();
  const call = (listener: ChangeListener, changes: readonly StoreChange[]): void => {
    if (changes.length === 0) return;
    try {
      listener(changes);
    } catch (error) {
      log.error({ err: error, changes: changes.length }, 'listener of the rules store failed');
    }
  };
  return {
    add(listener, present) {
      call(listener, present);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    notify(changes) {
      for (const listener of listeners) call(listener, changes);
    },
  };
}
