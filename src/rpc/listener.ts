import { createServer, type Server, type Socket } from 'node:net';
import { MeshError } from '../lib/errors.ts';
import type { RpcContext } from './context.ts';

export interface RpcAddress {
  readonly host: string;
  readonly port: number;
}

/** Accepts TCP connections within the limits, and tracks them until they close. */
export class RpcListener {
  readonly #server: Server;
  readonly #context: RpcContext;
  /** Keys are those of `peerOf`: with the port, an address identifies one connection. */
  readonly #sockets = new Map<string, Socket>();
  /** Number of connections by IP address. */
  readonly #counts = new Map<string, number>();

  /** `accept` receives each accepted connection. */
  constructor(context: RpcContext, accept: (socket: Socket) => void) {
    this.#context = context;
    this.#server = createServer({ noDelay: true }, (socket) => {
      if (this.#admit(socket)) accept(socket);
    });
  }

  /** Listens on the port, or on any free port if it is 0. Rejects with PORT_TAKEN or Node's error. */
  listen(host: string, port: number): Promise<RpcAddress> {
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException) => {
        reject(
          error.code === 'EADDRINUSE'
            ? new MeshError('PORT_TAKEN', `${host}:${port} is taken`, { cause: error, facts: { host, port } })
            : error,
        );
      };
      this.#server.once('error', onError);
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError);
        this.#server.on('error', (error) => this.#context.log.error({ err: error }, 'gRPC listener failed'));
        const bound = this.#server.address();
        resolve({ host, port: bound === null || typeof bound === 'string' ? port : bound.port });
      });
    });
  }

  socketOf(peer: string): Socket | undefined {
    return this.#sockets.get(peer);
  }

  /** Stops accepting connections. Resolves when the existing ones have closed. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve()); // its only error says that the server was not listening
    });
  }

  /** Closes every connection at once. */
  destroyAll(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #admit(socket: Socket): boolean {
    const address = socket.remoteAddress;
    if (address === undefined) {
      socket.destroy(); // closed before this event
      return false;
    }
    const { limits, log, observer, peers } = this.#context;
    const ofPeer = this.#counts.get(address) ?? 0;
    if (isOver(this.#sockets.size, limits.maxConnections) || isOver(ofPeer, limits.maxConnectionsPerPeer)) {
      if (peers.of(address).mayLog()) {
        log.info({ peer: peerOf(socket), connections: this.#sockets.size, ofPeer }, 'connection refused: too many');
      }
      observer.cutOff('too-many-connections');
      socket.destroy();
      return false;
    }
    const peer = peerOf(socket);
    this.#sockets.set(peer, socket);
    this.#counts.set(address, ofPeer + 1);
    socket.on('error', () => {}); // the connection's owner reports errors
    socket.once('close', () => {
      this.#sockets.delete(peer);
      const left = (this.#counts.get(address) ?? 1) - 1;
      if (left === 0) this.#counts.delete(address);
      else this.#counts.set(address, left);
    });
    return true;
  }
}

/** Returns `ip:port` of the client; IPv6 in brackets. */
export function peerOf({ remoteAddress = 'unknown', remotePort = 0 }: Socket): string {
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

const isOver = (count: number, limit: number | null): boolean => limit !== null && count >= limit;
