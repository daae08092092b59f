import { createServer, type IncomingMessage } from 'node:http';

export interface BackendRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A small HTTP server that answers with its name, to show where a sidecar sent a request. */
export interface Backend {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The requests received so far, in order. */
  readonly requests: readonly BackendRequest[];
  /** Answers the next `count` requests with `status` (503). */
  failNext(count: number, status?: number): void;
  /** Delays every later answer by this time. */
  delay(ms: number): void;
  /** Stops the server and breaks open connections. */
  stop(): Promise<void>;
}

/**
 * Answers every request with 200, its name as the body, `x-backend: <name>`, and every request header repeated as
 * `echo-<header>`. Listens on `address` (127.0.0.1; any 127.x.y.z works) and `port` (0: the system chooses), or on the
 * Unix domain socket at the path `socket`; its port is then 0.
 */
export async function startBackend(
  name: string,
  { address = '127.0.0.1', port = 0, socket }: { address?: string; port?: number; socket?: string } = {},
): Promise<Backend> {
  const requests: BackendRequest[] = [];
  let failures = { left: 0, status: 503 };
  let delayMs = 0;

  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    const failing = failures.left > 0;
    if (failing) failures = { ...failures, left: failures.left - 1 };
    request.resume();
    setTimeout(() => {
      if (response.destroyed) return;
      response.writeHead(failing ? failures.status : 200, { 'x-backend': name, ...echoes(request) });
      response.end(name);
    }, delayMs);
  });
  // Idle connections stay open. Otherwise, a busy machine closes one just as a sidecar sends a request over it.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    if (socket === undefined) server.listen(port, address, resolve);
    else server.listen(socket, resolve);
  });
  const bound = server.address();

  return {
    name,
    address,
    port: bound !== null && typeof bound === 'object' ? bound.port : 0,
    requests,
    failNext: (count, status = 503) => {
      failures = { left: count, status };
    },
    delay: (ms) => {
      delayMs = ms;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const echoes = (request: IncomingMessage) =>
  Object.fromEntries(Object.entries(request.headers).map(([header, value]) => [`echo-${header}`, String(value)]));
