import { assertNever } from '../../src/lib/assert-never.ts';
import { sleep } from '../../src/lib/sleep.ts';
import { type NacosConnection, NacosError } from './connection.ts';
import { compareNames, type HttpGet } from './listing.ts';
import { type NacosService, nameKey } from './names.ts';
import type { Payload } from './payload.ts';
import { readPush } from './pushes.ts';
import { createSubscriptions, type SubscriptionsOptions } from './subscriptions.ts';

export interface NamespaceSessionOptions extends SubscriptionsOptions {
  readonly namespace: string;
  /** Services to follow; null for all. */
  readonly services: readonly NacosService[] | null;
  /** Groups to follow; null for all. */
  readonly groups: readonly string[] | null;
  readonly listSeconds: number;
  readonly settleSeconds: number;
  readonly reconcileSeconds: number;
  readonly get: HttpGet;
  /** Called when everything was received once since the connection. */
  readonly ready: () => void;
}

/** Follows the services of a namespace over one connection. */
export interface NamespaceSession {
  /** Handles a request of the server. */
  pushed(type: string, body: Payload['body']): void;
  /** Follows until the connection is lost. Rejects if the server refuses what is essential. */
  run(connection: NacosConnection, signal: AbortSignal): Promise<void>;
}

/** Interval of lists on servers that tell new services by themselves. */
const watchedListMs = 30_000;
/** Time in which the first list of a fuzzy watch must be complete. */
const fuzzyMs = 10_000;
/** Number of names that a fuzzy watch tells, unless the server is configured otherwise. */
const watchLimit = 500;
const groupsMessage =
  'the server does not tell this user all groups: services in groups other than DEFAULT_GROUP may be missing; set `groups`';

export function createSession(options: NamespaceSessionOptions): NamespaceSession {
  const { namespace, book, clock, log, services, groups, request, changed } = options;
  const fuzzyComplete = Promise.withResolvers<void>();
  /** Services that the fuzzy watch told. The server limits their number, 500 by default. */
  const told = new Set<string>();

  const subscriptions = createSubscriptions(options);

  function pushed(type: string, body: Payload['body']): void {
    const push = readPush(type, body, namespace);
    switch (push.type) {
      case 'service':
        subscriptions.received(push.name, push.info);
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
    const version = connection.hasFuzzyWatch ? 3 : 2;
    const comparison = { book, request, get: options.get, version, namespace, nowMs: clock.now() } as const;
    const { added, hasGroups } = await compareNames(comparison, groups);
    const isMissed = !hasGroups && (version === 2 || told.size >= watchLimit);
    options.problem(`${namespace} groups`, isMissed ? groupsMessage : null);
    for (const name of added) subscriptions.add(name);
    subscriptions.confirmLosses();
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
    subscriptions.confirmLosses();
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
