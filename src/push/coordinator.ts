import type { FlushResult, MovedProxies, TableChange, WorldChange } from '../compile/contract.ts';
import { type Debounce, debounce } from '../lib/debounce.ts';
import { startSlices } from '../lib/slices.ts';
import type { Proxy } from '../model/proxy.ts';
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
 * The one stateful place between the compiler and the streams: it gathers changes, has the dirty parts compiled, puts
 * the result into tables and lets every stream that is behind send what it lacks.
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
  /** Clients whose layers are others than those their streams see. */
  readonly #outdatedViews = new Set<Client>();
  readonly #options: CoordinatorOptions;
  readonly #pacer: Pacer;
  readonly #flusher: Flusher;
  readonly #debounce: Debounce;
  readonly #endpointDebounce: Debounce;
  #activity = 0;
  readonly #changedAt = new ChangeTimes();
  /** When the first of the changes came in that wait; and of those that are being compiled. */
  readonly #waitsSinceMs: Record<Urgency, number | null> = { endpoints: null, configuration: null };
  #takenSinceMs: number | null = null;
  #watched: Promise<void> | null = null;
  #hasFailed = false;
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
      take: (urgency) => this.#take(urgency),
      publish: (result, workMs) =>
        result.moved === null ? this.#show(result, workMs) : this.#reassignAndShow(result.moved, result, workMs),
      revision: () => this.context.revision + 1,
      pause: this.#pause,
      elapsed,
    });
    const { endpointQuietMs, quietMs, maxMs } = timing;
    this.#debounce = debounce(() => this.#flushOnceSent(), { clock, quietMs, maxMs });
    const urgent = { clock, quietMs: endpointQuietMs, maxMs: endpointQuietMs };
    this.#endpointDebounce = debounce(() => this.#flushSoon('endpoints'), urgent);
  }

  /** Told also of what is none of the coordinator's business: rejections of types without tables, requests without a stream. */
  get observer(): PushObserver {
    return this.#options.observer;
  }

  /** Grows with whatever may change what some client has been sent or has answered: equal counts, equal states. */
  get activity(): number {
    return this.#activity;
  }

  /** How much is kept of clients, by pool: nothing but layers once the last one has left. */
  get poolSizes(): Readonly<Record<string, number>> {
    const { size: interests, tables } = this.context.interests;
    return {
      ...{ clients: this.clients.size, addresses: this.#byFact.size, proxies: this.#streamsByProxy.size },
      ...{ outdatedViews: this.#outdatedViews.size, waiting: this.#pacer.waiting, interests, tables },
      layers: [...this.layers.all()].length,
    };
  }

  /** Begins the periodic work; ends with `signal`. */
  start(signal: AbortSignal): void {
    const { clock } = this.#options;
    let cancel = clock.after(tickMs, tick.bind(this));
    signal.addEventListener('abort', () => {
      cancel();
      this.#debounce.cancel();
      this.#endpointDebounce.cancel();
    });

    function tick(this: Coordinator): void {
      this.#tick();
      cancel = clock.after(tickMs, tick.bind(this));
    }
  }

  /** Something waits in `take`. Endpoints go at once, and alone; configuration waits for what may come with it. */
  changed(urgency: Urgency): void {
    this.#waitsSinceMs[urgency] ??= this.#options.clock.now();
    if (urgency === 'configuration') this.#debounce.touch();
    else this.#endpointDebounce.touch();
  }

  /** Compiles what waits now. Resolves when it is in the tables. */
  flush(): Promise<void> {
    return this.#flusher.run();
  }

  /**
   * Reads what a proxy without a stream would see, once its layers are compiled. It is no client, and nothing is remembered
   * of it; its layers are kept for as long as those of a proxy that has left, and count as its peer's. Throws as `connect` does.
   */
  async readOnce<T>(proxy: Proxy, caller: string, read: (view: View) => T): Promise<T> {
    const { compiler, clock } = this.#options;
    this.#admit(proxy, caller);
    for (;;) {
      const layers = compiler.layersOf(proxy).map((key) => this.layers.acquire(key, this.#flusher.next));
      try {
        if (layers.every(({ ready }) => ready)) return read(viewOf(layers));
        await this.#compileLayers();
      } finally {
        for (const layer of layers) this.layers.release(layer, clock.now());
      }
    }
  }

  /** Throws a RpcError (RESOURCE_EXHAUSTED) for a client whose peer has as many scopes as it may. */
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
    else void this.#compileLayers();
    observer.connected(client);
    return client;
  }

  #admit(proxy: Proxy, caller: string): void {
    const { compiler, observer } = this.#options;
    const keys = compiler.layersOf(proxy);
    try {
      if (keys[0] !== undefined) this.#scopes.admit(caller, keys[0]);
    } catch (error) {
      for (const key of keys) if (this.layers.get(key) === undefined) compiler.close(key); // made by asking for them
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

  /** A request of this client was taken in: there may be something to send. */
  received(client: Client, outcome: RequestOutcome): void {
    this.#activity++;
    const { observer, log, compiler } = this.#options;
    if (outcome.kind === 'acknowledged') {
      const { response, atMs } = outcome;
      this.#clustersAnswered(client, response);
      if (this.quarantine.size > 0) recordAcceptance(client, response, this.quarantine);
      const changedAt = response.changeRevision === null ? undefined : this.#changedAt.of(response.changeRevision);
      observer.acknowledged(client, response, changedAt === undefined ? null : atMs - changedAt);
      if (!mayHaveResponse(client.stream)) return; // nearly always: it has everything now
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

  /** The client may be able to send: its socket has room again, or its state changed. */
  wake(client: Client): void {
    this.#pacer.add(client);
  }

  /**
   * Has new layers compiled. First configurations wait for no debounce, but where a change of configuration waits: they come
   * with it, `quietMs` later at most, as part of it would be missing in them. Resolves when it may have been done.
   */
  #compileLayers(): Promise<void> | null {
    const { clock, timing } = this.#options;
    if (this.#waitsSinceMs.configuration === null) {
      this.#flushSoon('endpoints');
      return this.#watched;
    }
    this.#debounce.hurry(timing.quietMs);
    return new Promise((resolve) => clock.after(timing.quietMs, resolve));
  }

  /**
   * Configuration that comes while the last is still being handed to sockets waits for that, `maxMs` at most: most of what
   * is on its way would be sent again. Clients that do not read are not waited for, nor do those wait that have nothing yet.
   */
  #flushOnceSent(): void {
    const { clock, timing } = this.#options;
    const waitedMs = clock.now() - (this.#waitsSinceMs.configuration ?? clock.now());
    const isAwaited = this.#outdatedViews.size > 0;
    if (this.#pacer.waiting === 0 || isAwaited || waitedMs >= timing.maxMs) this.#flushSoon('configuration');
    else this.#debounce.hurry(Math.min(Math.max(1, timing.quietMs), timing.maxMs - waitedMs));
  }

  #flushSoon(urgency: Urgency): void {
    const running = this.#flusher.run(urgency);
    if (running === this.#watched) return;
    this.#watched = running;
    this.#hasFailed = false;
    running.catch((error: unknown) => {
      this.#hasFailed = true; // the next tick tries again: what was not shown is still dirty
      this.#options.log.error({ err: error }, 'flush failed');
    });
  }

  #take(urgency: Urgency): readonly WorldChange[] {
    const waits = this.#waitsSinceMs;
    for (const taken of urgency === 'endpoints'
      ? (['endpoints'] as const)
      : (['endpoints', 'configuration'] as const)) {
      const sinceMs = waits[taken];
      if (sinceMs !== null) this.#takenSinceMs = Math.min(this.#takenSinceMs ?? sinceMs, sinceMs);
      waits[taken] = null;
    }
    this.#endpointDebounce.cancel();
    return this.#options.take(urgency);
  }

  /** Something threw for one client: it has to begin anew, the others know nothing of it. */
  #fail(sender: Sender, error: unknown): void {
    this.#options.log.error({ err: error, proxy: sender instanceof Client ? sender.proxy.id : null }, 'client failed');
    if (sender instanceof Client) sender.outlet.end('internal error');
  }

  /** Clients move first, in slices: until all have, every one of them sees what it saw. */
  async #reassignAndShow(moved: MovedProxies, result: FlushResult, workMs: number): Promise<boolean> {
    const mustCompile = await this.#reassignLayers(moved);
    return this.#show(result, workMs) || mustCompile;
  }

  /** @returns whether another flush must follow. */
  #show(result: FlushResult, workMs: number): boolean {
    this.#activity++;
    this.layers.flushEnded(this.#flusher.begun, result.deferred);
    this.#commit(result.changes);
    this.#takenSinceMs = null;
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

  /** Shows a client what it is to see from now on. */
  #applyView(client: Client): void {
    this.#outdatedViews.delete(client);
    client.applyView();
  }

  /** Puts the changes into the tables, and wakes the clients that they concern. */
  #commit(changes: readonly TableChange[]): void {
    const real = changes.filter((change) => change.changed.length + change.removed.length > 0);
    if (real.length === 0) return;
    const revision = ++this.context.revision;
    if (this.#takenSinceMs !== null) this.#changedAt.note(revision, this.#takenSinceMs);
    for (const change of real) {
      const table = this.layers.get(change.layer)?.tables[change.type];
      if (table === undefined) continue; // closed while it was compiled
      const forgets = table.wouldForgetThrough(change.removed.length);
      if (forgets > table.forgottenThrough) {
        for (const client of this.clients) prepareToForget(client.stream, table, forgets, this.context);
      }
      table.commit(revision, change.changed, change.removed);
      const names = [...change.changed.map((resource) => resource.name), ...change.removed];
      this.context.interests.committed(table, revision, names, (sender) => this.#pacer.add(sender));
    }
  }

  /** @returns whether a layer is new and must be compiled. */
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

  /** @returns whether the client's layers are others than before. */
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
    if (this.#hasFailed) this.#flushSoon('endpoints');
    for (const { key } of this.layers.takeIdle(now - idleLayerMs)) {
      this.#options.compiler.close(key);
      this.#scopes.closed(key);
    }
  }
}

const tickMs = 1_000;
/** Shared responses, comparisons and name sets are dropped this often: later they only take memory. */
const ticksPerCleaning = 10;
/** How long an unused layer is kept: a proxy that restarts finds it compiled. */
const idleLayerMs = 60_000;
