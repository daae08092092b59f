import { backoffMs } from '../../src/lib/backoff.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { sleep } from '../../src/lib/sleep.ts';
import { connect, type NacosConnection, NacosError, type NacosModule, type Security } from './connection.ts';
import type { SendRequest } from './listing.ts';
import type { Login } from './login.ts';
import type { Payload } from './payload.ts';
import type { ServerRotation } from './servers.ts';

export interface KeptConnectionOptions {
  readonly namespace: string;
  readonly module: NacosModule;
  readonly rotation: ServerRotation;
  /** Reads the files of TLS for each connection, so that they may be rotated. */
  readonly security: () => Promise<Security>;
  readonly login: Login;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a server is lost or cannot be reached. `isDenied`: it works, and refuses this user. */
  readonly lost: (reason: string, isDenied: boolean) => void;
}

/** Use of one connection. */
export interface ConnectionUse {
  /** Handles a request of the server. */
  pushed(type: string, body: Payload['body']): void;
  /** Uses the connection until it is lost, when the signal aborts. Rejects if the server refuses what is essential. */
  run(connection: NacosConnection, signal: AbortSignal): Promise<void>;
}

/** Access to the server of the current connection. */
export interface ConnectedServer {
  /** Sends a request, and again with a new token if the first one was refused. */
  readonly request: SendRequest;
  /** Aborts when the connection is lost. */
  readonly signal: AbortSignal;
}

const backoff = { baseMs: 200, maxMs: 5_000 };

/**
 * Keeps one connection to one of the servers, and begins a new use for each. Goes on to the next server when one fails,
 * until `signal` aborts.
 */
export async function keepConnection(
  options: KeptConnectionOptions,
  begin: (server: ConnectedServer) => ConnectionUse,
  signal: AbortSignal,
): Promise<void> {
  const { rotation, clock, log, namespace, module } = options;
  while (!signal.aborted) {
    const { target } = rotation.current();
    let isDenied = false;
    let reason: string;
    try {
      reason = await useServer(options, begin, signal);
    } catch (cause) {
      isDenied = cause instanceof NacosError && cause.isDenied;
      reason = cause instanceof Error ? cause.message : String(cause);
    }
    if (signal.aborted) return;
    log.info({ namespace, module, server: target, reason }, 'server lost');
    options.lost(`${target}: ${reason}`, isDenied);
    const rounds = rotation.failed();
    if (rounds > 0) await sleep(clock, backoffMs(rounds - 1, backoff), signal);
  }
}

/** Uses one connection until it is lost. Returns the reason. */
async function useServer(
  options: KeptConnectionOptions,
  begin: (server: ConnectedServer) => ConnectionUse,
  signal: AbortSignal,
): Promise<string> {
  const { rotation, login, clock, namespace, module } = options;
  const server = rotation.current();
  await login.ensure(server, signal);
  const ending = new AbortController();
  const ended = AbortSignal.any([signal, ending.signal]);
  let use: ConnectionUse | null = null;
  const opened = await connect(
    {
      target: server.target,
      security: await options.security(),
      namespace,
      module,
      clock,
      headers: login.headers,
      pushed: (type, body) => use?.pushed(type, body),
    },
    signal,
  );
  use = begin({ request: authorised(opened, options, ended), signal: ended });
  void opened.lost.then(() => ending.abort());
  try {
    await use.run(opened, ended);
    return await opened.lost;
  } finally {
    opened.close();
  }
}

/** Sends requests, and once more with a new token if the server refuses the token. */
function authorised(
  connection: NacosConnection,
  { login, rotation }: KeptConnectionOptions,
  signal: AbortSignal,
): SendRequest {
  return async (type, body) => {
    try {
      return await connection.request(type, body);
    } catch (cause) {
      if (!(cause instanceof NacosError && cause.isDenied)) throw cause;
      login.refused();
      await login.ensure(rotation.current(), signal);
      return await connection.request(type, body);
    }
  };
}
