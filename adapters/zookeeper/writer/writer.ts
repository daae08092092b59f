import type { RegistryEntry, RegistryWriter, WrittenService } from '../../../src/adapter-contract/registry-writer.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { serviceKey } from '../../../src/model/names.ts';
import type { ZooKeeperConnection } from '../client/connection.ts';
import type { SessionOptions } from '../client/session.ts';
import type { ZooKeeperConfig } from '../config.ts';
import { contentionMs, createOwnNodes } from './own-nodes.ts';
import { placeInTrees } from './places.ts';
import { createWritingSession } from './writing-session.ts';
import type { WrittenNode } from './written-node.ts';

export interface ZooKeeperWriterOptions extends Omit<SessionOptions, 'use' | 'lost' | 'endsSession'> {
  readonly settings: ZooKeeperConfig;
  readonly clock: Clock;
}

/** Writer with the session that it uses. */
export interface RunningWriter extends RegistryWriter {
  /** Keeps the session until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

type Listener = (service: WrittenService | null) => void;

/** Longest node that is written. Readers skip longer ones, and servers end the connection at 1 MiB. */
const maxLength = 65_536;

/**
 * Registers instances as ephemeral nodes. Writing a service compares its nodes with what the server has, so that it may be
 * repeated at any time.
 */
export function createZooKeeperWriter({ settings, clock, ...options }: ZooKeeperWriterOptions): RunningWriter {
  const listeners = new Set<Listener>();
  const nodes = createOwnNodes(clock);
  /** Services by the paths of their nodes. */
  const owners = new Map<string, WrittenService>();
  /** Paths by service. */
  const paths = new Map<string, Set<string>>();
  let cancelLook = () => {};
  const contended = new Map<string, WrittenService>();

  const session = createWritingSession({
    ...options,
    clock,
    changed: () => tell(null),
    onEvent({ type, path }) {
      const service = owners.get(path);
      if (type === 'deleted' && service !== undefined && !nodes.isBusy(path)) tell(service);
    },
  });

  function tell(service: WrittenService | null): void {
    for (const listener of listeners) listener(service);
  }

  /** Looks again at nodes that somebody else has taken. */
  function lookLater(path: string, service: WrittenService): void {
    contended.set(path, service);
    cancelLook();
    cancelLook = clock.after(contentionMs, () => {
      const all = [...contended.values()];
      contended.clear();
      for (const one of all) tell(one);
    });
  }

  function nodesOf(service: WrittenService, entry: RegistryEntry) {
    const place = placeInTrees(service, settings);
    return place.ok ? place.value(entry) : place;
  }

  /** Owns the node of an entry. Returns the reason if that is refused for good. */
  async function own(
    connection: ZooKeeperConnection,
    service: WrittenService,
    node: WrittenNode,
  ): Promise<string | null> {
    owners.set(node.path, service);
    const owning = await nodes.own(connection, node);
    if (owning.type === 'taken') lookLater(node.path, service);
    return owning.type === 'refused' ? owning.reason : null;
  }

  return {
    refusalOf(service, entry) {
      const found = nodesOf(service, entry);
      if (!found.ok) return found.error;
      const isTooLong = found.value.some(({ path, data }) => path.length + data.length > maxLength);
      return isTooLong ? `its node would be longer than ${maxLength} characters` : null;
    },
    async write(service, entries) {
      const key = serviceKey(service.namespace, service.hostname);
      const connection = await session.connection();
      const refused = new Map<string, string>();
      const wanted = new Set<string>();
      const former = paths.get(key) ?? new Set();
      for (const entry of entries) {
        const found = nodesOf(service, entry);
        if (!found.ok) refused.set(entry.id, found.error);
        for (const node of found.ok ? found.value : []) {
          if (wanted.has(node.path)) continue; // of an entry with equal address and port
          former.add(node.path);
          paths.set(key, former); // also if the attempt fails: the server may have applied it
          wanted.add(node.path);
          const refusal = await own(connection, service, node);
          if (refusal !== null) refused.set(entry.id, refusal);
        }
      }
      for (const path of former) {
        if (wanted.has(path)) continue;
        owners.delete(path);
        await nodes.disown(connection, path);
        former.delete(path);
      }
      if (former.size === 0) paths.delete(key);
      return refused;
    },
    onLost(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async run(signal) {
      await session.run(signal);
      cancelLook();
    },
  };
}
