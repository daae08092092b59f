import { backoffMs } from '../../lib/backoff.ts';
import { ruleId } from '../../rules/rule.ts';
import type { ObjectKey } from '../../rules/store.ts';
import {
  createRegisteredEntries,
  entryIdOf,
  groupIdOf,
  type RegisteredEntriesOptions,
  type RegisteringClient,
} from './entries.ts';
import { entryKeyOf } from './entry.ts';

export interface AutoRegistrationOptions extends RegisteredEntriesOptions {
  /** Time in milliseconds for which an entry outlives the connection of its proxy. */
  readonly graceMs: number;
}

/** Interval at which the entries of connected proxies are renewed. */
const renewMs = 600_000;
/** Age from which an entry of another replica counts as left behind. */
const expiryMs = 3 * renewMs;
/** Time in which proxies of an earlier run of this replica return. */
const returnMs = 60_000;

/**
 * Registration of the workloads of proxies that name a WorkloadGroup (`AUTO_REGISTER_GROUP`). Each has a WorkloadEntry
 * in the store, which all replicas see. It goes with the connection after a grace time, unless the proxy returns to this
 * or another replica: the replica of the last connection owns the entry. Entries of crashed replicas are not renewed.
 */
export interface AutoRegistration {
  connected(client: RegisteringClient): void;
  disconnected(client: RegisteringClient): void;
  stop(): void;
}

/** Connected proxy that registers its workload. */
interface Registrant {
  readonly key: ObjectKey;
  readonly clients: Set<RegisteringClient>;
  connectedAtMs: number;
  /** Ends with the last write that has begun; each waits for the previous one. */
  writing: Promise<void>;
}

export function createAutoRegistration(options: AutoRegistrationOptions): AutoRegistration {
  const { book, clock, log, graceMs } = options;
  const entries = createRegisteredEntries(options);
  const registrants = new Map<string, Registrant>();
  let isStopped = false;

  /** Runs a write after the earlier ones of a registrant. It is repeated until it succeeds. */
  function write(registrant: Registrant, run: () => Promise<boolean>): void {
    registrant.writing = registrant.writing.then(() => attempt(run, 0));
  }

  async function attempt(run: () => Promise<boolean>, failures: number): Promise<void> {
    if (isStopped) return;
    try {
      if (await run()) return;
    } catch (err) {
      log.warn({ err }, 'registration of a workload failed; it is tried again');
    }
    clock.after(backoffMs(failures, { baseMs: 100, maxMs: 10_000 }), () => void attempt(run, failures + 1));
  }

  function register(registrant: Registrant): void {
    write(registrant, async () => {
      const [client] = registrant.clients;
      return client === undefined || entries.register(registrant.key, client, registrant.connectedAtMs);
    });
  }

  async function unregister(registrant: Registrant): Promise<void> {
    write(registrant, () => entries.unregister(registrant.key, () => registrant.clients.size > 0));
    await registrant.writing;
    if (registrant.clients.size === 0) registrants.delete(entryIdOf(registrant.key));
  }

  /** Renews the entries of connected proxies, and removes those that were left behind. */
  function renewAfter(delayMs: number): void {
    clock.after(delayMs, () => {
      if (isStopped) return;
      for (const registrant of registrants.values()) {
        if (registrant.clients.size === 0) continue;
        registrant.connectedAtMs = clock.now();
        register(registrant);
      }
      entries
        .removeLeftBehind(expiryMs, (key) => registrants.has(entryIdOf(key)))
        .catch((err: unknown) => log.warn({ err }, 'entries of lost workloads not removed'));
      renewAfter(renewMs);
    });
  }

  const unsubscribe = book.subscribe((changes) => {
    const changed = changes.flatMap((change) => (change.type === 'rule' ? ruleId(change.rule) : []));
    const groups = new Set(changed.filter((id) => id.startsWith('WorkloadGroup/')));
    if (groups.size === 0) return;
    for (const registrant of registrants.values()) {
      const [client] = registrant.clients;
      if (client !== undefined && groups.has(groupIdOf(client.proxy))) register(registrant);
    }
  });
  renewAfter(returnMs);

  return {
    connected(client) {
      const key = entryKeyOf(client.proxy);
      if (key === null) return;
      const id = entryIdOf(key);
      const fresh = { key, clients: new Set<RegisteringClient>(), connectedAtMs: 0, writing: Promise.resolve() };
      const registrant = registrants.get(id) ?? fresh;
      registrants.set(id, registrant);
      registrant.clients.add(client);
      if (registrant.clients.size > 1) return;
      registrant.connectedAtMs = clock.now();
      register(registrant);
    },
    disconnected(client) {
      const key = entryKeyOf(client.proxy);
      const registrant = key === null ? undefined : registrants.get(entryIdOf(key));
      if (registrant === undefined || !registrant.clients.delete(client) || registrant.clients.size > 0) return;
      clock.after(graceMs, () => {
        if (registrant.clients.size === 0 && !isStopped) void unregister(registrant);
      });
    },
    stop() {
      isStopped = true;
      unsubscribe();
    },
  };
}
