import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import type { ClusterCredentials, CredentialSource } from './credentials.ts';
import { http1Wire } from './http1.ts';
import { type Http2Options, type Http2Wire, http2Wire } from './http2.ts';
import type { Wire, WireRequest, WireResponse } from './wire.ts';

export interface ConnectionOptions extends Partial<Omit<Http2Options, 'clock'>> {
  readonly clock: Clock;
  /** Time in which a connection must be made, in milliseconds. */
  readonly connectMs?: number;
}

/** Connections to one apiserver that follow its address and credentials. */
export interface ApiConnection {
  /** Sends a request with the current credentials; again, once, if the server answers 401. */
  send(request: WireRequest): Promise<WireResponse>;
  close(): void;
}

/**
 * Creates the connection, which connects when it is needed. New credentials are used for the next requests; exchanges
 * that are under way end by themselves, so that a rotation interrupts no watch.
 */
export function createApiConnection(source: CredentialSource, options: ConnectionOptions): ApiConnection {
  const { clock, pingMs = 15_000, pongMs = 10_000, connectMs = 10_000 } = options;
  const closing = new AbortController();
  /** Everything that is open, also what is retired. */
  const wires = new Set<Wire>();
  let used: ClusterCredentials | null = null;
  let http1: Wire | null = null;
  let http2: Http2Wire[] = [];
  let dialling: Promise<void> | null = null;

  function follow(current: ClusterCredentials): void {
    if (used !== null && isSameServer(used, current)) return;
    for (const wire of http1 === null ? http2 : [http1]) wire.retire();
    http1 = null;
    http2 = [];
    used = current;
  }

  /** Sends over a connection that has room, which is made if there is none. */
  async function sendOver(request: WireRequest): Promise<WireResponse> {
    for (;;) {
      closing.signal.throwIfAborted();
      request.signal.throwIfAborted();
      if (used === null) throw new Error('a request was sent before its credentials were read');
      const target = used; // it may change while a connection is made
      if (!target.server.startsWith('https:')) http1 ??= kept(http1Wire(target));
      http2 = http2.filter((wire) => wire.isOpen());
      const free = http1 ?? http2.find((wire) => wire.hasRoom());
      if (free !== undefined) {
        for (const extra of http2.slice(1)) if (extra !== free && extra.isIdle()) extra.retire();
        return free.send(request);
      }
      dialling ??= dial(target).finally(() => {
        dialling = null;
      });
      await dialling;
    }
  }

  async function dial(target: ClusterCredentials): Promise<void> {
    const socket = await connect(target, AbortSignal.any([closing.signal, AbortSignal.timeout(connectMs)]));
    const isHttp2 = socket.alpnProtocol === 'h2';
    if (used !== target || !isHttp2) socket.destroy();
    if (used !== target) return; // the credentials changed meanwhile
    if (isHttp2) http2.push(kept(http2Wire(target.server, socket, { clock, pingMs, pongMs })));
    else http1 = kept(http1Wire(target));
  }

  function kept<Kind extends Wire>(wire: Kind): Kind {
    for (const old of wires) if (old.isDone()) wires.delete(old);
    wires.add(wire);
    return wire;
  }

  async function sendOnce(request: WireRequest): Promise<WireResponse> {
    const current = await source.current();
    follow(current);
    return sendOver({ ...request, headers: { ...request.headers, ...current.headers } });
  }

  return {
    async send(request) {
      const response = await sendOnce(request);
      if (response.status !== 401) return response;
      for await (const _ of response.body); // leaves the connection usable
      source.refused();
      return sendOnce(request);
    },
    close() {
      closing.abort(new Error('the client was closed'));
      for (const wire of wires) wire.close();
    },
  };
}

/** Opens a TLS connection that offers both versions of HTTP. */
function connect({ server, tls: material }: ClusterCredentials, signal: AbortSignal): Promise<tls.TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<tls.TLSSocket>();
  const { hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = tls.connect({
    host,
    port: Number(port || 443),
    servername: net.isIP(host) === 0 ? host : '', // an address is no server name
    ALPNProtocols: ['h2', 'http/1.1'],
    ...material,
  });
  const give = () => {
    socket.destroy();
    reject(signal.reason);
  };
  socket.setNoDelay(true);
  socket.once('secureConnect', () => resolve(socket));
  socket.once('error', reject);
  signal.addEventListener('abort', give, { once: true });
  return promise.finally(() => signal.removeEventListener('abort', give));
}

/** Reports whether connections made with the one serve the other: only the headers of requests may differ. */
const isSameServer = (a: ClusterCredentials, b: ClusterCredentials): boolean =>
  a.server === b.server && JSON.stringify(a.tls) === JSON.stringify(b.tls);
