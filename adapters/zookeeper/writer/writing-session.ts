import type { ZooKeeperConnection } from '../client/connection.ts';
import type { NodeEvent } from '../client/protocol.ts';
import { keepSession, type SessionOptions } from '../client/session.ts';

export interface WritingSessionOptions extends Omit<SessionOptions, 'use' | 'lost' | 'endsSession'> {
  /** Called when a connection was lost, and when there is one again: nodes may be gone with their session. */
  readonly changed: () => void;
  readonly onEvent: (event: NodeEvent) => void;
}

/** Session that owns registered nodes. It begins when it is first used. */
export interface WritingSession {
  /** Resolves with a connection. Rejects with the reason if there is none. */
  connection(): Promise<ZooKeeperConnection>;
  /**
   * Keeps the session, once it is needed, until `signal` aborts. It is not ended then: its nodes stay until its timeout, so
   * that a process that follows within it takes them over without a gap.
   */
  run(signal: AbortSignal): Promise<void>;
}

export function createWritingSession(options: WritingSessionOptions): WritingSession {
  const needed = Promise.withResolvers<void>();
  /** Resolves after the first attempt to connect. */
  const attempted = Promise.withResolvers<void>();
  let current: ZooKeeperConnection | null = null;
  let trouble: string | null = null;

  async function use(opened: ZooKeeperConnection): Promise<void> {
    const isFirst = current === null && trouble === null;
    opened.onEvent = options.onEvent;
    current = opened;
    attempted.resolve();
    if (!isFirst) options.changed();
    const reason = await opened.closed;
    lost(reason.message);
  }

  function lost(reason: string): void {
    const wasConnected = current !== null;
    current = null;
    trouble = reason;
    attempted.resolve();
    if (wasConnected) options.changed();
  }

  return {
    async connection() {
      needed.resolve();
      await attempted.promise;
      if (current === null) throw new Error(trouble ?? 'there is no connection');
      return current;
    },
    async run(signal) {
      const stop = () => needed.resolve();
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      await needed.promise;
      await keepSession({ ...options, endsSession: false, use, lost }, signal);
      lost('it is shutting down');
    },
  };
}
