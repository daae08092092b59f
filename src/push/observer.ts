import type { FlushWork } from '../compile/contract.ts';
import type { NamedType, XdsType } from '../proto/resource.ts';
import type { Response } from '../xds/wire/response.ts';
import type { Client, SentResponse } from './client.ts';

/** Receives the events of pushing, for metrics. Calls must be cheap: some come once per response and stream. */
export interface PushObserver {
  connected(client: Client): void;
  disconnected(client: Client, reason: string): void;
  /** A client was not served: its peer has as many scopes as it may. */
  refused(): void;
  sent(client: Client, response: SentResponse): void;
  acknowledged(client: Client, response: Response, convergenceMs: number | null): void;
  rejected(client: Client, type: XdsType | NamedType): void;
  /** Withheld removals went before their time. */
  forcedRelease(type: XdsType, names: number): void;
  flushed(flush: FlushReport): void;
  /** A request without a stream was answered; `isKnown`: the client had it already. */
  fetched(type: XdsType, isKnown: boolean): void;
}

export interface FlushReport {
  /** Milliseconds of work, without the pauses for other work in between. */
  readonly workMs: number;
  /** Layers of which something was compiled; 0: no rule contributes to anything else than before. */
  readonly layersCompiled: number;
  readonly work: FlushWork;
  /** Resources changed or removed in all tables. */
  readonly resources: number;
}

/** Told what changes the clients and the tables. */
export type PushListener = Partial<Pick<PushObserver, 'connected' | 'disconnected' | 'flushed'>>;

/** Tells `first` everything, and those who are added later what changes the clients and the tables. */
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
