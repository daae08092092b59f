import type { SecureContextOptions } from 'node:tls';
import { backoffMs } from '../../../src/lib/backoff.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import type { Logger } from '../../../src/lib/logger.ts';
import { sleep } from '../../../src/lib/sleep.ts';
import {
  ConnectionRefused,
  openConnection,
  type ServerAddress,
  SessionExpired,
  type ZooKeeperConnection,
} from './connection.ts';
import { newSession, type SessionTicket } from './protocol.ts';

export interface SessionOptions {
  readonly servers: readonly ServerAddress[];
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Reads what each connection needs from files, so that they can be replaced. */
  readonly credentials: () => Promise<{ digest: string | null; tls: SecureContextOptions | null }>;
  /** Uses a connection until it ends. */
  readonly use: (connection: ZooKeeperConnection) => Promise<void>;
  /** Called when there is no connection, with the reason. */
  readonly lost: (reason: string) => void;
  /** False: the session is not ended at the end, so that its nodes stay until its timeout. Default: true. */
  readonly endsSession?: boolean;
}

/**
 * Keeps one session over connections to the servers in turn, until `signal` aborts. After its expiry it begins a new one.
 * At the end it ends the session, unless that is to go on.
 */
export async function keepSession(options: SessionOptions, signal: AbortSignal): Promise<void> {
  const { servers, timeoutMs, clock, log } = options;
  const first = Math.floor(Math.random() * servers.length); // so that several control planes spread over the servers
  let session: SessionTicket = newSession(timeoutMs);
  let lastZxid = 0n;
  /** Servers in a row that ended the connection instead of answering. */
  let refusals = 0;

  for (let attempt = 0, turn = first; !signal.aborted; turn += 1) {
    const server = servers[turn % servers.length];
    if (server === undefined) throw new Error('there is at least one server');
    try {
      const credentials = await options.credentials();
      const connectTimeoutMs = Math.max(1_000, timeoutMs / 3);
      const connection = await openConnection(
        { server, session, lastZxid, clock, connectTimeoutMs, ...credentials },
        signal,
      );
      if (session.id !== connection.session.id) log.info({ server }, 'zookeeper session begun');
      session = connection.session;
      attempt = 0;
      refusals = 0;
      const reason = await useUntilEnd(options, connection, signal);
      lastZxid = connection.lastZxid;
      if (reason !== null) options.lost(`${server.host}:${server.port}: ${reason.message}`);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof SessionExpired) {
        log.warn({ server }, 'zookeeper session expired');
        session = newSession(timeoutMs);
        continue;
      }
      options.lost(`${server.host}:${server.port}: ${error instanceof Error ? error.message : String(error)}`);
      refusals = error instanceof ConnectionRefused ? refusals + 1 : 0;
      if (refusals >= 2 * servers.length) {
        // Servers refuse clients that saw newer changes than they have: their data were lost or restored.
        log.warn({ lastZxid: String(lastZxid) }, 'zookeeper session given up');
        session = newSession(timeoutMs);
        lastZxid = 0n;
        refusals = 0;
      }
      attempt += 1;
    }
    // One try at each server comes without a delay between them.
    const round = Math.floor(attempt / servers.length);
    if (attempt === 0 || attempt % servers.length === 0)
      await sleep(clock, backoffMs(round, { baseMs: 50, maxMs: 5_000 }), signal);
  }
}

/** Resolves with the reason of the connection's end, or with null when the session was closed because `signal` aborted. */
async function useUntilEnd(
  options: SessionOptions,
  connection: ZooKeeperConnection,
  signal: AbortSignal,
): Promise<Error | null> {
  const close = () => {
    if (options.endsSession === false) connection.destroy(new Error('closed'));
    else void connection.close(); // `closed` below waits for it
  };
  if (signal.aborted) close();
  signal.addEventListener('abort', close, { once: true });
  try {
    await Promise.all([options.use(connection), connection.closed]);
  } catch (error) {
    connection.destroy(error instanceof Error ? error : new Error(String(error)));
  } finally {
    signal.removeEventListener('abort', close);
  }
  const reason = await connection.closed;
  return signal.aborted ? null : reason;
}
