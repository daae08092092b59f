import type { RegistryEntry, RegistryWriter, WrittenService } from '../../src/adapter-contract/registry-writer.ts';

/** A registry in memory. It fails on command. */
export interface FakeRegistry {
  readonly writer: RegistryWriter;
  /** Returns `host: address:port …` for each service with entries. */
  contents(): readonly string[];
  /** Returns the entries of a service, by id. */
  entries(host: string): readonly RegistryEntry[];
  /** Number of writes so far. */
  readonly writes: number;
  /** Refuses entries of an id, for good. With null it no longer does. */
  refuse(id: string, reason: string | null): void;
  /** Fails all writes with this reason. With null it no longer does. */
  down(reason: string | null): void;
  /** Forgets everything, like a server after a restart, and tells its listeners. */
  lose(): void;
  /** Makes writes wait until `release` is called. */
  hold(): void;
  release(): void;
}

export function fakeRegistry(): FakeRegistry {
  const services = new Map<string, readonly RegistryEntry[]>();
  const refusals = new Map<string, string>();
  const listeners = new Set<(service: WrittenService | null) => void>();
  let trouble: string | null = null;
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  let writes = 0;

  const writer: RegistryWriter = {
    refusalOf: ({ hostname }) => (hostname.endsWith('.registry') ? null : `${hostname} is no name of this registry`),
    async write({ hostname }, entries) {
      writes += 1;
      await gate.promise;
      if (trouble !== null) throw new Error(trouble);
      const accepted = entries.filter(({ id }) => !refusals.has(id));
      if (accepted.length === 0) services.delete(hostname);
      else services.set(hostname, accepted);
      return new Map(entries.flatMap(({ id }) => (refusals.has(id) ? [[id, refusals.get(id) ?? ''] as const] : [])));
    },
    onLost(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    writer,
    contents: () =>
      [...services]
        .map(([host, entries]) => {
          const places = entries.map(({ address, ports }) => `${address}:${ports.map(({ port }) => port).join()}`);
          return `${host}: ${places.sort().join(' ')}`;
        })
        .sort(),
    entries: (host) => services.get(host) ?? [],
    get writes() {
      return writes;
    },
    refuse(id, reason) {
      if (reason === null) refusals.delete(id);
      else refusals.set(id, reason);
    },
    down(reason) {
      trouble = reason;
    },
    lose() {
      services.clear();
      for (const listener of listeners) listener(null);
    },
    hold() {
      gate = Promise.withResolvers();
    },
    release: () => gate.resolve(),
  };
}
