import type { RawChange, Urgency } from './contract.ts';

/** Changes since the last notification. A batch of changes calls each listener once, by `notify`. */
export interface ChangeNotifier {
  /** Records a change of the merged view. `configuration` outranks `endpoints`. */
  changed(urgency: Urgency): void;
  /** Records a changed object or workload; `id` is unique within the registry. */
  rawChanged(id: string, change: RawChange): void;
  /** Calls the listeners if changes were recorded since the last call. */
  notify(): void;
  /** Returns the changed objects and workloads since the last call, in order. Several changes of one are merged. */
  takeRawChanges(): readonly RawChange[];
  /** Returns a function that ends the subscription. */
  onChange(listener: (urgency: Urgency) => void): () => void;
  onRawChange(listener: () => void): () => void;
}

export function createChangeNotifier(): ChangeNotifier {
  const raw = new Map<string, RawChange>();
  const changeListeners = new Set<(urgency: Urgency) => void>();
  const rawListeners = new Set<() => void>();
  let pending: Urgency | null = null;
  let rawPending = false;

  return {
    changed(urgency) {
      if (pending !== 'configuration') pending = urgency;
    },
    rawChanged(id, change) {
      raw.delete(id); // moves to the end: changes stay in order of last occurrence
      raw.set(id, change);
      rawPending = true;
    },
    notify() {
      const urgency = pending;
      const hasRaw = rawPending;
      pending = null;
      rawPending = false;
      if (hasRaw) for (const listener of rawListeners) listener();
      if (urgency !== null) for (const listener of changeListeners) listener(urgency);
    },
    takeRawChanges() {
      const changes = [...raw.values()];
      raw.clear();
      return changes;
    },
    onChange: (listener) => subscribe(changeListeners, listener),
    onRawChange: (listener) => subscribe(rawListeners, listener),
  };
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
