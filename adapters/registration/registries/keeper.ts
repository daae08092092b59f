import type { RegistryEntry, RegistryWriter, WrittenService } from '../../../src/adapter-contract/registry-writer.ts';
import { backoffMs } from '../../../src/lib/backoff.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { serviceKey } from '../../../src/model/names.ts';
import type { RegistrationState } from '../contract.ts';

/** Keeps entries in one registry: writes each service until the registry has what is wanted. */
export interface Keeper {
  /** Wants an entry; a former one of the same id is replaced. Its state is pending from now on. */
  put(service: WrittenService, entry: RegistryEntry): void;
  /** No longer wants an entry. */
  remove(service: WrittenService, id: string): void;
  /** Tries an entry again that the registry refused. */
  retry(service: WrittenService, id: string): void;
  close(): void;
}

export interface KeeperOptions {
  readonly clock: Clock;
  readonly writer: RegistryWriter;
  /** Called when the state of a wanted entry has changed. */
  readonly changed: (service: WrittenService, id: string, state: RegistrationState) => void;
}

interface WantedEntry {
  readonly entry: RegistryEntry;
  state: RegistrationState;
}

interface KeptService {
  readonly service: WrittenService;
  readonly wanted: Map<string, WantedEntry>;
  isWriting: boolean;
  /** It changed while it was written. */
  isOutdated: boolean;
  /** Failed attempts in a row. */
  failures: number;
  cancelRetry: () => void;
}

/** Number of services that are written at once. */
const concurrency = 16;
const backoff = { baseMs: 500, maxMs: 30_000 };
const untried: RegistrationState = { type: 'pending', reason: null };

export function createKeeper({ clock, writer, changed }: KeeperOptions): Keeper {
  const kept = new Map<string, KeptService>();
  const due = new Set<KeptService>();
  let writing = 0;
  let isClosed = false;

  const find = ({ namespace, hostname }: WrittenService) => kept.get(serviceKey(namespace, hostname));

  function findOrAdd(service: WrittenService): KeptService {
    const idle = { isWriting: false, isOutdated: false, failures: 0, cancelRetry: () => {} };
    const one = find(service) ?? { service, wanted: new Map(), ...idle };
    kept.set(serviceKey(service.namespace, service.hostname), one);
    return one;
  }

  function touch(one: KeptService): void {
    one.cancelRetry();
    if (one.isWriting) one.isOutdated = true;
    else due.add(one);
    writeDue();
  }

  function writeDue(): void {
    for (const one of due) {
      if (isClosed || writing >= concurrency) return;
      due.delete(one);
      void write(one);
    }
  }

  /** Makes one attempt. It never rejects. */
  async function write(one: KeptService): Promise<void> {
    writing += 1;
    one.isWriting = true;
    one.isOutdated = false;
    const attempted = [...one.wanted.values()].filter(({ state }) => state.type !== 'failed');
    try {
      const entries = attempted.map(({ entry }) => entry);
      const refused = await writer.write(one.service, entries);
      for (const wanted of attempted) settle(one, wanted, outcomeOf(refused.get(wanted.entry.id)));
      succeeded(one);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      for (const wanted of attempted) settle(one, wanted, { type: 'pending', reason });
      failed(one);
    }
    writing -= 1;
    one.isWriting = false;
    writeDue();
  }

  function succeeded(one: KeptService): void {
    one.failures = 0;
    if (one.isOutdated) due.add(one);
    else if (one.wanted.size === 0) kept.delete(serviceKey(one.service.namespace, one.service.hostname));
  }

  function failed(one: KeptService): void {
    if (isClosed) return;
    if (one.isOutdated) due.add(one);
    else one.cancelRetry = clock.after(backoffMs(one.failures, backoff), () => touch(one));
    one.failures += 1;
  }

  /** Applies an outcome, unless the entry was replaced or removed meanwhile. */
  function settle(one: KeptService, wanted: WantedEntry, state: RegistrationState): void {
    if (one.wanted.get(wanted.entry.id) === wanted) enter(one, wanted, state);
  }

  function enter({ service }: KeptService, wanted: WantedEntry, state: RegistrationState): void {
    wanted.state = state;
    changed(service, wanted.entry.id, state);
  }

  function lost(one: KeptService): void {
    one.failures = 0;
    for (const wanted of one.wanted.values()) enter(one, wanted, untried);
    touch(one);
  }

  const stopListening = writer.onLost((service) => {
    // A registry that begins anew may accept what it refused before.
    for (const one of service === null ? [...kept.values()] : [find(service)]) if (one !== undefined) lost(one);
  });

  return {
    put(service, entry) {
      const one = findOrAdd(service);
      const wanted = { entry, state: untried };
      one.wanted.set(entry.id, wanted);
      enter(one, wanted, untried);
      touch(one);
    },
    remove(service, id) {
      const one = find(service);
      if (one?.wanted.delete(id)) touch(one);
    },
    retry(service, id) {
      const one = find(service);
      const wanted = one?.wanted.get(id);
      if (one === undefined || wanted?.state.type !== 'failed') return;
      enter(one, wanted, untried);
      touch(one);
    },
    close() {
      isClosed = true;
      stopListening();
      for (const one of kept.values()) one.cancelRetry();
    },
  };
}

const outcomeOf = (refusal: string | undefined): RegistrationState =>
  refusal === undefined ? { type: 'registered' } : { type: 'failed', reason: refusal };
