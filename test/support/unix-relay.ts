import { connect, createServer, type Socket } from 'node:net';

/** A Unix socket that forwards to a TCP port, so that programs in other network namespaces can reach it. */
export interface UnixRelay {
  stop(): Promise<void>;
}

/** Starts a relay from the socket file at `path`, which must not exist, to a port of 127.0.0.1. */
export async function startUnixRelay(path: string, port: number): Promise<UnixRelay> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(path, resolve);
  });
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
