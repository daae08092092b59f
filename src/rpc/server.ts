import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Session,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { acceptStream } from './accept.ts';
import { Connection } from './connection.ts';
import type { RpcContext } from './context.ts';
import type { RpcMethod } from './handlers/handler.ts';
import { type Identification, identify } from './identity.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { peerOf, type RpcAddress, RpcListener } from './listener.ts';
import { type RpcObserver, silentObserver } from './observer.ts';
import { Peers } from './peers.ts';
import { contextOptions, type RpcTls, type TlsMaterial, tlsServerOptions } from './tls.ts';

export interface RpcServerOptions {
  /** Every served method; paths are unique. */
  readonly services: readonly RpcMethod[];
  /** `defaultLimits` supplies those that are left out. */
  readonly limits?: Partial<Limits>;
  /** Without it, plaintext HTTP/2 with prior knowledge. */
  readonly tls?: RpcTls;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer?: RpcObserver;
  /** Monotonic time in milliseconds, in step with the clock's timers; by default that of the process. */
  readonly elapsed?: () => number;
  /** Resource use of clients, shared with other servers of the process; by default that of this server only. */
  readonly peers?: Peers;
  /** Uniform in [0, 1); a parameter, so that tests are exact. */
  readonly random?: () => number;
}

export interface RpcServer {
  /** Null before `listen` and after `drain` or `close`. */
  readonly address: RpcAddress | null;
  /**
   * Listens on the port, or on any free port if it is 0, and resolves with the address. Rejects with a MeshError
   * PORT_TAKEN (facts `host` and `port`), or with Node's error for an address of another machine.
   */
  listen(host: string, port: number): Promise<RpcAddress>;
  /** Counts connections that speak HTTP/2, without those in their TLS handshake. */
  connectionCount(): number;
  /**
   * Sets certificates for new connections; open ones continue. Does not change whether clients must have certificates.
   * Throws OpenSSL's error, and then changes nothing.
   */
  setTlsMaterial(material: TlsMaterial): void;
  /** Stops accepting connections and calls, waits at most `graceMs` for open calls, then ends the rest. */
  drain(graceMs: number): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

/** Creates a gRPC server over HTTP/2. It knows nothing about the purpose of its methods. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  const { clock, log, observer = silentObserver, random = Math.random, elapsed = monotonic } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const { peers = new Peers({ limits, elapsed, observer }) } = options;
  const timing = { elapsed, after: clock.after };
  const context: RpcContext = { timing, log, limits, observer, random, peers };
  const methods = methodsByPath(options.services);
  const connections = new Map<Http2Session, Connection>();
  const { http2, setTlsMaterial } = createHttp2Server(context, options.tls);
  const listener = new RpcListener(context, (socket) => http2.emit('connection', socket));
  let address: RpcAddress | null = null;
  let stopped: Promise<void> | null = null;

  http2.on('session', (session) => {
    session.on('error', (error) => connections.get(session)?.failed(error));
    const connection = connect(session, listener, context);
    if (connection === null) return;
    connections.set(session, connection);
    session.on('close', () => {
      connection.forget();
      connections.delete(session);
    });
    if (stopped !== null) connection.destroy('shut down by the server'); // its TLS handshake began before the stop
  });
  http2.on('stream', (stream, headers) => {
    const connection = stream.session === undefined ? undefined : connections.get(stream.session);
    if (connection !== undefined) acceptStream(stream, headers, { connection, methods });
  });

  const stopListening = () => {
    address = null;
    stopped ??= stop(listener, [...connections.keys()]);
    return stopped;
  };
  return {
    get address() {
      return address;
    },
    async listen(host, port) {
      address = await listener.listen(host, port);
      return address;
    },
    connectionCount: () => connections.size,
    setTlsMaterial,
    drain(graceMs) {
      for (const connection of connections.values()) connection.retire(graceMs);
      return stopListening();
    },
    close() {
      for (const connection of connections.values()) connection.destroy('shut down by the server');
      listener.destroyAll();
      return stopListening();
    },
  };
}

const monotonic = (): number => performance.now();

function methodsByPath(services: readonly RpcMethod[]): ReadonlyMap<string, RpcMethod> {
  const methods = new Map(services.map((method) => [method.path, method]));
  if (methods.size < services.length) throw new Error('two methods have the same path');
  return methods;
}

/** Creates the connection of a session. Null when the session is closed instead. */
function connect(session: ServerHttp2Session, listener: RpcListener, context: RpcContext): Connection | null {
  const peer = peerOf(session.socket);
  const socket = listener.socketOf(peer);
  if (socket === undefined) {
    session.destroy(); // the socket closed before this event
    return null;
  }
  // `encrypted` is true for a TLSSocket
  const tls = session.encrypted === true ? (session.socket as TLSSocket) : null;
  const found: Identification = tls === null ? { type: 'none' } : identify(tls);
  const identity = found.type === 'verified' ? found.identity : null;
  const connection = new Connection(session, { socket, peer, identity }, context);
  if (found.type === 'refused') {
    connection.cutOff('certificate-refused', `the client certificate is not accepted: ${found.reason}`);
  }
  return connection;
}

interface Http2 {
  readonly http2: Http2Server | Http2SecureServer;
  readonly setTlsMaterial: (material: TlsMaterial) => void;
}

function createHttp2Server({ limits, log, observer, peers }: RpcContext, tls: RpcTls | undefined): Http2 {
  const options = {
    maxSessionMemory: Math.ceil(limits.maxSessionMemoryBytes / 1_000_000), // Node counts in megabytes
    streamResetBurst: limits.abandonedCalls.burst,
    streamResetRate: limits.abandonedCalls.perSecond,
    settings: {
      enablePush: false,
      initialWindowSize: limits.streamWindowBytes,
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderListBytes,
    },
  };
  if (tls === undefined) {
    const setTlsMaterial = () => {
      throw new Error('a plaintext server has no certificates');
    };
    return { http2: createServer(options), setTlsMaterial };
  }
  const { handshakeTimeoutMs: handshakeTimeout } = limits;
  const mayLog = ({ remoteAddress = 'unknown' }: Socket) => peers.of(remoteAddress).mayLog();
  const secure = createSecureServer({ ...options, ...tlsServerOptions(tls), handshakeTimeout });
  secure.on('tlsClientError', (error, socket) => {
    observer.cutOff('handshake-failed');
    if (mayLog(socket)) log.info({ peer: peerOf(socket), err: error }, 'TLS handshake failed');
    socket.destroy();
  });
  secure.on('unknownProtocol', (socket: TLSSocket) => {
    observer.cutOff('no-h2');
    if (mayLog(socket)) log.info({ peer: peerOf(socket) }, 'client without HTTP/2 refused: ALPN must offer h2');
    socket.end(noHttp2, () => socket.destroySoon());
  });
  return { http2: secure, setTlsMaterial: (material) => secure.setSecureContext(contextOptions(material)) };
}

/** Answer for clients that speak TLS without ALPN, which may understand HTTP/1.1. */
const noHttp2 = [
  'HTTP/1.1 505 HTTP Version Not Supported',
  'content-type: text/plain',
  'connection: close',
  '',
  'gRPC is served here, over HTTP/2 alone: offer "h2" by ALPN.\n',
].join('\r\n');

/** Resolves when nothing listens and every connection is closed. */
async function stop(listener: RpcListener, sessions: readonly Http2Session[]): Promise<void> {
  const closed = sessions.map((session) => new Promise<void>((resolve) => session.once('close', resolve)));
  const stopped = listener.stop();
  await Promise.all(closed);
  listener.destroyAll(); // the rest is in its TLS handshake
  await stopped;
}
