import type { RegistryWriter } from '../../../src/adapter-contract/registry-writer.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { type InstanceKey, instanceName, type Registration, type RegistrationState } from '../contract.ts';
import type { StoredInstance } from '../instances.ts';
import { type SidecarPorts, toEntry, writtenService } from './entries.ts';
import { createKeeper, type Keeper } from './keeper.ts';

/** Instance with its state in the registry that it goes into. */
export interface RegisteredElsewhere {
  readonly key: InstanceKey;
  readonly registry: string;
  readonly state: RegistrationState;
}

/** Registers instances in the registries that they name, and keeps them there. */
export interface Registrar {
  /** Returns the reason why the registry of an instance can never have it, or null. */
  refusalOf(registration: Registration): string | null;
  /** Registers an instance, or registers it anew. An instance without a registry is removed from its former one. */
  put(instance: StoredInstance): void;
  remove(key: InstanceKey): void;
  /** Returns the state of an instance; null if it goes into no registry. */
  stateOf(key: InstanceKey): RegistrationState | null;
  /**
   * Resolves with the state after the next attempt, or after a while. If the registry has refused the instance, it is
   * asked again.
   */
  attempt(key: InstanceKey): Promise<RegistrationState | null>;
  list(): readonly RegisteredElsewhere[];
  close(): void;
}

export interface RegistrarOptions {
  readonly clock: Clock;
  readonly writers: () => ReadonlyMap<string, RegistryWriter>;
  /** Time for which `attempt` waits. */
  readonly answerMs: number;
  readonly sidecarPorts: SidecarPorts;
  /** Called when a registry refuses an instance, with the reason, and with null once it does not. */
  readonly refused: (elsewhere: Omit<RegisteredElsewhere, 'state'>, reason: string | null) => void;
}

interface Known extends RegisteredElsewhere {
  state: RegistrationState;
}

export function createRegistrar({ clock, writers, answerMs, sidecarPorts, refused }: RegistrarOptions): Registrar {
  const keepers = new Map<string, Keeper>();
  const known = new Map<string, Known>();
  const waiting = new Map<string, Set<() => void>>();

  function keeperOf(registry: string): Keeper | null {
    const writer = writers().get(registry);
    if (writer === undefined) return null;
    const keeper =
      keepers.get(registry) ??
      createKeeper({
        clock,
        writer,
        changed: ({ namespace, hostname }, id, state) => enter({ namespace, host: hostname, id }, state),
      });
    keepers.set(registry, keeper);
    return keeper;
  }

  function enter(key: InstanceKey, state: RegistrationState): void {
    const name = instanceName(key);
    const one = known.get(name);
    if (one === undefined) return;
    const former = one.state;
    one.state = state;
    if (state.type === 'failed') refused(one, state.reason);
    else if (former.type === 'failed') refused(one, null);
    if (isAttempted(state)) for (const wake of waiting.get(name) ?? []) wake();
  }

  function remove(key: InstanceKey): void {
    const name = instanceName(key);
    const one = known.get(name);
    if (one === undefined) return;
    known.delete(name);
    if (one.state.type === 'failed') refused(one, null);
    keepers.get(one.registry)?.remove(writtenService(key), key.id);
    for (const wake of waiting.get(name) ?? []) wake();
  }

  /** Resolves when the state of an instance is that after an attempt, when the instance is gone, or after a while. */
  async function attempted(key: InstanceKey): Promise<void> {
    const name = instanceName(key);
    const one = known.get(name);
    if (one === undefined || isAttempted(one.state)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiters = waiting.get(name) ?? new Set();
    waiting.set(name, waiters.add(resolve));
    const cancel = clock.after(answerMs, resolve);
    await promise;
    cancel();
    waiters.delete(resolve);
    if (waiters.size === 0) waiting.delete(name);
  }

  return {
    refusalOf(registration) {
      const { registry } = registration;
      if (registry === undefined) return null;
      const writer = writers().get(registry);
      if (writer === undefined) return unknownRegistry(registry, [...writers().keys()]);
      const entry = toEntry({ ...registration, registeredAtMs: clock.now() }, sidecarPorts);
      return writer.refusalOf(writtenService(registration), entry);
    },
    put(instance) {
      const { namespace, host, id, registry } = instance;
      const key = { namespace, host, id };
      if (known.get(instanceName(key))?.registry !== registry) remove(key);
      if (registry === undefined) return;
      const former = known.get(instanceName(key));
      known.set(instanceName(key), { key, registry, state: former?.state ?? { type: 'pending', reason: null } });
      const keeper = keeperOf(registry);
      if (keeper === null) {
        enter(key, { type: 'failed', reason: unknownRegistry(registry, [...writers().keys()]) });
        return;
      }
      keeper.put(writtenService(key), toEntry(instance, sidecarPorts));
    },
    remove,
    stateOf: (key) => known.get(instanceName(key))?.state ?? null,
    async attempt(key) {
      const one = known.get(instanceName(key));
      if (one === undefined) return null;
      if (one.state.type === 'failed') keepers.get(one.registry)?.retry(writtenService(key), key.id);
      await attempted(key);
      return known.get(instanceName(key))?.state ?? null;
    },
    list: () => [...known.values()],
    close() {
      for (const keeper of keepers.values()) keeper.close();
    },
  };
}

const isAttempted = (state: RegistrationState): boolean => state.type !== 'pending' || state.reason !== null;

const unknownRegistry = (name: string, known: readonly string[]): string =>
  `no adapter "${name}" takes registrations; ${known.length === 0 ? 'none does' : `${known.join(', ')} do`}`;
