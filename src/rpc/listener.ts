import { createServer, type Server, type Socket } from 'node:net';
import { MeshError } from '../lib/errors.ts';
import type { Surroundings } from './surroundings.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Takes TCP connections, as many as the limits allow, and knows them until they are closed. */
export class Listener {
  readonly #server: Server;
  readonly #surroundings: Surroundings;
  /** By `peerOf`: with the port, an address is one connection's alone. */
  readonly #sockets = new Map<string, Socket>();
  /** By IP address. */
  readonly #counts = new Map<string, number>();

  /** `accept` is given each connection that is taken. */
  constructor(surroundings: Surroundings, accept: (socket: Socket) => void) {
    this.#surroundings = surroundings;
    this.#server = createServer({ noDelay: true }, (socket) => {
      if (this.#admit(socket)) accept(socket);
    });
  }

  /** Listens, on any free port if `port` is 0. Rejects with PORT_TAKEN or Node's error. */
  listen(host: string, port: number): Promise<ListenAddress> {
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
        this.#server.on('error', (error) => this.#surroundings.log.error({ err: error }, 'gRPC listener failed'));
        const bound = this.#server.address();
        resolve({ host, port: bound === null || typeof bound === 'string' ? port : bound.port });
      });
    });
  }

  socketOf(peer: string): Socket | undefined {
    return this.#sockets.get(peer);
  }

  /** Takes no more connections. Resolves when those that there are have closed. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve()); // the error it may give is that it was not listening
    });
  }

  /** Closes every connection now. */
  destroyAll(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #admit(socket: Socket): boolean {
    const address = socket.remoteAddress;
    if (address === undefined) {
      socket.destroy(); // gone before we heard of it
      return false;
    }
    const { limits, log, observer, peers } = this.#surroundings;
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
    socket.on('error', () => {}); // reported by who reads it
    socket.once('close', () => {
      this.#sockets.delete(peer);
      const left = (this.#counts.get(address) ?? 1) - 1;
      if (left === 0) this.#counts.delete(address);
      else this.#counts.set(address, left);
    });
    return true;
  }
}

/** `ip:port` of the other end; IPv6 in brackets. */
export function peerOf({ remoteAddress = 'unknown', remotePort = 0 }: Socket): string {
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

const isOver = (count: number, limit: number | null): boolean => limit !== null && count >= limit;
