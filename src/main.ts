import { access, constants, mkdir } from 'node:fs/promises';
import { hostname as machineName } from 'node:os';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { isRegistrationAdapter } from '../adapters/registration/index.ts';
import { debugRoutes } from './api/debug.ts';
import { fetchRoutes } from './api/fetch.ts';
import { health, type IndexEntry } from './api/health.ts';
import { closeHttp, listenHttp } from './api/listen.ts';
import { metricsRoute } from './api/metrics.ts';
import { type RegistrationApi, registrationRoutes } from './api/registration.ts';
import { discoveryRoutes } from './api/rules/discovery/discovery.ts';
import { openapiRoutes } from './api/rules/discovery/openapi.ts';
import { rulesApi } from './api/rules/routes.ts';
import { createHttpServer, type HttpRoutes } from './api/server.ts';
import { createAdapters, type MadeAdapter, runAdapters } from './cli/adapters.ts';
import { announcement } from './cli/announce.ts';
import type { ServeConfig } from './cli/config.ts';
import { createHttpDoor, readHttpDoorFiles } from './cli/http-door.ts';
import { readVersion } from './cli/version.ts';
import { createXdsServers } from './cli/xds-servers.ts';
import { createCompiler } from './compile/compiler.ts';
import type { KeptFile } from './disk/kept-file.ts';
import { type Clock, steadyClock, systemClock } from './lib/clock.ts';
import { MeshError } from './lib/errors.ts';
import type { Logger } from './lib/logger.ts';
import { doorReasons } from './model/access.ts';
import { hostname } from './model/names.ts';
import { clientStatusMethods } from './push/client-status/methods.ts';
import { Coordinator } from './push/coordinator.ts';
import { discoveryMethods } from './push/discovery/methods.ts';
import { restEndpoints } from './push/discovery/rest.ts';
import { createFeed, type Feed } from './push/feed.ts';
import { createFirstCompile } from './push/first-compile/first-compile.ts';
import { createKnownProxies } from './push/first-compile/known-proxies.ts';
import { keepKnownProxies, restoreKnownProxies } from './push/first-compile/known-proxies-file.ts';
import { likelyProxies } from './push/first-compile/likely-proxies.ts';
import { withSecond } from './push/observer.ts';
import { keepQuarantine, restoreQuarantine } from './push/quarantine/quarantine-file.ts';
import { createRuleFindings } from './push/status/findings/index.ts';
import { createRuleStatuses } from './push/status/statuses.ts';
import { allowList } from './registry/guests.ts';
import { createRegistry } from './registry/registry.ts';
import { cutOffs } from './rpc/observer.ts';
import { type RuleBook, ruleBook } from './rules/book/rule-book.ts';
import { ruleKinds, servedKinds } from './rules/kinds/index.ts';
import { messagesOn } from './rules/pending.ts';
import { createServiceEntryIndex } from './rules/service-entries/index.ts';
import type { RuleStore } from './rules/store.ts';
import { memoryStore } from './store/memory/memory.ts';
import { openSqliteStore } from './store/sqlite/sqlite.ts';
import { debugViews } from './telemetry/debug/views.ts';
import { createLogger } from './telemetry/logging.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createNews } from './telemetry/news.ts';

/** Runs the control plane until the process is told to stop. The only place that knows every room. */
export async function serve(config: ServeConfig): Promise<void> {
  const log = createLogger({ level: config.logLevel });
  const stopping = new AbortController();
  const clock = systemClock;
  const version = await readVersion();
  const isGuestAllowed = allowList(config.registration.allow);
  const registry = createRegistry({ clock, log, snapshotDir: join(config.dataDir, 'shards'), isGuestAllowed });
  // Before anything is opened: what is wrong with an adapter's configuration ends the start, and nothing is to be closed.
  const running = createAdapters(config, { clock, log, registry });
  const doorFiles = await readHttpDoorFiles(config.http, log);
  const serviceEntryShard = registry.shard('service-entries', 'service-entry', { required: true, keepSnapshot: false });
  await makeDataDirectory(config.dataDir);
  const book = ruleBook({ kinds: ruleKinds, mesh: config.mesh });
  const store = await openStore(config, { clock, log, prepare: book.prepare });
  store.subscribe((changes) => book.applyStore(changes));
  const metrics = createMetrics();

  const compiler = createCompiler({ domainSuffix: config.domainSuffix, mesh: config.mesh });
  const serviceEntries = createServiceEntryIndex();
  const findings = createRuleFindings({ book, mesh: compiler.mesh });
  compiler.onDirty(findings.marked);
  const news = createNews({ book, clock, log });
  const turns = { defer: setImmediate, elapsed: () => performance.now() };
  const known = createKnownProxies({ now: clock.now, changed: () => knownFile.touch() });
  const knownProxies = { path: join(config.dataDir, 'known-proxies.json'), known, log };
  const knownFile: KeptFile = keepKnownProxies({ ...knownProxies, clock });
  const statuses = createRuleStatuses({
    kinds: servedKinds,
    book,
    store,
    compiler,
    findings,
    coordinator: () => coordinator,
    serviceEntries,
    clock,
    log,
    ...turns,
  });
  const coordinator: Coordinator = new Coordinator({
    compiler,
    take(urgency) {
      if (urgency === 'configuration') statuses.taken();
      const changes = feed.take(urgency);
      news.taken(changes);
      return changes;
    },
    clock: steadyClock,
    log,
    observer: withSecond(withSecond(metrics.observer, statuses.observer), {
      ...news,
      connected(client) {
        news.connected(client);
        known.connected(client);
      },
      flushed: () => {},
    }),
    revisionOf: statuses.revisionOf,
    quarantineChanged: () => quarantineFile.touch(),
    timing: config.push,
    limits: config.xds.clientLimits,
    identifier: `binnacle/${version}@${machineName()}`,
    ...turns,
  });
  const rejectedParts = { path: join(config.dataDir, 'rejected-parts.json'), quarantine: coordinator.quarantine, log };
  const quarantineFile: KeptFile = keepQuarantine({ ...rejectedParts, clock });
  await restoreQuarantine(rejectedParts);
  await restoreKnownProxies(knownProxies);
  metrics.watch({ coordinator, registry, ruleProblems: statuses.problemCounts });
  for (const { name, adapter } of running) {
    if (!isRegistrationAdapter(adapter)) continue;
    const leases = metrics.leasesOf(name);
    adapter.book.watch((event) => {
      if (event.type === 'delete' && event.reason === 'expired') leases.expired();
    });
  }

  const awaited = () => registry.awaited();
  const firstCompile = createFirstCompile({
    coordinator,
    registryAwaits: awaited,
    proxies() {
      const connectedOnce = known.list().map(({ proxy }) => proxy);
      return connectedOnce.length > 0 ? connectedOnce : likelyProxies(compiler.mesh);
    },
    clock: steadyClock,
    log,
    elapsed: turns.elapsed,
  });
  const { domainSuffix } = config;
  const { nodeLimits, clientStatus: access } = config.xds;
  const discovery = { coordinator, log, awaited, domainSuffix, nodeLimits };
  const pause = () => new Promise<void>((done) => turns.defer(done));
  const rpc = await createXdsServers(config.xds, {
    services: [...discoveryMethods(discovery), ...clientStatusMethods({ clients: coordinator.clients, pause, access })],
    awaited: firstCompile.awaited,
    stopping: stopping.signal,
    observer: metrics.rpcObserver(cutOffs),
    clock: steadyClock,
    log,
  }).catch(async (error: unknown) => {
    await Promise.all([store.close(), registry.close()]);
    throw error;
  });
  const problems = () => messagesOn(book.rules(), ruleKinds, [compiler.problems(), serviceEntries.problems()]);
  const views = debugViews({ registry, book, coordinator, problems, findings: findings.of });
  const described = { kinds: servedKinds, version };
  const door = createHttpDoor(doorFiles, {
    clock,
    log,
    signal: stopping.signal,
    observer: metrics.doorObserver(doorReasons),
  });
  const http = createHttpServer({
    log,
    doors: door.doors,
    tls: door.tls,
    routes: [
      health({ awaited: firstCompile.awaited, troubles: () => registry.troubles(), index }),
      discoveryRoutes(described),
      openapiRoutes(described),
      rulesApi({ kinds: servedKinds, store, book, unresolved: findings.unresolved, awaited, statuses, clock }),
      ...registrationApi(running, {
        trail: { note: (entry) => store.note(entry), clock },
        whyNot: ({ namespace, host, vips }) => registry.whyNoGuest({ namespace, hostname: hostname(host), vips }),
      }),
      fetchRoutes(restEndpoints({ ...discovery, pause, elapsed: turns.elapsed }), clock),
      debugRoutes(views),
      metricsRoute(() => metrics.text()),
    ],
  });

  const listening = await rpc
    .listen()
    .then(async (xds) => ({ web: await listenHttp(http, config.http.address), xds: xds.plaintext, xdsTls: xds.tls }))
    .catch(async (error: unknown) => {
      await Promise.all([store.close(), registry.close(), rpc.close(), http.close()]);
      throw error;
    });
  // Only now, so that a start that fails says one thing. Until then readiness waits for the shard of service entries.
  const feed: Feed = createFeed({
    registry,
    book,
    serviceEntries,
    serviceEntryShard,
    changed: (urgency) => coordinator.changed(urgency),
  });
  coordinator.start(stopping.signal);
  firstCompile.start(stopping.signal);
  door.follow(http);
  const adaptersEnded = runAdapters(running, log, stopping.signal);
  const served = { ...listening, web: http.listeningOrigin };
  log.info({ ...served, adapters: running.map(({ name }) => name) }, 'serving');
  process.stdout.write(announcement(config, served));

  await toldToStop();
  log.info({}, 'stopping');
  stopping.abort();
  for (const client of coordinator.clients) client.outlet.end('the control plane is stopping');
  await Promise.all([rpc.drain(drainMs), closeHttp(http, { clock, graceMs: drainMs }), adaptersEnded]);
  feed.stop();
  metrics.stop();
  news.stop();
  await Promise.all([registry.close(), store.close(), quarantineFile.close(), knownFile.close()]);
}

/** How long open streams and HTTP requests may take to end. */
const drainMs = 2_000;

const index: readonly IndexEntry[] = [
  {
    path: '/apis/networking.istio.io/v1/namespaces/default/virtualservices',
    about: 'rules: GET, POST, PUT, PATCH, DELETE',
  },
  { path: '/registry/v1/namespaces/default/services', about: 'services that register themselves' },
  { path: '/v3/discovery:clusters', about: 'xDS for clients that poll: POST; also :endpoints, :listeners, :routes' },
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

async function openStore(
  { store }: ServeConfig,
  parts: { clock: Clock; log: Logger; prepare: RuleBook['prepare'] },
): Promise<RuleStore> {
  return store.type === 'memory' ? memoryStore(parts) : openSqliteStore({ ...parts, path: store.path });
}

function registrationApi(made: readonly MadeAdapter[], rest: Omit<RegistrationApi, 'book'>): readonly HttpRoutes[] {
  const books = made.flatMap(({ adapter }) => (isRegistrationAdapter(adapter) ? [adapter.book] : []));
  return books.slice(0, 1).map((book) => registrationRoutes({ book, ...rest }));
}

/**
 * Resolves when the process is told to stop, by SIGINT, SIGTERM or the end of its terminal. SIGHUP without a terminal is
 * ignored: Node.js does not inherit that nohup ignores it.
 */
async function toldToStop(): Promise<void> {
  const hasTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  const first = await new Promise<number>((resolve) => {
    const told = () => resolve(performance.now());
    process.on('SIGINT', told);
    process.on('SIGTERM', told);
    process.on('SIGHUP', () => {
      if (hasTerminal) told();
    });
  });
  process.on('SIGINT', () => {
    if (performance.now() - first > doubledWithinMs) process.exit(interruptedExitCode);
  });
}

/**
 * One order may come twice: a terminal and systemd signal every process of a group, and the launcher hands on what it
 * gets. So SIGTERM counts once, and a second SIGINT ends the process at once only after this time.
 */
const doubledWithinMs = 500;
/** Of a process that SIGINT ended, as shells count. */
const interruptedExitCode = 130;
