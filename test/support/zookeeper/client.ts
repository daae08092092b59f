import { openConnection, type ZooKeeperConnection } from '../../../adapters/zookeeper/client/connection.ts';
import { newSession, ZooKeeperError } from '../../../adapters/zookeeper/client/protocol.ts';
import { systemClock } from '../../../src/lib/clock.ts';

/** Client that writes nodes for tests, with a session of its own. */
export interface ZooKeeperClient {
  readonly connection: ZooKeeperConnection;
  /** Writes a node with the nodes above it, or replaces its data. */
  put(path: string, data?: string | Uint8Array): Promise<void>;
  /** Creates a node that goes with this client, with lasting nodes above it. */
  putEphemeral(path: string, data?: string | Uint8Array): Promise<void>;
  /** Removes a node. It is no error if it does not exist. */
  remove(path: string): Promise<void>;
  close(): Promise<void>;
}

export interface ClientOptions {
  readonly timeoutMs?: number;
  readonly digest?: string;
}

export async function connectZooKeeper(
  port: number,
  { timeoutMs = 10_000, digest }: ClientOptions = {},
): Promise<ZooKeeperClient> {
  const connection = await openConnection(
    {
      server: { host: '127.0.0.1', port },
      session: newSession(timeoutMs),
      lastZxid: 0n,
      clock: systemClock,
      connectTimeoutMs: 10_000,
      digest: digest ?? null,
      tls: null,
    },
    new AbortController().signal,
  );

  async function createAbove(path: string): Promise<void> {
    const above = path.slice(0, path.lastIndexOf('/'));
    if (above === '') return;
    await createAbove(above);
    await connection.create(above, '').catch(unless(-110));
  }
  return {
    connection,
    async put(path, data = '') {
      await createAbove(path);
      try {
        await connection.create(path, data);
      } catch (error) {
        unless(-110)(error);
        await connection.setData(path, data);
      }
    },
    async putEphemeral(path, data = '') {
      await createAbove(path);
      await connection.create(path, data, { isEphemeral: true });
    },
    remove: (path) => connection.remove(path).catch(unless(-101)),
    close: () => connection.close(),
  };
}

/** Passes one error over. */
const unless =
  (code: number) =>
  (error: unknown): void => {
    if (!(error instanceof ZooKeeperError) || error.code !== code) throw error;
  };
