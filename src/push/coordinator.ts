import type { ContributedPart, FlushResult, MovedProxies, TableChange } from '../compile/contract.ts';
import { startSlices } from '../lib/slices.ts';
import type { Proxy } from '../model/proxy.ts';
import type { XdsType } from '../proto/resource.ts';
import type { Urgency } from '../registry/contract.ts';
import { mayHaveResponse, nextDeadline } from '../xds/stream/next.ts';
import type { RequestOutcome } from '../xds/stream/receive.ts';
import { prepareToForget, type StreamContext, type View } from '../xds/stream/stream.ts';
import { InterestPool } from '../xds/tables/interest.ts';
import { NamePool } from '../xds/tables/names.ts';
import type { Sender } from '../xds/tables/sender.ts';
import type { Response } from '../xds/wire/response.ts';
import { callerOf } from './caller.ts';
import { ChangeTimes } from './change-times.ts';
import { Client, type ConnectingClient } from './client.ts';
import { defaultClientLimits } from './client-limits.ts';
import { ClientsByFact } from './clients-by-fact.ts';
import type { CoordinatorOptions } from './coordinator-options.ts';
import { FlushSchedule } from './flush-schedule.ts';
import { Flusher } from './flusher.ts';
import type { PushObserver } from './observer.ts';
import { Pacer } from './pacer.ts';
import { createQuarantine, type Quarantine } from './quarantine/quarantine.ts';
import { isInTables, recordAcceptance, recordRejection } from './rejections.ts';
import { ScopesByPeer } from './scopes-by-peer.ts';
import { ServedLayers, viewOf } from './served-layers.ts';
import { StreamsByProxy } from './streams-by-proxy.ts';
import { UnansweredResponses } from './unanswered-responses.ts';

/**
 * Connects compiler and streams: it has changes compiled, commits the result to tables, and wakes the streams that are behind.
 * All mutable state of pushing is here or in parts that belong to it.
 */
export class Coordinator {
  readonly context: StreamContext;
  readonly layers = new ServedLayers();
  readonly clients = new Set<Client>();
  readonly #byFact: ClientsByFact;
  readonly unanswered: UnansweredResponses;
  readonly quarantine: Quarantine;
  readonly #streamsByProxy = new StreamsByProxy();
  readonly #scopes: ScopesByPeer;
  /** Clients whose layers differ from those that their streams see. */
  readonly #outdatedViews = new Set<Client>();
  readonly #options: CoordinatorOptions;
  readonly #pacer: Pacer;
  readonly #flusher: Flusher;
  readonly #schedule: FlushSchedule;
  #activity = 0;
  readonly #changedAt = new ChangeTimes();
  #ticks = 0;
  #ids = 0;

  constructor(options: CoordinatorOptions) {
    const { clock, compiler, timing, defer, elapsed, identifier = '' } = options;
    this.#options = options;
    this.#byFact = new ClientsByFact(this.clients, compiler);
    const limits = { ...defaultClientLimits, ...options.limits };
    this.#scopes = new ScopesByPeer(limits.maxScopesPerPeer);
    const { log, unansweredAfterMs: afterMs } = options;
    this.unanswered = new UnansweredResponses({ log, ...(afterMs === undefined ? {} : { afterMs }) });
    this.quarantine = createQuarantine({
      now: clock.now,
      proxyOf: (client) => (client instanceof Client ? client : null),
    });
    this.context = {
      names: new NamePool(limits),
      interests: new InterestPool(),
      revision: 0,
      now: clock.now,
      nextId: () => ++this.#ids,
      identifier,
      knownRejections: this.quarantine,
    };
    this.#pacer = new Pacer({ defer, failed: (sender, error) => this.#fail(sender, error) });
    this.#flusher = new Flusher({
      compiler,
      take: (urgency) => this.#schedule.take(urgency),
      publish: (result, workMs) =>
        result.moved === null ? this.#show(result, workMs) : this.#reassignAndShow(result.moved, result, workMs),
      revision: () => this.context.revision + 1,
      pause: this.#pause,
      elapsed,
    });
    this.#schedule = new FlushSchedule({
      ...{ clock, log, timing, take: options.take },
      run: (urgency) => this.#flusher.run(urgency),
      isSending: () => this.#pacer.waiting > 0 && this.#outdatedViews.size === 0,
    });
  }

  /** Observer, also for rejections of types without tables and requests without a stream. */
  get observer(): PushObserver {
    return this.#options.observer;
  }

  /** Count of events that may change what clients were sent or answered: equal counts mean equal states. */
  get activity(): number {
    return this.#activity;
  }

  /** Sizes of the pools that hold state of clients. Once the last client has left, only layers remain. */
  get poolSizes(): Readonly<Record<string, number>> {
    const { size: interests, tables } = this.context.interests;
    return {
      ...{ clients: this.clients.size, addresses: this.#byFact.size, proxies: this.#streamsByProxy.size },
      ...{ outdatedViews: this.#outdatedViews.size, waiting: this.#pacer.waiting, interests, tables },
      layers: [...this.layers.all()].length,
    };
  }

  /** Starts the periodic work, until `signal` aborts. */
  start(signal: AbortSignal): void {
    const { clock } = this.#options;
    let cancel = clock.after(tickMs, tick.bind(this));
    signal.addEventListener('abort', () => {
      cancel();
      this.#schedule.stop();
    });

    function tick(this: Coordinator): void {
      this.#tick();
      cancel = clock.after(tickMs, tick.bind(this));
    }
  }

  /** Schedules a flush of the changes in `take`. */
  changed(urgency: Urgency): void {
    this.#schedule.changed(urgency);
  }

  /** Returns the parts of a client's resource, with the rules and services that contributed to them. */
  partsOf(client: Client, type: XdsType, name: string): readonly ContributedPart[] {
    return client.layers.flatMap(({ key }) => [...this.#options.compiler.partsOf(key, type, name)]);
  }

  /** Compiles the waiting changes. Resolves when they are in the tables. */
  flush(): Promise<void> {
    return this.#flusher.run();
  }

  /**
   * Reads the view of a proxy without a stream, once its layers are compiled. The proxy does not become a client. Its layers are
   * kept as long as those of a disconnected proxy, and count for its peer. Throws as `connect` does.
   */
  async readOnce<T>(proxy: Proxy, caller: string, read: (view: View) => T): Promise<T> {
    const { compiler, clock } = this.#options;
    this.#admit(proxy, caller);
    for (;;) {
      const layers = compiler.layersOf(proxy).map((key) => this.layers.acquire(key, this.#flusher.next));
      try {
        if (layers.every(({ ready }) => ready)) return read(viewOf(layers));
        await this.#schedule.compileLayers();
      } finally {
        for (const layer of layers) this.layers.release(layer, clock.now());
      }
    }
  }

  /** Throws a RpcError (RESOURCE_EXHAUSTED) for a client whose peer has its maximum of scopes. */
  connect(facts: ConnectingClient): Client {
    const { observer } = this.#options;
    this.#admit(facts.proxy, callerOf(facts).key);
    const client = new Client(facts, this.context, {
      sent: (to, response) => observer.sent(to, response),
      forcedRelease: (type, names) => observer.forcedRelease(type, names),
      sendAttempted: () => this.#activity++,
    });
    this.#activity++;
    // Registered before its first compile: a change in between is not lost.
    this.#assignLayers(client);
    this.clients.add(client);
    this.#byFact.add(client);
    this.#streamsByProxy.add(client);
    if (client.isReady) this.#applyView(client);
    else void this.#schedule.compileLayers();
    observer.connected(client);
    return client;
  }

  #admit(proxy: Proxy, caller: string): void {
    const { compiler, observer } = this.#options;
    const keys = compiler.layersOf(proxy);
    try {
      if (keys[0] !== undefined) this.#scopes.admit(caller, keys[0]);
    } catch (error) {
      for (const key of keys) if (this.layers.get(key) === undefined) compiler.close(key); // opened by layersOf
      observer.refused();
      throw error;
    }
  }

  disconnect(client: Client, reason: string): void {
    if (!this.clients.delete(client)) return;
    this.#activity++;
    this.#byFact.delete(client);
    this.#streamsByProxy.delete(client);
    this.#outdatedViews.delete(client);
    this.#pacer.remove(client);
    client.close();
    for (const layer of client.layers) this.layers.release(layer, this.#options.clock.now());
    this.#options.observer.disconnected(client, reason);
  }

  /** Records the outcome of a client's request, and wakes the client if it may have something to send. */
  received(client: Client, outcome: RequestOutcome): void {
    this.#activity++;
    const { observer, log, compiler } = this.#options;
    if (outcome.kind === 'acknowledged') {
      const { response, atMs } = outcome;
      this.#clustersAnswered(client, response);
      if (this.quarantine.size > 0) recordAcceptance(client, response, this.quarantine);
      const changedAt = response.changeRevision === null ? undefined : this.#changedAt.of(response.changeRevision);
      observer.acknowledged(client, response, changedAt === undefined ? null : atMs - changedAt);
      if (!mayHaveResponse(client.stream)) return; // usual: it has everything
    } else if (outcome.kind === 'rejected') {
      this.#clustersAnswered(client, outcome.response);
      const { revisionOf = () => Number.POSITIVE_INFINITY } = this.#options;
      const { quarantine, clients } = this;
      recordRejection(client, outcome, { compiler, log, quarantine, clients, revisionOf });
      observer.rejected(client, outcome.type);
    }
    this.wake(client);
  }

  #clustersAnswered(client: Client, response: Response): void {
    if (response.type !== 'cluster') return;
    for (const other of this.#streamsByProxy.clustersAnswered(client, response, this.context)) this.wake(other);
  }

  /** Queues a client that may be able to send, because its socket has room again or its state changed. */
  wake(client: Client): void {
    this.#pacer.add(client);
  }

  /** Ends a client whose work threw. It has to reconnect; the others go on. */
  #fail(sender: Sender, error: unknown): void {
    this.#options.log.error({ err: error, proxy: sender instanceof Client ? sender.proxy.id : null }, 'client failed');
    if (sender instanceof Client) sender.outlet.end('internal error');
  }

  /** Moves clients in slices before the result is shown: until all have moved, none sees other layers. */
  async #reassignAndShow(moved: MovedProxies, result: FlushResult, workMs: number): Promise<boolean> {
    const mustCompile = await this.#reassignLayers(moved);
    return this.#show(result, workMs) || mustCompile;
  }

  /** Commits a result and returns whether another flush must follow. */
  #show(result: FlushResult, workMs: number): boolean {
    this.#activity++;
    this.layers.flushEnded(this.#flusher.begun, result.deferred);
    this.#commit(result.changes);
    this.#schedule.published();
    for (const client of this.#outdatedViews) {
      if (!client.isReady) continue;
      this.#applyView(client);
      this.wake(client);
    }
    const resources = result.changes.reduce((sum, change) => sum + change.changed.length + change.removed.length, 0);
    const { work, layersCompiled } = result;
    this.#options.observer.flushed({ workMs, work, layersCompiled, resources });
    return result.deferred.size > 0;
  }

  /** Shows a client its present layers. */
  #applyView(client: Client): void {
    this.#outdatedViews.delete(client);
    client.applyView();
  }

  /** Commits changes to the tables, and wakes the clients with an interest in them. */
  #commit(changes: readonly TableChange[]): void {
    const real = changes.filter((change) => change.changed.length + change.removed.length > 0);
    if (real.length === 0) return;
    const revision = ++this.context.revision;
    const sinceMs = this.#schedule.takenSinceMs;
    if (sinceMs !== null) this.#changedAt.note(revision, sinceMs);
    for (const change of real) {
      const table = this.layers.get(change.layer)?.tables[change.type];
      if (table === undefined) continue; // closed during its compile
      const forgets = table.wouldForgetThrough(change.removed.length);
      if (forgets > table.forgottenThrough) {
        for (const client of this.clients) prepareToForget(client.stream, table, forgets, this.context);
      }
      table.commit(revision, change.changed, change.removed);
      const names = [...change.changed.map((resource) => resource.name), ...change.removed];
      this.context.interests.committed(table, revision, names, (sender) => this.#pacer.add(sender));
    }
  }

  /** Assigns layers to the clients that may have moved. Returns whether a new one must be compiled. */
  async #reassignLayers(moved: MovedProxies): Promise<boolean> {
    const slices = startSlices({ pause: this.#pause, elapsed: this.#options.elapsed });
    let mustCompile = false;
    for (const client of this.#byFact.affected(moved)) {
      try {
        if (this.#assignLayers(client) && !client.isReady) mustCompile = true;
      } catch (error) {
        this.#fail(client, error);
      }
      if (slices.isOver) await slices.next();
    }
    return mustCompile;
  }

  readonly #pause = (): Promise<void> => new Promise((resolve) => this.#options.defer(resolve));

  /** Assigns a client's layers. Returns whether they changed. */
  #assignLayers(client: Client): boolean {
    const { compiler, clock } = this.#options;
    const keys = compiler.layersOf(client.proxy);
    const before = client.layers;
    if (keys.length === before.length && keys.every((key, index) => key === before[index]?.key)) return false;
    client.layers = keys.map((key) => this.layers.acquire(key, this.#flusher.next));
    client.hasOutdatedView = true;
    this.#outdatedViews.add(client);
    for (const layer of before) this.layers.release(layer, clock.now());
    if (keys[0] !== undefined) this.#scopes.add(client.caller.key, keys[0]);
    return true;
  }

  #tick(): void {
    const now = this.#options.clock.now();
    for (const client of this.clients) {
      const deadline = nextDeadline(client.stream);
      if (deadline !== null && deadline <= now) this.wake(client);
    }
    this.unanswered.check(this.clients, now);
    if (++this.#ticks % ticksPerCleaning === 0) {
      for (const interest of this.context.interests.all()) interest.invalidate();
      this.context.names.sweep();
      if (this.quarantine.size > 0) this.quarantine.sweep((version) => isInTables(this.layers, version));
    }
    if (this.#flusher.isRunning) return;
    this.#schedule.retry();
    for (const { key } of this.layers.takeIdle(now - idleLayerMs)) {
      this.#options.compiler.close(key);
      this.#scopes.closed(key);
    }
  }
}

const tickMs = 1_000;
/** Ticks between two cleanings of shared responses, comparisons and name sets, which are of use only for a moment. */
const ticksPerCleaning = 10;
/** Time for which an unused layer is kept, so that a restarted proxy finds it compiled. */
const idleLayerMs = 60_000;
