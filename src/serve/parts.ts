import { hostname as machineName } from 'node:os';
import type { AdapterTrouble } from '../api/health.ts';
import { createCompiler } from '../compile/compiler.ts';
import type { Compiler } from '../compile/contract.ts';
import { type Clock, steadyClock } from '../lib/clock.ts';
import { contentHash } from '../lib/hash.ts';
import type { Logger } from '../lib/logger.ts';
import { createAutoRegistration } from '../push/auto-registration/auto-registration.ts';
import { Coordinator } from '../push/coordinator.ts';
import type { DiscoveryOptions } from '../push/discovery/discovery-stream.ts';
import { createFeed, type Feed } from '../push/feed.ts';
import { createFirstCompile, type FirstCompile } from '../push/first-compile/first-compile.ts';
import { createKnownProxies } from '../push/first-compile/known-proxies.ts';
import { restoreKnownProxies, saveKnownProxies } from '../push/first-compile/known-proxies-file.ts';
import { likelyProxies } from '../push/first-compile/likely-proxies.ts';
import { observers } from '../push/observer.ts';
import { restoreQuarantine, saveQuarantine } from '../push/quarantine/quarantine-file.ts';
import { createCompileProgress } from '../push/status/compile-progress.ts';
import { createRuleFindings, type RuleFindings } from '../push/status/findings/index.ts';
import { createRuleStatuses, type LiveRuleStatuses } from '../push/status/statuses.ts';
import type { Registry } from '../registry/contract.ts';
import { createRegistry } from '../registry/registry.ts';
import { servicePatterns } from '../registry/service-patterns.ts';
import { type RuleBook, ruleBook } from '../rules/book/rule-book.ts';
import { ruleKinds, servedKinds } from '../rules/kinds/index.ts';
import { createServiceEntryIndex, type ServiceEntryIndex } from '../rules/service-entries/index.ts';
import type { RuleStore } from '../rules/store.ts';
import { memoryStore } from '../store/memory/memory.ts';
import { openSqliteStore } from '../store/sqlite/sqlite.ts';
import { createChangeLogger } from '../telemetry/change-logger.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createAdapters, type MadeAdapter } from './adapters.ts';
import type { ServeConfig } from './config.ts';
import { dataPaths, makeDataDirectory } from './data-directory.ts';
import { type ClusterStore, openClusterStore } from './kubernetes-store.ts';

/** Parts of a control plane, before it serves clients. */
export interface Parts {
  readonly metrics: Metrics;
  readonly registry: Registry;
  readonly adapters: readonly MadeAdapter[];
  readonly store: RuleStore;
  /** The store, if it is in a cluster. */
  readonly cluster: ClusterStore | null;
  readonly book: RuleBook;
  readonly compiler: Compiler;
  readonly serviceEntries: ServiceEntryIndex;
  readonly findings: RuleFindings;
  readonly coordinator: Coordinator;
  readonly statuses: LiveRuleStatuses;
  readonly feed: Feed;
  /** The names of what must have synced first. */
  readonly awaited: () => readonly string[];
  /** The store, if its objects may be stale. */
  readonly storeTroubles: () => readonly AdapterTrouble[];
  readonly firstCompile: FirstCompile;
}

/** Parts of the process that every other part may use. */
export interface ServeContext {
  readonly config: ServeConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Resources to close, in order of creation. */
  readonly closing: AsyncDisposableStack;
}

/** `defer` runs a function after input and timers had their turn. `elapsed` is a monotonic time in milliseconds. */
export const turns = { defer: setImmediate, elapsed: () => performance.now() };

/** Resolves after input and timers had their turn. */
export const pause = (): Promise<void> => new Promise((done) => void turns.defer(done));

/** Options of the discovery services, for streams and for polling clients. */
export const discoveryOptions = ({ coordinator, awaited }: Parts, { config, log }: ServeContext): DiscoveryOptions => ({
  coordinator,
  log,
  awaited,
  domainSuffix: config.domainSuffix,
  nodeLimits: config.xds.nodeLimits,
});

/** Creates the parts, each from the previous ones. Rejects if the configuration cannot be used. */
export async function createParts({ config, version, clock, log, closing }: ServeContext): Promise<Parts> {
  const paths = dataPaths(config.dataDir);
  const metrics = createMetrics();
  closing.defer(() => metrics.stop());
  const registry = createRegistry({
    clock,
    log,
    snapshotDir: paths.shards,
    isRegistrationAllowed: servicePatterns(config.registration.allow),
    isOfOneAdapter: servicePatterns(config.merging.oneAdapterOnly),
  });
  closing.defer(() => registry.close());
  const adapters = createAdapters(config, { clock, log, registry, observerOf: metrics.adapterObserver });
  const serviceEntryShard = registry.shard('service-entries', 'service-entry', {
    required: true,
    savesSnapshot: false,
  });

  await makeDataDirectory(config.dataDir);
  const book = ruleBook({ kinds: ruleKinds, mesh: config.mesh });
  const { store, cluster } = await openStore({ config, clock, log, closing }, book.prepare);
  store.subscribe((changes) => book.applyStore(changes));
  const changeLogger = createChangeLogger({ book, clock, log });
  closing.defer(() => changeLogger.stop());

  const compiler = createCompiler({ domainSuffix: config.domainSuffix, mesh: config.mesh });
  const serviceEntries = createServiceEntryIndex();
  const findings = createRuleFindings({ book, mesh: compiler.mesh });
  compiler.onDirty(findings.worldChanged);
  const feed = createFeed({ registry, book, serviceEntries, serviceEntryShard });
  closing.defer(() => feed.stop());

  const progress = createCompileProgress();
  const { observer, add } = observers(metrics.observer);
  const coordinator = new Coordinator({
    compiler,
    take(urgency) {
      if (urgency === 'configuration') progress.flushBegan();
      const changes = feed.take(urgency);
      changeLogger.applied(changes);
      return changes;
    },
    clock: steadyClock,
    log,
    observer,
    revisionOf: progress.revisionOf,
    timing: config.push,
    limits: config.xds.clientLimits,
    identifier: `binnacle/${version}@${machineName()}`,
    ...turns,
  });
  const kinds = servedKinds;
  const knowing = { kinds, book, store, compiler, findings, coordinator, progress, serviceEntries };
  const statuses = createRuleStatuses({ ...knowing, clock, log, ...turns });
  add(statuses.observer);
  add({ connected: changeLogger.connected, disconnected: changeLogger.disconnected });
  const registration = createAutoRegistration({
    store,
    book,
    clock,
    log,
    controller: `${machineName()}-${contentHash(config.dataDir).slice(0, 8)}`,
    graceMs: config.registration.graceSeconds * 1000,
    anyone: config.registration.workloads === 'any',
  });
  closing.defer(() => registration.stop());
  add({ connected: registration.connected, disconnected: registration.disconnected });
  const known = createKnownProxies({ now: clock.now });
  add({ connected: known.connected });
  metrics.watch({ coordinator, registry, ruleProblems: statuses.problemCounts });

  const rejectedParts = { path: paths.rejectedParts, quarantine: coordinator.quarantine, log };
  const quarantineFile = saveQuarantine({ ...rejectedParts, clock });
  closing.defer(() => quarantineFile.close());
  await restoreQuarantine(rejectedParts);
  const knownProxies = { path: paths.knownProxies, known, log };
  const knownFile = saveKnownProxies({ ...knownProxies, clock });
  closing.defer(() => knownFile.close());
  await restoreKnownProxies(knownProxies);

  const awaited = () => [...registry.awaited(), ...(cluster?.store.isReady() === false ? [storeName] : [])];
  const storeTroubles = () => {
    const reason = cluster?.store.trouble() ?? null;
    return reason === null ? [] : [{ name: storeName, state: 'degraded', reason }];
  };
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
  return { ...knowing, metrics, registry, adapters, cluster, statuses, feed, awaited, storeTroubles, firstCompile };
}

/** Name of the store among what is awaited or degraded. */
const storeName = 'rules store';

/** Opens the store; `cluster` is null unless it is in one. */
async function openStore(
  { config, clock, log, closing }: Omit<ServeContext, 'version'>,
  prepare: RuleBook['prepare'],
): Promise<{ readonly store: RuleStore; readonly cluster: ClusterStore | null }> {
  const { store: kept, dataDir } = config;
  if (kept.type === 'kubernetes') {
    const cluster = await openClusterStore(kept, { clock, log, dataDir });
    closing.defer(() => cluster.client.close());
    closing.defer(() => cluster.store.close());
    return { store: cluster.store, cluster };
  }
  const parts = { clock, log, prepare };
  const store = kept.type === 'memory' ? memoryStore(parts) : await openSqliteStore({ ...parts, path: kept.path });
  closing.defer(() => store.close());
  return { store, cluster: null };
}
