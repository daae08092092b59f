import { once } from 'node:events';
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { isRegistrationAdapter } from '../adapters/registration/index.ts';
import { debugRoutes } from './api/debug.ts';
import { health, type IndexEntry } from './api/health.ts';
import { closeHttp, listenError, listenHttp } from './api/listen.ts';
import { metricsRoute } from './api/metrics.ts';
import { registrationRoutes } from './api/registration.ts';
import { rulesApi } from './api/rules.ts';
import { createHttpServer, type HttpRoutes } from './api/server.ts';
import { createAdapters, type MadeAdapter, runAdapters } from './cli/adapters.ts';
import { announcement } from './cli/announce.ts';
import type { ServeConfig } from './cli/config.ts';
import { createCompiler } from './compile/compiler.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { MeshError } from './lib/errors.ts';
import { adsMethods } from './push/ads.ts';
import { Coordinator } from './push/coordinator.ts';
import { createFeed, type Feed } from './push/feed.ts';
import { createRegistry } from './registry/registry.ts';
import { createRpcServer, type RpcServer } from './rpc/server.ts';
import { ruleBook } from './rules/book/rule-book.ts';
import { ruleKinds } from './rules/kinds/index.ts';
import { createServiceEntryIndex } from './rules/service-entries/index.ts';
import { memoryStore } from './rules/store/memory.ts';
import { openSqliteStore } from './rules/store/sqlite.ts';
import type { RuleStore } from './rules/store/store.ts';
import { debugViews } from './telemetry/debug/views.ts';
import { createLogger } from './telemetry/logging.ts';
import { createMetrics } from './telemetry/metrics.ts';

/** Runs the control plane until the process is told to stop. The only place that knows every room. */
export async function serve(config: ServeConfig): Promise<void> {
  const log = createLogger({ level: config.logLevel });
  const stopping = new AbortController();
  const clock = systemClock;
  const registry = createRegistry({ clock, log, snapshotDir: join(config.dataDir, 'shards') });
  // Before anything is opened: what is wrong with an adapter's configuration ends the start, and nothing is to be closed.
  const running = createAdapters(config, { clock, log, registry });
  const serviceEntryShard = registry.shard('service-entries', 'service-entry', { required: true, keepSnapshot: false });
  await makeDataDirectory(config.dataDir);
  const store = await openStore(config, clock);
  const book = ruleBook({ kinds: ruleKinds, mesh: config.mesh });
  store.subscribe((changes) => book.applyStore(changes));
  const metrics = createMetrics();

  const compiler = createCompiler({ domainSuffix: config.domainSuffix, mesh: config.mesh });
  const coordinator: Coordinator = new Coordinator({
    compiler,
    take: () => feed.take(),
    clock,
    log,
    observer: metrics.observer,
    timing: config.push,
    defer: setImmediate,
    elapsed: () => performance.now(),
  });
  metrics.watch({ coordinator, registry });

  const awaited = () => registry.awaited();
  const rpc = createRpcServer({
    services: adsMethods({ coordinator, log, awaited, domainSuffix: config.domainSuffix }),
    clock,
    log,
  });
  const problems = () => new Map([...compiler.problems(), ...serviceEntries.problems()]);
  const views = debugViews({ registry, book, coordinator, problems });
  const http = createHttpServer({
    log,
    routes: [
      health({ awaited, index }),
      rulesApi({ kinds: ruleKinds, store, book }),
      ...registrationApi(running),
      debugRoutes(views),
      metricsRoute(() => metrics.text()),
    ],
  });

  try {
    await listen({ config, rpc, http });
  } catch (error) {
    await Promise.all([store.close(), registry.close(), rpc.close(), http.close()]);
    throw error;
  }
  // Only now, so that a start that fails says one thing. Until then readiness waits for the shard of service entries.
  const serviceEntries = createServiceEntryIndex();
  const feed: Feed = createFeed({
    registry,
    book,
    serviceEntries,
    serviceEntryShard,
    changed: (urgency) => coordinator.changed(urgency),
  });
  coordinator.start(stopping.signal);
  const adaptersEnded = runAdapters(running, log, stopping.signal);
  const served = { web: http.listeningOrigin, xds: `${rpc.address?.host}:${rpc.address?.port}` };
  log.info({ ...served, adapters: running.map(({ name }) => name) }, 'serving');
  process.stdout.write(announcement(config, served));

  await toldToStop();
  log.info({}, 'stopping');
  stopping.abort();
  for (const client of coordinator.clients) client.outlet.end('the control plane is stopping');
  await Promise.all([rpc.drain(drainMs), closeHttp(http, { clock, graceMs: drainMs }), adaptersEnded]);
  feed.stop();
  metrics.stop();
  await Promise.all([registry.close(), store.close()]);
}

/** How long open streams and HTTP requests may take to end. */
const drainMs = 2_000;

const index: readonly IndexEntry[] = [
  {
    path: '/apis/networking.istio.io/v1/namespaces/default/virtualservices',
    about: 'rules: GET, POST, PUT, PATCH, DELETE',
  },
  { path: '/registry/v1/namespaces/default/services', about: 'services that register themselves' },
  { path: '/debug', about: 'debug views' },
  { path: '/metrics', about: 'metrics for Prometheus' },
];

async function makeDataDirectory(directory: string): Promise<void> {
  try {
    const shards = join(directory, 'shards');
    for (const path of [directory, shards]) {
      await mkdir(path, { recursive: true });
      await access(path, constants.W_OK);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const cure = 'correct its owner or mode, or choose another with --data-dir';
    throw new MeshError('DATA_DIR_UNWRITABLE', `the data directory ${directory} cannot be written (${why}): ${cure}`, {
      cause,
    });
  }
}

async function openStore({ store }: ServeConfig, clock: Clock): Promise<RuleStore> {
  return store.type === 'memory' ? memoryStore({ clock }) : openSqliteStore({ path: store.path, clock });
}

function registrationApi(made: readonly MadeAdapter[]): readonly HttpRoutes[] {
  const books = made.flatMap(({ adapter }) => (isRegistrationAdapter(adapter) ? [adapter.book] : []));
  return books.slice(0, 1).map((book) => registrationRoutes(book));
}

interface Servers {
  readonly config: ServeConfig;
  readonly rpc: RpcServer;
  readonly http: FastifyInstance;
}

async function listen({ config, rpc, http }: Servers): Promise<void> {
  const { plaintext, tls } = config.xds;
  if (tls !== null)
    throw new MeshError('CONFIG_INVALID', 'xDS with TLS is not served yet: leave out --xds-tls and xds.tls');
  await rpc.listen(plaintext.host, plaintext.port).catch((cause: unknown) => {
    const own = cause instanceof MeshError && cause.cause !== undefined ? cause.cause : cause;
    throw listenError(own, { address: `${plaintext.host}:${plaintext.port}`, flag: '--xds' });
  });
  await listenHttp(http, config.http);
}

async function toldToStop(): Promise<void> {
  const told = new AbortController();
  await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal, { signal: told.signal })));
  told.abort();
}
