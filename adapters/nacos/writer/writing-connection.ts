import { type ConnectionUse, type KeptConnectionOptions, keepConnection } from '../keep-connection.ts';
import type { SendRequest } from '../listing.ts';

export interface WritingConnectionOptions extends Omit<KeptConnectionOptions, 'module' | 'lost'> {
  /** Called when the connection was lost, and when there is one again: the server has removed what was registered. */
  readonly lost: () => void;
}

/** Connection that owns registered instances: the server removes them with it. It is opened when it is first used. */
export interface WritingConnection {
  /** Sends a request. Rejects with a `NacosError` if the server refuses it, or with the reason why there is no connection. */
  readonly request: SendRequest;
  /** Keeps a connection, once one is needed, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createWritingConnection(options: WritingConnectionOptions): WritingConnection {
  const needed = Promise.withResolvers<void>();
  /** Resolves after the first attempt to connect. */
  const attempted = Promise.withResolvers<void>();
  let send: SendRequest | null = null;
  let trouble: string | null = null;

  function connected(request: SendRequest): void {
    options.rotation.succeeded();
    send = request;
    attempted.resolve();
    if (trouble !== null) options.lost();
  }

  function lost(reason: string): void {
    const wasConnected = send !== null;
    send = null;
    trouble = reason;
    attempted.resolve();
    if (wasConnected) options.lost();
  }

  const use = (request: SendRequest): ConnectionUse => ({
    pushed() {},
    async run(connection) {
      connected(request);
      await connection.lost;
    },
  });

  return {
    async request(type, body) {
      needed.resolve();
      await attempted.promise;
      if (send === null) throw new Error(trouble ?? 'there is no connection');
      return await send(type, body);
    },
    async run(signal) {
      const stop = () => needed.resolve();
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      await needed.promise;
      await keepConnection({ ...options, module: 'naming', lost }, ({ request }) => use(request), signal);
      lost('it is shutting down');
    },
  };
}
