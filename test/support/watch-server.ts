import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendList } from '../../src/api/rules/answers/list-answer.ts';
import { createAdapterObjects, withAdapterObjects } from '../../src/api/rules/objects/adapter-objects.ts';
import { wantsWatch } from '../../src/api/rules/watch/options.ts';
import { createWatches, type WatchesOptions } from '../../src/api/rules/watch/watch.ts';
import { createHttpServer } from '../../src/api/server.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { ruleBook } from '../../src/rules/book/rule-book.ts';
import { defaultMeshConfig } from '../../src/rules/mesh-config.ts';
import type { RuleId, RuleKind } from '../../src/rules/rule.ts';
import type { RuleStatus } from '../../src/rules/status.ts';
import type { StoredObject } from '../../src/rules/store.ts';
import { memoryStore } from '../../src/store/memory/memory.ts';
import { allowAll } from './allow-all.ts';
import { fakeClock } from './fake-clock.ts';
import { rawObject } from './model.ts';
import { ruleIdOf } from './rules.ts';
import { sampleKind, sampleObject } from './sample-kind.ts';

export const watchedKind: RuleKind = {
  ...sampleKind,
  columns: [
    { name: 'Hosts', type: 'string', about: 'its hosts', value: ({ hosts }) => String(hosts) },
    { name: 'Mode', type: 'string', about: 'its mode', wide: true, value: ({ mode }) => (mode as string) ?? null },
  ],
};

const apiVersion = 'sample.binnacle.io/v1';
export const sampleLists = `/apis/${apiVersion}/sampleroutes`;

/**
 * Starts lists and watches of the sample kind (`?team=a`: only with that label), over a store in memory, on a free port
 * of 127.0.0.1. `acknowledge` sets the number of acknowledgements in each object's status.
 */
export async function watchServer(options: Partial<WatchesOptions> = {}) {
  const clock = fakeClock();
  const book = ruleBook({ kinds: [watchedKind], mesh: defaultMeshConfig });
  const adapterObjects = createAdapterObjects(book, [watchedKind]);
  const store = withAdapterObjects(memoryStore({ clock }), adapterObjects);
  const acknowledged = new Map<string, number>();
  const listeners = new Set<(ids: readonly RuleId[]) => void>();
  const statuses = {
    subscribe(listener: (ids: readonly RuleId[]) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const watches = createWatches({ store, adapterObjects, statuses, clock, random: () => 0.5, ...options });
  const show = (object: StoredObject) => ({
    ...object,
    apiVersion,
    status: statusOf(acknowledged.get(object.metadata.name) ?? 0, object.metadata.generation),
  });
  const as = { kind: watchedKind, apiVersion, show, showDryRun: show, now: clock.now };

  const server = createHttpServer({
    log: silentLogger,
    accessCheck: allowAll,
    routes: [
      (scope) => {
        scope.addHook('preClose', async () => watches.close());
        for (const path of [sampleLists, `/apis/${apiVersion}/namespaces/:namespace/sampleroutes`]) {
          scope.get(path, async (incoming, reply) => {
            const { namespace } = incoming.params as { namespace?: string };
            const query = incoming.query as Record<string, string>;
            const matches = ({ metadata }: StoredObject) =>
              query.team === undefined || metadata.labels.team === query.team;
            if (wantsWatch(query)) {
              return watches.watchObjects(incoming, reply, { as, namespace: namespace ?? null, matches });
            }
            const { items, resourceVersion } = await store.list('SampleRoute', namespace);
            watches.noteList(resourceVersion);
            return sendList(incoming, reply, { list: { items, metadata: { resourceVersion } }, as });
          });
        }
      },
    ],
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo; // it listens on TCP

  const draft = (name: string, { namespace = 'default', team, hosts = ['a'] }: TeamDraftOptions = {}) => {
    const { apiVersion: version, kind, spec } = sampleObject({ spec: { hosts } });
    const labels: Record<string, string> = team === undefined ? {} : { team };
    return { apiVersion: version, kind, metadata: { name, namespace, labels, annotations: {} }, spec };
  };
  const author = { author: 'test' };
  return {
    port,
    store,
    clock,
    watches,
    listeners,
    put: (name: string, values?: TeamDraftOptions) =>
      store.transact([{ type: 'apply', draft: draft(name, values) }], author),
    putMany: (count: number, hosts: readonly string[] = ['a']) =>
      store.transact(
        Array.from({ length: count }, (_, index) => ({
          type: 'apply' as const,
          draft: draft(`r${String(index).padStart(5, '0')}`, { hosts }),
        })),
        author,
      ),
    remove: (name: string) =>
      store.remove({ kind: 'SampleRoute', namespace: 'default', name }, { ...author, expectedResourceVersion: null }),
    /** Adds an acknowledgement to these objects, and notifies listeners. */
    acknowledge: (...names: readonly string[]) => {
      for (const name of names) acknowledged.set(name, (acknowledged.get(name) ?? 0) + 1);
      for (const listener of listeners) listener(names.map((name) => ruleIdOf(`SampleRoute/default/${name}`)));
    },
    /** Lets a file define an object of this name; null removes the definition. */
    file(name: string, hosts: readonly string[] | null) {
      const object = { ...rawObject('SampleRoute', name, { hosts }), apiVersion };
      const removal = { type: 'object-removed', kind: 'SampleRoute', namespace: 'default', name } as const;
      book.apply('files', [hosts === null ? removal : { type: 'object', object }]);
    },
    watch: (query: string, headers: Record<string, string> = {}) => openWatch(port, query, headers),
    close: () => server.close(),
  };
}

export interface TeamDraftOptions {
  readonly namespace?: string;
  readonly team?: string;
  readonly hosts?: readonly string[];
}

const statusOf = (acknowledged: number, observedGeneration: number): RuleStatus => ({
  observedGeneration,
  conditions: [
    {
      type: 'Programmed',
      status: acknowledged > 0 ? 'True' : 'False',
      reason: acknowledged > 0 ? 'Programmed' : 'Pending',
      message: '',
      observedGeneration,
      lastTransitionTime: '2026-01-01T00:00:00.000Z',
    },
  ],
  proxies: { concerned: 5, acknowledged, pending: 5 - acknowledged, rejected: 0 },
  rejections: [],
});

export interface ReceivedEvent {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: objects, tables and errors, which tests look into
  readonly object: any;
}

export interface OpenWatch {
  /** Resolves with the answer's status and headers. */
  readonly answered: Promise<{ status: number; headers: Readonly<Record<string, unknown>> }>;
  /** Events so far. */
  readonly events: ReceivedEvent[];
  /** Events so far as `ADDED name`, `MODIFIED name`, … */
  summary(): readonly string[];
  /** True if the answer ended normally. */
  readonly ended: Promise<'complete' | 'broken'>;
  /** Stops reading until `resume`. */
  pause(): void;
  resume(): void;
  abandon(): void;
}

/** Watches the sample kind, with the query after `?watch=true`. A query that begins with `/` is a whole URL. */
export function openWatch(port: number, query: string, headers: Record<string, string> = {}): OpenWatch {
  const path = query.startsWith('/') ? query : `${sampleLists}?watch=true${query}`;
  const outgoing = request({ host: '127.0.0.1', port, path, headers, agent: false });
  const events: ReceivedEvent[] = [];
  let unfinished = '';
  let pausedEarly = false;
  let response: import('node:http').IncomingMessage | null = null;
  const answered = new Promise<{ status: number; headers: Readonly<Record<string, unknown>> }>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      response = incoming;
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers });
    });
  });
  answered.catch(() => {}); // a test that aborts the watch does not await it
  const ended = new Promise<'complete' | 'broken'>((resolve) => {
    outgoing.on('error', () => resolve('broken'));
    outgoing.on('response', (incoming) => {
      incoming.setEncoding('utf8');
      incoming.on('data', (text: string) => {
        const lines = (unfinished + text).split('\n');
        unfinished = lines.pop() ?? '';
        events.push(...lines.map((line) => JSON.parse(line) as ReceivedEvent)); // a watch sends these
      });
      incoming.on('error', () => resolve('broken'));
      incoming.on('end', () => resolve(incoming.complete ? 'complete' : 'broken'));
      if (pausedEarly) incoming.pause();
    });
  });
  outgoing.end();
  return {
    answered,
    events,
    summary: () => events.map(({ type, object }) => `${type} ${nameIn(object)}`.trim()),
    ended,
    pause() {
      pausedEarly = true;
      response?.pause();
    },
    resume() {
      pausedEarly = false;
      response?.resume();
    },
    abandon: () => outgoing.destroy(),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: as in WatchEvent
const nameIn = (object: any): string =>
  object.kind === 'Table'
    ? object.rows.map((row: { cells: string[] }) => row.cells[0]).join()
    : (object.metadata.name ?? '');
