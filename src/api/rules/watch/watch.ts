import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../lib/clock.ts';
import type { RuleStatuses } from '../../../rules/status.ts';
import type { RuleStore, StoredObject } from '../../../rules/store.ts';
import { ApiError, failure } from '../../status.ts';
import { createTurns } from '../../turns.ts';
import type { Presentation } from '../answers/list-answer.ts';
import { answerForm } from '../answers/negotiate.ts';
import type { AdapterObjects } from '../objects/adapter-objects.ts';
import { eventTexts, eventWriter } from './events.ts';
import { createWatchListener } from './listener.ts';
import { type WatchOptions, watchOptions } from './options.ts';
import { WatchStream, type WatchStreamOptions } from './stream.ts';

/** Scope of a watch. */
export interface WatchScope {
  readonly as: Presentation;
  /** Namespace of the watch; null for all namespaces. */
  readonly namespace: string | null;
  /** Evaluates the selectors of the request. */
  readonly matches: (object: StoredObject) => boolean;
}

/** All watches of a server. */
export interface ObjectWatches {
  /** Answers a list request that asks for a watch. Resolves when the watch has ended. */
  watchObjects(request: FastifyRequest, reply: FastifyReply, scope: WatchScope): Promise<FastifyReply>;
  /**
   * Remembers a list; callers invoke it before they answer. A status has no version, so a watch that starts at the
   * list's version needs to know which statuses its client has seen.
   */
  noteList(resourceVersion: string): void;
  readonly count: number;
  /** Ends all watches properly; clients reconnect. */
  close(): void;
}

export interface WatchesOptions {
  readonly store: RuleStore;
  readonly adapterObjects: Pick<AdapterObjects, 'subscribe'>;
  readonly statuses: Pick<RuleStatuses, 'subscribe'>;
  readonly clock: Clock;
  /** Returns a number from 0 to 1. */
  readonly random?: () => number;
  readonly maxWatches?: number;
}

/** Interval of TCP keep-alive, which detects dead clients while nothing is written. */
const keepAliveMs = 30_000;

export function createWatches({
  store,
  adapterObjects,
  statuses,
  clock,
  random = Math.random,
  maxWatches = 1_000,
}: WatchesOptions): ObjectWatches {
  const streams = new Set<WatchStream>();
  const texts = eventTexts();
  const turn = createTurns();
  const listener = createWatchListener({
    store,
    adapterObjects,
    statuses,
    clock,
    isWatched: () => streams.size > 0,
    changed(kinds) {
      for (const stream of streams) if (kinds.has(stream.kind)) stream.wake();
    },
  });
  const { statusLog } = listener;
  let closed = false;

  const refuseTooMany = (reply: FastifyReply) => {
    if (closed) throw new ApiError(failure('ServiceUnavailable', 'the control plane is stopping: watch again'));
    if (streams.size < maxWatches) return;
    reply.header('retry-after', '10');
    const message = `${maxWatches} watches are open, and there may be no more: end some, or watch again later`;
    throw new ApiError(failure('TooManyRequests', message));
  };

  const beginning = async (start: WatchOptions['start'], kind: string, namespace: string | null) => {
    if (start.type === 'after') {
      const { resourceVersion } = start;
      return { ...nothingFirst, resourceVersion, statusPosition: listener.statusPositionOf(resourceVersion) };
    }
    const statusPosition = statusLog.end;
    const { items, resourceVersion } = await store.list(kind, namespace ?? undefined);
    if (start.type === 'now') return { ...nothingFirst, resourceVersion, statusPosition };
    if (start.notOlderThan !== null && Number(start.notOlderThan) > Number(resourceVersion)) {
      const message = `resourceVersion ${start.notOlderThan} is not reached yet, or of another store (it is at ${resourceVersion}): begin without one`;
      throw new ApiError(failure('Expired', message));
    }
    return { initial: items, markInitialEnd: start.markEnd, resourceVersion, statusPosition };
  };

  const run = async (options: WatchStreamOptions) => {
    const stream = new WatchStream(options);
    streams.add(stream);
    try {
      await stream.run();
    } catch {
      options.response.destroy(); // the client watches again
    } finally {
      streams.delete(stream);
      listener.ended();
    }
  };

  return {
    get count() {
      return streams.size;
    },
    async watchObjects(request, reply, { as, namespace, matches }) {
      const { start, bookmarks, timeoutMs } = watchOptions(request.query as Query, random); // parsed by fastify
      const events = eventWriter({ as, form: answerForm(request), texts });
      listener.begin();
      const from = await beginning(start, as.kind.kind, namespace);
      refuseTooMany(reply); // checked here: no other watch can start between check and start
      if (request.method === 'HEAD') return reply.type('application/json').send('');

      reply.hijack(); // without this, fastify waits for the answer to end
      request.raw.socket.setKeepAlive(true, keepAliveMs);
      const scope = { kind: as.kind, namespace, matches };
      const parts = { response: reply.raw, store, statusLog, events, clock, turn };
      await run({ ...scope, ...parts, ...from, bookmarks, timeoutMs });
      return reply;
    },
    noteList: listener.noteList,
    close() {
      closed = true;
      listener.stop();
      for (const stream of streams) stream.end();
    },
  };
}

type Query = Readonly<Record<string, unknown>>;

const nothingFirst = { initial: [], markInitialEnd: false };
