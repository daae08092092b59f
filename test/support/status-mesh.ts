import type { ShardSink } from '../../src/adapter-contract/adapter.ts';
import { createCompiler } from '../../src/compile/compiler.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import type { Service } from '../../src/model/service.ts';
import { mapTypes, type XdsType, xdsTypes } from '../../src/proto/resource.ts';
import { type Client, type Outlet, streamFor } from '../../src/push/client.ts';
import { Coordinator } from '../../src/push/coordinator.ts';
import { createFeed } from '../../src/push/feed.ts';
import { observers, unobserved } from '../../src/push/observer.ts';
import { createCompileProgress } from '../../src/push/status/compile-progress.ts';
import { createRuleFindings } from '../../src/push/status/findings/index.ts';
import type { StatusOptions } from '../../src/push/status/status-options.ts';
import { createRuleStatuses, type LiveRuleStatuses } from '../../src/push/status/statuses.ts';
import { type RuleBook, ruleBook } from '../../src/rules/book/rule-book.ts';
import { ruleKinds, servedKinds } from '../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../src/rules/mesh-config.ts';
import { createServiceEntryIndex } from '../../src/rules/service-entries/index.ts';
import type { Condition, RuleStatus } from '../../src/rules/status.ts';
import type { StoreChange, StoredObject } from '../../src/rules/store.ts';
import type { Mode, Response } from '../../src/xds/wire/response.ts';
import { ask } from './conversation.ts';
import type { FakeClock } from './fake-clock.ts';
import { endpoint } from './model.ts';
import { contents, testRegistry } from './registry.ts';
import { contentOfResponse } from './response-content.ts';
import { endpointsOf, proxy as proxyOf, service as serviceOf } from './world.ts';

/**
 * The real rooms between a store and proxies: rules as the store delivers them, a compiler, a coordinator, statuses,
 * and proxies that reply when the test says so. Time is a fake clock.
 */
export class StatusMesh {
  readonly book: RuleBook = ruleBook({ kinds: ruleKinds, mesh: defaultMeshConfig });
  readonly clock: FakeClock;
  readonly coordinator: Coordinator;
  readonly compiler = createCompiler();
  readonly findings = createRuleFindings({ book: this.book, mesh: this.compiler.mesh });
  readonly keeper: LiveRuleStatuses;
  /** A status keeper that recomputes every answer, because its comparisons never find equality. */
  readonly forgetful: LiveRuleStatuses;
  readonly errors: unknown[] = [];
  /** The value of `elapsed`, which ends slices. */
  elapsedMs: () => number = () => 0;
  readonly #objects = new Map<string, StoredObject>();
  readonly #shard: ShardSink;
  readonly #listeners: ((changes: readonly StoreChange[]) => void)[] = [];
  readonly #deferred: (() => void)[] = [];
  #version = 0;

  constructor() {
    const { registry, clock } = testRegistry();
    this.clock = clock;
    const log: Logger = { ...silentLogger, error: (facts: object) => this.errors.push(facts) };
    const serviceEntries = createServiceEntryIndex();
    const serviceEntryShard = registry.shard('service-entries', 'service-entry', {
      required: true,
      savesSnapshot: false,
    });
    this.#shard = registry.shard('mesh', 'test', { required: true, savesSnapshot: false });
    this.#shard.replace(contents({}));
    this.#listeners.push((changes) => this.book.applyStore(changes));
    const defer = (run: () => void) => void this.#deferred.push(run);
    const elapsed = () => this.elapsedMs();
    const feed = createFeed({ registry, book: this.book, serviceEntries, serviceEntryShard });
    const [progress, secondIntake] = [createCompileProgress(), createCompileProgress()];
    const { observer, add } = observers(unobserved);
    this.coordinator = new Coordinator({
      compiler: this.compiler,
      take: () => {
        for (const one of [progress, secondIntake]) one.flushBegan();
        return feed.take();
      },
      clock,
      log,
      observer,
      timing: { endpointQuietMs: 0, quietMs: 0, maxMs: 0 },
      defer,
      elapsed,
      revisionOf: progress.revisionOf,
    });
    feed.start(() => {}); // tests flush explicitly
    this.compiler.onDirty(this.findings.worldChanged);
    const parts: StatusOptions = {
      kinds: servedKinds,
      book: this.book,
      store: {
        subscribe: (listener) => {
          this.#listeners.push(listener);
          return () => {};
        },
      },
      compiler: this.compiler,
      findings: this.findings,
      coordinator: this.coordinator,
      progress,
      serviceEntries,
      clock,
      log,
      defer,
      elapsed,
    };
    this.keeper = createRuleStatuses(parts);
    let looks = 0;
    const restless = Object.create(this.coordinator, { activity: { get: () => ++looks } });
    this.forgetful = createRuleStatuses({ ...parts, coordinator: restless, progress: secondIntake });
    add(this.keeper.observer);
    add({ flushed: this.forgetful.observer.flushed });
  }

  /** Stores an object: `put('VirtualService', 'shop/reviews', {…})`. Does not compile. */
  put(kind: string, name: string, spec: unknown): StoredObject {
    const key = keyOf(kind, name);
    const id = `${kind}/${name}`;
    const previous = this.#objects.get(id) ?? null;
    const isNew = previous === null || JSON.stringify(previous.spec) !== JSON.stringify(spec);
    const object: StoredObject = {
      kind,
      apiVersion: apiVersionOf(kind),
      metadata: {
        namespace: key.namespace,
        name: key.name,
        labels: {},
        annotations: {},
        creationTimestamp:
          previous?.metadata.creationTimestamp ?? new Date(Date.UTC(2026, 0, 1, 0, 0, this.#version)).toISOString(),
        generation: (previous?.metadata.generation ?? 0) + (isNew ? 1 : 0),
        resourceVersion: `${++this.#version}`,
        uid: id,
      },
      spec,
    };
    this.#objects.set(id, object);
    this.#tell({ type: 'put', object, previous });
    return object;
  }

  remove(kind: string, name: string): void {
    const object = this.#objects.get(`${kind}/${name}`);
    if (object === undefined) return;
    this.#objects.delete(`${kind}/${name}`);
    this.#tell({ type: 'removed', key: keyOf(kind, name), object, resourceVersion: `${++this.#version}` });
  }

  /** Adds an object of an adapter. */
  file(object: RawObject): void {
    this.book.apply('files', [{ type: 'object', object }]);
  }

  service(name: string, endpoints: readonly Endpoint[] = [], overrides: Parameters<typeof serviceOf>[1] = {}): Service {
    const made = serviceOf(name, overrides);
    this.#shard.apply([
      { type: 'service', service: made },
      { type: 'endpoints', set: endpointsOf(made, endpoints) },
    ]);
    return made;
  }

  removeService(name: string): void {
    const { namespace, hostname } = serviceOf(name);
    this.#shard.apply([{ type: 'service-removed', namespace, hostname }]);
  }

  /** Compiles pending changes and sends what can be sent. */
  async flush(): Promise<void> {
    await this.coordinator.flush();
    this.rest();
  }

  /** Runs deferred work until none is left. */
  rest(): void {
    for (let run = this.#deferred.shift(); run !== undefined; run = this.#deferred.shift()) run();
  }

  /** Runs the first deferred work and lets promises settle. Returns whether there was any. */
  async turn(): Promise<boolean> {
    const run = this.#deferred.shift();
    run?.();
    await new Promise((resolve) => setImmediate(resolve));
    return run !== undefined;
  }

  /** Advances time, and runs all work that becomes due. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    do {
      this.rest();
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#deferred.length > 0);
  }

  connect(name: string, options: ProxyOptions = {}): MeshProxy {
    return new MeshProxy(this, name, options);
  }

  objects(): IterableIterator<StoredObject> {
    return this.#objects.values();
  }

  status(kind: string, name: string): RuleStatus {
    const object = this.#objects.get(`${kind}/${name}`);
    if (object === undefined) throw new Error(`no ${kind} ${name} was put`);
    return this.keeper.of(object);
  }

  programmed(kind: string, name: string): Condition {
    const condition = this.status(kind, name).conditions.find(({ type }) => type === 'Programmed');
    if (condition === undefined) throw new Error('there is no condition Programmed');
    return condition;
  }

  /**
   * Formats a status: `Programmed 2/3`, `Rejected 1/3 -1`. It has the reason, the number of proxies that acknowledged,
   * of all concerned, and the number that rejected.
   */
  line(kind: string, name: string): string {
    const { proxies } = this.status(kind, name);
    const rejected = proxies.rejected === 0 ? '' : ` -${proxies.rejected}`;
    return `${this.programmed(kind, name).reason} ${proxies.acknowledged}/${proxies.concerned}${rejected}`;
  }

  #tell(change: StoreChange): void {
    for (const listener of this.#listeners) listener([change]);
  }
}

export interface ProxyOptions {
  readonly mode?: Mode;
  readonly facts?: Partial<Proxy>;
  /** Subscribes only to these types. */
  readonly types?: readonly XdsType[];
  /** The client's address; this machine if left out. */
  readonly peer?: string;
  /** Resources from an earlier stream, by type; delta. */
  readonly has?: Partial<Record<XdsType, Readonly<Record<string, string>>>>;
}

interface Unanswered {
  readonly response: Response;
  readonly resources: ReadonlyMap<string, Uint8Array>;
}

/**
 * A proxy that applies responses, subscribes to the assignments of its clusters and the routes of its listeners, and
 * replies when the test says so.
 */
export class MeshProxy implements Outlet {
  writable = true;
  /** Applied messages by name, as responses brought them. */
  readonly has: Readonly<Record<XdsType, Map<string, Uint8Array>>> = mapTypes(() => new Map());
  readonly client: Client;
  readonly #mesh: StatusMesh;
  readonly #options: ProxyOptions;
  readonly #unanswered = new Map<XdsType, Unanswered>();
  readonly #nonces = new Map<XdsType, string>();
  readonly #subscribed = new Map<XdsType, readonly string[]>();

  constructor(mesh: StatusMesh, name: string, options: ProxyOptions) {
    this.#mesh = mesh;
    this.#options = options;
    const { mode = 'delta', facts = {}, types = ['cluster', 'listener'], peer = '127.0.0.1:1' } = options;
    const proxy = proxyOf({ id: name, name, ...facts });
    this.client = mesh.coordinator.connect({
      id: `${name}-${mesh.coordinator.context.nextId()}`,
      proxy,
      stream: streamFor(proxy, mode),
      peer,
      outlet: this,
    });
    for (const type of ['cluster', 'listener'] as const) if (types.includes(type)) this.#ask(type, {});
    this.#mesh.rest();
  }

  write(response: Response): void {
    const { type } = response;
    const resources = contentOfResponse(response, this.client.stream.mode);
    this.#unanswered.set(type, { response, resources });
    this.#nonces.set(type, response.nonce);
  }

  end(): void {
    this.writable = false;
  }

  /** Subscribes to further names. `mesh.rest` sends the result. */
  asks(type: XdsType, names: readonly string[]): void {
    const all = [...(this.#subscribed.get(type) ?? []), ...names];
    this.#subscribed.set(type, all);
    this.#ask(type, { names: this.client.stream.mode === 'sotw' ? all : names, nonce: this.#nonces.get(type) ?? '' });
  }

  /** Replies to the response of this type. With an error it applies nothing of it. */
  answer(type: XdsType, error?: string): boolean {
    const waiting = this.#unanswered.get(type);
    if (waiting === undefined) return false;
    const { response } = waiting;
    this.#unanswered.delete(type);
    if (error === undefined) this.#take(waiting);
    this.#ask(type, { nonce: response.nonce, ...(error === undefined ? {} : { error }) });
    if (type === 'cluster' || type === 'listener') this.#follow();
    this.#mesh.rest();
    return true;
  }

  /** Returns the resources of the response that waits for a reply; empty when there is none. */
  unanswered(type: XdsType): readonly string[] {
    return this.#unanswered.get(type)?.response.updated ?? [];
  }

  /** Acknowledges everything, and responses that follow from it. Types in `but` get no reply. */
  settle(...but: readonly XdsType[]): this {
    this.#mesh.rest();
    for (let progress = true; progress; ) {
      progress = false;
      for (const type of xdsTypes) {
        if (!but.includes(type) && this.answer(type)) progress = true;
      }
    }
    return this;
  }

  disconnect(): void {
    this.#mesh.coordinator.disconnect(this.client, 'closed');
    this.#mesh.rest();
  }

  #take({ response, resources }: Unanswered): void {
    if (response.whole) this.has[response.type].clear();
    for (const [name, resource] of resources) this.has[response.type].set(name, resource);
    for (const name of response.removed) this.has[response.type].delete(name);
  }

  #follow(): void {
    if (this.#options.types !== undefined) return;
    this.#subscribe('endpoint', [...this.has.cluster.keys()].filter((name) => name.startsWith('outbound|')).sort());
    const ports = [...this.has.listener.keys()].map((name) => /^(?:0\.0\.0\.0|127\.0\.0\.1)_(\d+)$/.exec(name)?.[1]);
    this.#subscribe('route', ports.filter((port) => port !== undefined).sort());
  }

  #subscribe(type: XdsType, names: readonly string[]): void {
    const before = this.#subscribed.get(type);
    if (before === undefined ? names.length === 0 : before.join() === names.join()) return;
    this.#subscribed.set(type, names);
    const added = names.filter((name) => before?.includes(name) !== true);
    const drop = (before ?? []).filter((name) => !names.includes(name));
    const waiting = this.#unanswered.get(type);
    if (this.client.stream.mode === 'sotw' && waiting !== undefined) {
      this.#unanswered.delete(type); // the new list carries the newest nonce, so it acknowledges as well
      this.#take(waiting);
    }
    this.#ask(
      type,
      this.client.stream.mode === 'sotw' ? { nonce: this.#nonces.get(type) ?? '' } : { names: added, drop },
    );
  }

  #ask(type: XdsType, asking: Parameters<typeof ask>[3]): void {
    const { coordinator } = this.#mesh;
    const { stream } = this.client;
    const isFirst = !stream.types.has(type);
    const names = stream.mode === 'sotw' ? { names: this.#subscribed.get(type) ?? [] } : {};
    const has = isFirst && stream.mode === 'delta' ? { has: this.#options.has?.[type] ?? {} } : {};
    coordinator.received(this.client, ask(coordinator, stream, type, { ...names, ...has, ...asking }));
  }
}

function keyOf(kind: string, text: string) {
  const [namespace = '', name = ''] = text.includes('/') ? text.split('/') : ['', text];
  return { kind, namespace, name };
}

function apiVersionOf(kind: string): string {
  const found = servedKinds.find((it) => it.kind === kind);
  if (found === undefined) throw new Error(`there is no kind ${kind}`);
  return found.group === '' ? (found.versions[0] ?? '') : `${found.group}/${found.versions[0]}`;
}

/** Creates a compiled mesh of the services `a` and `b` with one endpoint each. */
export async function meshOfTwo(): Promise<StatusMesh> {
  const mesh = new StatusMesh();
  mesh.service('a', [endpoint('10.0.0.1')]);
  mesh.service('b', [endpoint('10.0.0.2')]);
  await mesh.flush();
  return mesh;
}

/** A VirtualService that sends requests for `a` to `b`; `more` extends its route. */
export const toB = (more: object = {}) => ({
  hosts: ['a'],
  http: [{ ...more, route: [{ destination: { host: 'b' } }] }],
});
