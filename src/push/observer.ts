import type { FlushWork } from '../compile/contract.ts';
import type { NamedType, XdsType } from '../proto/resource.ts';
import type { Response } from '../xds/wire/response.ts';
import type { Client, SentResponse } from './client.ts';

/** Receives the events of pushing, for metrics. Calls must be cheap: some come once per response and stream. */
export interface PushObserver {
  connected(client: Client): void;
  disconnected(client: Client, reason: string): void;
  /** Called for a refused client: its peer has reached the limit of scopes. */
  refused(): void;
  sent(client: Client, response: SentResponse): void;
  acknowledged(client: Client, response: Response, convergenceMs: number | null): void;
  rejected(client: Client, type: XdsType | NamedType): void;
  /** Called when deferred removals were sent before their time. */
  forcedRelease(type: XdsType, names: number): void;
  flushed(flush: FlushReport): void;
  /** Called for each answered request without a stream. `isKnown`: the client had the version already. */
  fetched(type: XdsType, isKnown: boolean): void;
}

export interface FlushReport {
  /** Milliseconds of work, without pauses for other work. */
  readonly workMs: number;
  /** Number of compiled layers; 0 if no rule's contributions changed. */
  readonly layersCompiled: number;
  readonly work: FlushWork;
  /** Number of resources changed or removed in all tables. */
  readonly resources: number;
}

/** Listener for changes of clients and tables. */
export type PushListener = Partial<Pick<PushObserver, 'connected' | 'disconnected' | 'flushed'>>;

/** Passes all events to `first`, and changes of clients and tables to added listeners. */
export function observers(first: PushObserver): { readonly observer: PushObserver; add(listener: PushListener): void } {
  const listeners: PushListener[] = [];
  const observer: PushObserver = {
    ...first,
    connected(client) {
      first.connected(client);
      for (const listener of listeners) listener.connected?.(client);
    },
    disconnected(client, reason) {
      first.disconnected(client, reason);
      for (const listener of listeners) listener.disconnected?.(client, reason);
    },
    flushed(flush) {
      first.flushed(flush);
      for (const listener of listeners) listener.flushed?.(flush);
    },
  };
  return { observer, add: (listener) => void listeners.push(listener) };
}

/** Observes nothing: for tests. */
export const unobserved: PushObserver = {
  connected: () => {},
  disconnected: () => {},
  refused: () => {},
  sent: () => {},
  acknowledged: () => {},
  rejected: () => {},
  forcedRelease: () => {},
  flushed: () => {},
  fetched: () => {},
};
