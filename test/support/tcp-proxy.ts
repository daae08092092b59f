import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fixedPort } from './ports.ts';

/** A TCP forwarder that fails as networks do. */
export interface TcpProxy {
  readonly port: number;
  /** Number of open connections. */
  readonly connections: number;
  /**
   * Forwards nothing and closes nothing from now on, like a peer that vanished without a FIN. New connections are
   * accepted.
   */
  hang(): void;
  /** Forwards again, including data that arrived meanwhile. */
  resume(): void;
  /** Forwards nothing more of the connections that are open, for good and without closing them. New ones are forwarded. */
  silence(): void;
  /** Resets all connections. New ones are forwarded. */
  cut(): void;
  /** Resets all connections, and new ones until `resume`, like a server that is gone. */
  refuse(): void;
  /** Delays data of both sides by `ms` from now on. */
  delay(ms: number): void;
  stop(): Promise<void>;
}

/** Starts a proxy to a port of 127.0.0.1, which listens at `host`. */
export async function startTcpProxy(target: number, host = '127.0.0.1'): Promise<TcpProxy> {
  const port = await fixedPort();
  const sockets = new Set<Socket>();
  let delayMs = 0;
  let isRefusing = false;
  let hanging: PromiseWithResolvers<void> | null = null;
  const silent = new WeakSet<Socket>();
  const passable = async (from: Socket) => {
    await hanging?.promise;
    if (silent.has(from)) await new Promise(() => {}); // for good
  };

  /** Waits on each chunk; order is kept, because the iteration goes on only then. */
  const forward = async (from: Socket, to: Socket) => {
    sockets.add(from);
    from.setNoDelay(true);
    from.on('error', () => {}).on('close', () => sockets.delete(from));
    try {
      for await (const chunk of from) {
        if (delayMs > 0) await delay(delayMs);
        await passable(from);
        if (!to.write(chunk)) await new Promise((resolve) => to.once('drain', resolve).once('close', resolve));
      }
      await passable(from);
      to.end();
    } catch {
      await passable(from);
      to.destroy();
    }
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true });
    void forward(client, upstream);
    void forward(upstream, client);
  });
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const resume = () => {
    isRefusing = false;
    hanging?.resolve();
    hanging = null;
  };
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(port, host, resolve));
  return {
    port,
    get connections() {
      return sockets.size / 2;
    },
    hang() {
      hanging ??= Promise.withResolvers<void>();
    },
    resume,
    silence() {
      for (const socket of sockets) silent.add(socket);
    },
    cut,
    refuse() {
      isRefusing = true;
      cut();
    },
    delay(ms) {
      delayMs = ms;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      resume();
      await closed;
    },
  };
}
