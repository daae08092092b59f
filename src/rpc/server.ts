import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type SecureServerOptions,
} from 'node:http2';
import { Server as NetServer } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { acceptStream } from './accept.ts';
import type { Method } from './call.ts';
import { Connection, type Surroundings } from './connection.ts';
import { defaultLimits, type Limits } from './limits.ts';

export interface RpcServerOptions {
  /** Every method that is served; their paths differ. */
  readonly services: readonly Method[];
  /** Those left out are `defaultLimits`. */
  readonly limits?: Partial<Limits>;
  /** Left out: plaintext HTTP/2 with prior knowledge. */
  readonly tls?: Pick<SecureServerOptions, 'key' | 'cert' | 'ca' | 'requestCert' | 'rejectUnauthorized' | 'minVersion'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Uniform in [0, 1); a parameter so that tests are exact. */
  readonly random?: () => number;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface RpcServer {
  /** Null before `listen` and after `drain` or `close`. */
  readonly address: ListenAddress | null;
  /**
   * Listens, on any free port if `port` is 0, and resolves with the address got. Rejects with a MeshError PORT_TAKEN
   * whose facts are `host` and `port`, or with Node's error if the address is not ours to listen on.
   */
  listen(host: string, port: number): Promise<ListenAddress>;
  connectionCount(): number;
  /** Takes no more connections and calls, lets open calls go on for `graceMs` at most, then ends what is left. */
  drain(graceMs: number): Promise<void>;
  /** Ends everything now. */
  close(): Promise<void>;
}

/** A gRPC server over HTTP/2. It knows nothing of what its methods are for. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  const { clock, log, random = Math.random } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const surroundings: Surroundings = { clock, log, limits, random };
  const methods = methodsByPath(options.services);
  const connections = new Map<Http2Session, Connection>();
  const http2 = createHttp2Server(limits, options.tls);
  let address: ListenAddress | null = null;
  let stopped: Promise<void> | null = null;

  http2.on('session', (session) => {
    const connection = new Connection(session, surroundings);
    connections.set(session, connection);
    session.on('error', (error) => connection.failed(error));
    session.on('close', () => {
      connection.forget();
      connections.delete(session);
    });
    if (stopped !== null) connection.destroy('shut down by the server'); // its TLS handshake had begun before
  });
  http2.on('stream', (stream, headers) => {
    const connection = stream.session === undefined ? undefined : connections.get(stream.session);
    if (connection !== undefined) acceptStream(stream, headers, { connection, methods });
  });

  const stopListening = () => {
    address = null;
    stopped ??= stop(http2, [...connections.keys()]);
    return stopped;
  };
  return {
    get address() {
      return address;
    },
    async listen(host, port) {
      address = await listen(http2, host, port);
      http2.on('error', (error) => log.error({ err: error }, 'gRPC listener failed'));
      return address;
    },
    connectionCount: () => connections.size,
    drain(graceMs) {
      for (const connection of connections.values()) connection.retire(graceMs);
      return stopListening();
    },
    close() {
      for (const connection of connections.values()) connection.destroy('shut down by the server');
      return stopListening();
    },
  };
}

function methodsByPath(services: readonly Method[]): ReadonlyMap<string, Method> {
  const methods = new Map(services.map((method) => [method.path, method]));
  if (methods.size < services.length) throw new Error('two methods have the same path');
  return methods;
}

function createHttp2Server(limits: Limits, tls: RpcServerOptions['tls']): Http2Server | Http2SecureServer {
  const options = {
    maxSessionMemory: Math.ceil(limits.maxSessionMemoryBytes / 1_000_000), // Node counts in megabytes
    settings: {
      enablePush: false,
      initialWindowSize: limits.streamWindowBytes,
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderListBytes,
    },
  };
  return tls === undefined
    ? createServer(options)
    : createSecureServer({ ...options, ...tls, allowHTTP1: false, handshakeTimeout: 10_000 });
}

function listen(http2: Http2Server | Http2SecureServer, host: string, port: number): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new MeshError('PORT_TAKEN', `${host}:${port} is taken`, { cause: error, facts: { host, port } })
          : error,
      );
    };
    http2.once('error', onError);
    http2.listen(port, host, () => {
      http2.off('error', onError);
      const bound = http2.address();
      resolve({ host, port: bound === null || typeof bound === 'string' ? port : bound.port });
    });
  });
}

/** Resolves when nothing listens and the sessions are closed. */
async function stop(http2: Http2Server | Http2SecureServer, sessions: readonly Http2Session[]): Promise<void> {
  const closed = sessions.map((session) => new Promise<void>((resolve) => session.once('close', resolve)));
  await new Promise<void>((resolve) => {
    // Not its own `close`, which closes every session with one abrupt GOAWAY: connections retire by themselves.
    // The error it may give is that it was not listening.
    NetServer.prototype.close.call(http2, () => resolve());
  });
  await Promise.all(closed);
}
