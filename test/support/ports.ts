import { createServer } from 'node:net';

/**
 * Returns different free ports of 127.0.0.1. Holds all until the last one is known. Another program may still bind one
 * before its use, but the system assigns ports in turn, so that is unlikely.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.on('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            if (address === null || typeof address === 'string') reject(new Error('a TCP server has a port'));
            else resolve(address.port);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('one port was asked for');
  return port;
}

let tried = 20_000 + (process.pid % 100) * 100;

/**
 * Returns a free port of 127.0.0.1 that systems do not assign to clients. A server that is restarted on it finds it
 * free.
 */
export async function fixedPort(): Promise<number> {
  for (;;) {
    tried = tried < 31_999 ? tried + 1 : 20_000;
    if (await isFree(tried)) return tried;
  }
}

/** Reports whether a port of 127.0.0.1 can be bound. */
export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
