import { assertNever } from '../../src/lib/assert-never.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { sleep } from '../../src/lib/sleep.ts';
import type { NamespaceBook } from './book.ts';
import { type NacosConnection, NacosError } from './connection.ts';
import { compareNames, type HttpGet, type SendRequest } from './listing.ts';
import { type ServiceInfo, serviceInfo } from './messages.ts';
import { type NacosService, nameKey } from './names.ts';
import type { Payload } from './payload.ts';
import { readPush } from './pushes.ts';
import { createQueue } from './queue.ts';

export interface NamespaceSessionOptions {
  readonly namespace: string;
  readonly book: NamespaceBook;
  readonly clock: Clock;
  readonly log: Logger;
  /** Services to follow; null for all. */
  readonly services: readonly NacosService[] | null;
  /** Groups to follow; null for all. */
  readonly groups: readonly string[] | null;
  readonly listSeconds: number;
  readonly settleSeconds: number;
  readonly reconcileSeconds: number;
  readonly get: HttpGet;
  /** Sends a request, and again with a new token if the first one was refused. */
  readonly request: SendRequest;
  /** Asks another server, or the same one later, for a service that this one lists as empty. */
  readonly secondOpinion: (name: NacosService) => Promise<ServiceInfo | null>;
  /** Called when the book has changes. */
  readonly changed: () => void;
  /** Called when everything was received once since the connection. */
  readonly ready: () => void;
  readonly problem: (origin: string, message: string | null) => void;
}

/** Follows the services of a namespace over one connection. */
export interface NamespaceSession {
  /** Handles a request of the server. */
  pushed(type: string, body: Payload['body']): void;
  /** Follows until the connection is lost. Rejects if the server refuses what is essential. */
  run(connection: NacosConnection, signal: AbortSignal): Promise<void>;
}

/** Number of subscriptions that wait for an answer at once. */
const concurrency = 16;
/** Interval of lists on servers that tell new services by themselves. */
const watchedListMs = 30_000;
/** Time in which the first list of a fuzzy watch must be complete. */
const fuzzyMs = 10_000;
/** Delay before a server is asked again that lists a service as empty against another server. */
const disagreementMs = 5_000;

export function createSession(options: NamespaceSessionOptions): NamespaceSession {
  const { namespace, book, clock, log, services, groups, request, changed, problem } = options;
  const fuzzyComplete = Promise.withResolvers<void>();
  /** Services that the fuzzy watch told. The server limits their number, 500 by default. */
  const told = new Set<string>();

  const subscriptions = createQueue<NacosService>({ concurrency, keyOf: nameKey, run: subscribe });
  const confirmations = createQueue<NacosService>({ concurrency, keyOf: nameKey, run: confirm });

  async function subscribe(name: NacosService): Promise<void> {
    const { group: groupName, name: serviceName } = name;
    const body = { namespace, groupName, serviceName, clusters: '', subscribe: true, module: 'naming' };
    try {
      const answer = await request('SubscribeServiceRequest', body);
      received(name, serviceInfo.parse(answer.serviceInfo ?? {}));
      problem(nameKey(name), null);
    } catch (cause) {
      // A lost connection ends the session; everything is subscribed again after it.
      if (cause instanceof NacosError) problem(nameKey(name), `it cannot be read: ${cause.message}`);
      else log.debug({ service: nameKey(name), err: cause }, 'subscription failed');
    }
  }

  function received(name: NacosService, info: ServiceInfo): void {
    const { type } = book.received(name, info);
    if (type === 'applied') changed();
    else if (type === 'unconfirmed') confirmations.add(name);
  }

  async function confirm(name: NacosService): Promise<void> {
    const info = await options.secondOpinion(name);
    if (info === null) return; // the next comparison asks again
    book.confirm(name, info);
    changed();
    if (info.hosts.length === 0) return;
    log.warn({ service: nameKey(name) }, 'empty list kept out, because another server has instances');
    clock.after(disagreementMs, () => subscriptions.add(name));
  }

  function pushed(type: string, body: Payload['body']): void {
    const push = readPush(type, body, namespace);
    switch (push.type) {
      case 'service':
        received(push.name, push.info);
        break;
      case 'names':
        for (const name of push.added) nameTold(name);
        if (push.isComplete) fuzzyComplete.resolve();
        break;
      case 'unknown':
        log.warn({ type }, 'message of the server left out');
        break;
      default:
        assertNever(push);
    }
  }

  function nameTold(name: NacosService): void {
    if (groups !== null && !groups.includes(name.group)) return;
    told.add(nameKey(name));
    if (book.add(name)) subscriptions.add(name);
  }

  async function watchNames(signal: AbortSignal): Promise<void> {
    const groupKeyPattern = `${namespace}>>*>>*`;
    const body = { namespace, groupKeyPattern, receivedGroupKeys: [], watchType: 'WATCH', module: 'naming' };
    try {
      await request('NamingFuzzyWatchRequest', { ...body, initializing: true });
      await Promise.race([fuzzyComplete.promise, sleep(clock, fuzzyMs, signal)]);
    } catch (cause) {
      if (!(cause instanceof NacosError) || cause.isDenied) throw cause;
      log.info({ namespace, reason: cause.message }, 'watch of names refused');
    }
  }

  async function list(connection: NacosConnection): Promise<void> {
    if (services !== null) return;
    const get = connection.hasFuzzyWatch ? null : options.get;
    const added = await compareNames({ book, request, get, namespace, nowMs: clock.now() }, groups);
    for (const name of added) subscriptions.add(name);
    changed();
  }

  async function listAgain(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isWatched = book.names().every((name) => told.has(nameKey(name)));
      await sleep(clock, isWatched ? watchedListMs : options.listSeconds * 1_000, signal);
      if (!signal.aborted) await list(connection);
    }
  }

  async function compareAgain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(clock, options.reconcileSeconds * 1_000, signal);
      if (!signal.aborted) for (const name of book.names()) subscriptions.add(name);
    }
  }

  async function settleLater(signal: AbortSignal): Promise<void> {
    await sleep(clock, options.settleSeconds * 1_000, signal);
    if (signal.aborted) return;
    book.settle();
    changed();
  }

  async function run(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    book.connected();
    for (const name of services ?? []) book.add(name);
    if (services === null) {
      if (connection.hasFuzzyWatch) await watchNames(signal);
      await list(connection);
    }
    for (const name of book.names()) subscriptions.add(name);
    await subscriptions.idle();
    if (signal.aborted) return;
    options.ready();
    await Promise.all([listAgain(connection, signal), compareAgain(signal), settleLater(signal)]);
  }

  return { pushed, run };
}
