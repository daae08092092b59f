import { backoffMs } from '../../src/lib/backoff.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { sleep } from '../../src/lib/sleep.ts';
import type { NamespaceBook } from './book.ts';
import { NacosError } from './connection.ts';
import type { SendRequest } from './listing.ts';
import { type ServiceInfo, serviceInfo } from './messages.ts';
import { type NacosService, nameKey } from './names.ts';
import { createQueue } from './queue.ts';

export interface SubscriptionsOptions {
  readonly book: NamespaceBook;
  readonly clock: Clock;
  readonly log: Logger;
  /** Sends a request, and again with a new token if the first one was refused. */
  readonly request: SendRequest;
  /** Aborts when the connection is lost. */
  readonly signal: AbortSignal;
  /** Asks another server, or the same one later, for a service of which this one lists far fewer instances. */
  readonly secondOpinion: (name: NacosService) => Promise<ServiceInfo | null>;
  /** Called when the book has changes. */
  readonly changed: () => void;
  readonly problem: (origin: string, message: string | null) => void;
}

/** ServiceSubscriptions of one connection, and what becomes of the lists that they bring. */
export interface ServiceSubscriptions {
  /** Subscribes to a service, or compares it again. */
  add(name: NacosService): void;
  /** Applies a list of instances. */
  received(name: NacosService, info: ServiceInfo): void;
  /** Asks other servers about the losses in the book. */
  confirmLosses(): void;
  /** Resolves when no subscription is under way. */
  idle(): Promise<void>;
}

/** Number of subscriptions that wait for an answer at once. */
const concurrency = 16;
/** Delay before a server is asked again that disagrees with another one, or whose list may be out of date. */
const againMs = 5_000;
/** Back-off of subscriptions that fail while the connection holds. */
const retry = { baseMs: 1_000, maxMs: 60_000 };

export function createSubscriptions(options: SubscriptionsOptions): ServiceSubscriptions {
  const { book, clock, log, request, signal, changed, problem } = options;
  /** Failed subscriptions in a row, by service. */
  const failures = new Map<string, number>();
  const subscriptions = createQueue<NacosService>({ concurrency, keyOf: nameKey, run: subscribe });
  const confirmations = createQueue<NacosService>({ concurrency, keyOf: nameKey, run: confirm });

  async function subscribe(name: NacosService): Promise<void> {
    const { namespace, group: groupName, name: serviceName } = name;
    const body = { namespace, groupName, serviceName, clusters: '', subscribe: true, module: 'naming' };
    try {
      const answer = await request('SubscribeServiceRequest', body);
      received(name, serviceInfo.parse(answer.serviceInfo ?? {}));
      problem(nameKey(name), null);
      failures.delete(nameKey(name));
    } catch (cause) {
      if (!signal.aborted) failed(name, cause); // else everything is subscribed again over the next connection
    }
  }

  /** Asks again soon. A single timeout is not reported. */
  function failed(name: NacosService, cause: unknown): void {
    const attempt = failures.get(nameKey(name)) ?? 0;
    failures.set(nameKey(name), attempt + 1);
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof NacosError || attempt > 0) problem(nameKey(name), `it cannot be read: ${reason}`);
    addLater(name, backoffMs(attempt, retry));
  }

  function addLater(name: NacosService, delayMs: number): void {
    void sleep(clock, delayMs, signal).then(() => {
      if (!signal.aborted && book.has(name)) subscriptions.add(name);
    });
  }

  function received(name: NacosService, info: ServiceInfo): void {
    const receipt = book.received(name, info, clock.now());
    if (receipt.type === 'unconfirmed') confirmations.add(name);
    if (receipt.type !== 'applied') return;
    changed();
    if (receipt.hasReturned) addLater(name, againMs);
  }

  async function confirm(name: NacosService): Promise<void> {
    const info = await options.secondOpinion(name);
    if (signal.aborted) return;
    const isConfirmed = info !== null && book.confirm(name, info, clock.now());
    changed();
    if (isConfirmed) return;
    log.warn(
      { service: nameKey(name), isAnswered: info !== null },
      'loss of instances not confirmed by another server',
    );
    addLater(name, againMs);
  }

  return {
    add: subscriptions.add,
    received,
    confirmLosses() {
      for (const name of book.takeUnconfirmed()) confirmations.add(name);
    },
    idle: subscriptions.idle,
  };
}
