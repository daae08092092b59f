import type { Clock } from '../../../src/lib/clock.ts';
import type { ZooKeeperConnection } from '../client/connection.ts';
import { ZooKeeperError } from '../client/protocol.ts';
import type { WrittenNode } from './written-node.ts';

/** Result of an attempt to own a node. */
export type Owning =
  | { readonly type: 'owned' }
  /** Somebody else has replaced the node since it was owned: it is there, and to be looked at later. */
  | { readonly type: 'taken' }
  | { readonly type: 'refused'; readonly reason: string };

/** Ephemeral nodes of one process, over its sessions. */
export interface OwnNodes {
  /** Makes a node one of this session, with these data. */
  own(connection: ZooKeeperConnection, node: WrittenNode): Promise<Owning>;
  /** Removes a node, unless it belongs to somebody else. */
  disown(connection: ZooKeeperConnection, path: string): Promise<void>;
  /** Reports whether a node is being written, so that its events are one's own. */
  isBusy(path: string): boolean;
}

/**
 * Time for which a node that was taken over once is left to another owner. Two control planes with the same instance would
 * otherwise take it from each other without end.
 */
export const contentionMs = 60_000;

/** Number of rounds in which others may create and remove the node meanwhile. */
const rounds = 5;

export function createOwnNodes(clock: Clock): OwnNodes {
  const busy = new Set<string>();
  const watched = new WeakMap<ZooKeeperConnection, Set<string>>();
  /** Sessions that this process has had. */
  const sessions = new Set<bigint>();
  const takenOverAtMs = new Map<string, number>();

  async function watch(connection: ZooKeeperConnection, path: string): Promise<void> {
    const paths = watched.get(connection) ?? new Set();
    watched.set(connection, paths);
    if (paths.has(path)) return;
    await connection.watchTree(path);
    paths.add(path);
  }

  /** Makes one attempt; null if somebody else has changed the node meanwhile. */
  async function attempt(connection: ZooKeeperConnection, { path, data }: WrittenNode): Promise<Owning | null> {
    try {
      await watch(connection, path);
      const found = await connection.readNode(path);
      if (found === null) {
        await createBelow(connection, path, data);
        return { type: 'owned' };
      }
      if (found.owner === 0n) return { type: 'refused', reason: `there is a persistent node at ${path}` };
      if (found.owner !== connection.session.id) return await takeOver(connection, { path, data }, found.owner);
      if (!found.data.equals(data)) await connection.setData(path, data);
      return { type: 'owned' };
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error;
      if (error.isExisting || error.isMissing) return null;
      if (error.isDenied) return { type: 'refused', reason: error.message };
      throw error;
    }
  }

  /** Replaces a node that an earlier session has left: it would go when that session ends. */
  async function takeOver(connection: ZooKeeperConnection, node: WrittenNode, owner: bigint): Promise<Owning> {
    const lastMs = takenOverAtMs.get(node.path);
    if (!sessions.has(owner) && lastMs !== undefined && clock.now() - lastMs < contentionMs) return { type: 'taken' };
    await connection.replaceByEphemeral(node.path, node.data);
    takenOverAtMs.set(node.path, clock.now());
    return { type: 'owned' };
  }

  return {
    async own(connection, node) {
      sessions.add(connection.session.id);
      busy.add(node.path);
      try {
        for (let round = 0; round < rounds; round += 1) {
          const owning = await attempt(connection, node);
          if (owning !== null) return owning;
        }
        throw new Error(`somebody else creates and removes ${node.path}`);
      } finally {
        busy.delete(node.path);
      }
    },
    async disown(connection, path) {
      busy.add(path);
      takenOverAtMs.delete(path);
      try {
        const found = await connection.readNode(path);
        if (found !== null && sessions.has(found.owner)) await connection.remove(path);
      } catch (error) {
        if (!(error instanceof ZooKeeperError && error.isMissing)) throw error;
      } finally {
        busy.delete(path);
      }
    },
    isBusy: (path) => busy.has(path),
  };
}

/** Creates an ephemeral node, with persistent ones above it. */
async function createBelow(connection: ZooKeeperConnection, path: string, data: Buffer): Promise<void> {
  try {
    await connection.create(path, data, { isEphemeral: true });
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.isMissing)) throw error;
    await createAbove(connection, path);
    await connection.create(path, data, { isEphemeral: true });
  }
}

async function createAbove(connection: ZooKeeperConnection, path: string): Promise<void> {
  const above = path.slice(0, path.lastIndexOf('/'));
  if (above === '') return;
  try {
    await connection.create(above, '');
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || error.isDenied) throw error;
    if (error.isExisting) return;
    if (!error.isMissing) throw error;
    await createAbove(connection, above);
    await createAbove(connection, path);
  }
}
