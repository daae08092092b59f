import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { createCompiler } from '../../src/compile/compiler.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import { mapTypes, resourceBody, typeUrls, type XdsType } from '../../src/proto/resource.ts';
import type { Client } from '../../src/push/client.ts';
import { Coordinator } from '../../src/push/coordinator.ts';
import { unobserved } from '../../src/push/observer.ts';
import { receiveDelta, receiveSotw } from '../../src/xds/stream/receive.ts';
import { createStream } from '../../src/xds/stream/stream.ts';
import { parseDeltaRequest, parseSotwRequest } from '../../src/xds/wire/request.ts';
import type { Mode, Outgoing, Response } from '../../src/xds/wire/response.ts';
import { nameOf, namesIn } from './ads-resources.ts';
import { domainSuffix } from './compiled-mesh.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { createFileInputs } from './file-inputs.ts';
import { compiledWorld } from './world.ts';

/** Resources in base64, by name. */
export type Bodies = Readonly<Record<XdsType, ReadonlyMap<string, string>>>;

/** Resources on the wire since the last change, once for each time that they came. */
export interface Pushed {
  /** Names whose bytes differ from those that the client had, or that were removed. */
  readonly changed: Readonly<Record<XdsType, readonly string[]>>;
  /** Resources that the client had already, and complete sets without a difference: `endpoint outbound|80||a.test`. */
  readonly repeated: readonly string[];
}

/**
 * A mesh of files with one proxy on an ADS stream. The proxy acknowledges at once, and subscribes to the assignments of
 * its clusters and the routes of its listeners.
 */
export interface StreamedMesh {
  /** Replaces all objects. Returns what came until nothing was left to send, even after the longest deferral. */
  put(objects: readonly object[]): Promise<Pushed>;
  /** Returns what the proxy has, of all that it follows. */
  has(): Bodies;
  close(): Promise<void>;
}

/** Compiles objects from nothing for one proxy. */
export async function rebuiltBodies(objects: readonly object[], proxy: Proxy): Promise<Bodies> {
  const inputs = createFileInputs();
  await inputs.put(objects);
  const world = compiledWorld();
  world.apply(...inputs.feed.take());
  const bodies = mapTypes(
    (type) => new Map([...world.table(type, proxy)].map(([name, it]) => [name, textOf(resourceBody(type, it))])),
  );
  await inputs.close();
  return bodies;
}

export async function streamedMesh(mode: Mode, proxy: Proxy): Promise<StreamedMesh> {
  const inputs = createFileInputs();
  const deferred: (() => void)[] = [];
  const clock = fakeClock();
  const coordinator = new Coordinator({
    compiler: createCompiler({ domainSuffix }),
    take: inputs.feed.take,
    clock,
    log: silentLogger,
    observer: unobserved,
    timing: { endpointQuietMs: 0, quietMs: 0, maxMs: 0 },
    defer: (run) => deferred.push(run),
    elapsed: () => 0, // a flush is one slice
  });
  const ends = new AbortController();
  coordinator.start(ends.signal);
  await coordinator.flush();
  const client = new FollowingClient({ mode, proxy, coordinator, defer: (run) => deferred.push(run) });
  return {
    async put(objects) {
      await inputs.put(objects);
      client.forgetPushed();
      await settle(coordinator, deferred, clock);
      return client.pushed();
    },
    has: () => client.has,
    async close() {
      ends.abort();
      await inputs.close();
    },
  };
}

/** Time after which no removal is deferred any more. */
const longestDeferralMs = 60_000;

async function settle(coordinator: Coordinator, deferred: (() => void)[], clock: FakeClock): Promise<void> {
  await coordinator.flush();
  for (const waitMs of [0, longestDeferralMs]) {
    clock.advance(waitMs);
    do {
      for (let run = deferred.shift(); run !== undefined; run = deferred.shift()) run();
      await coordinator.flush();
    } while (deferred.length > 0);
  }
}

interface ClientOptions {
  readonly mode: Mode;
  readonly proxy: Proxy;
  readonly coordinator: Coordinator;
  readonly defer: (run: () => void) => void;
}

/** A proxy on a stream: reads the bytes of responses and answers with the bytes of requests. */
class FollowingClient {
  readonly has = mapTypes(() => new Map<string, string>());
  readonly #options: ClientOptions;
  readonly #client: Client;
  readonly #subscribed = new Map<XdsType, readonly string[]>();
  /** Latest nonce of each type. */
  readonly #nonces = new Map<XdsType, string>();
  #changed: Record<XdsType, string[]> = mapTypes((): string[] => []);
  #repeated: string[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#client = options.coordinator.connect({
      id: '1',
      proxy: options.proxy,
      stream: createStream(options.mode),
      peer: '',
      outlet: { writable: true, write: (message) => this.#read(message), end: () => {} },
    });
    for (const type of ['cluster', 'listener'] as const) this.#ask(type, []);
    this.#ask('secret', ['default', 'ROOTCA']);
  }

  forgetPushed(): void {
    this.#changed = mapTypes((): string[] => []);
    this.#repeated = [];
  }

  pushed(): Pushed {
    return { changed: mapTypes((type) => this.#changed[type].toSorted()), repeated: this.#repeated };
  }

  #read(message: Outgoing): void {
    const { type, nonce, parts } = message as Response; // a stream of this kind writes responses only
    const { resources, removed } = decode(this.#options.mode, type, Buffer.concat(parts));
    this.#nonces.set(type, nonce);
    this.#take(type, resources, removed);
    this.#options.defer(() => {
      this.#ask(type, this.#subscribed.get(type) ?? []);
      if (type === 'cluster') this.#follow(type, 'endpoint');
      if (type === 'listener') this.#follow(type, 'route');
    });
  }

  #take(type: XdsType, resources: ReadonlyMap<string, string>, removed: readonly string[]): void {
    const has = this.has[type];
    const isWhole = this.#options.mode === 'sotw' && (type === 'cluster' || type === 'listener');
    const changed = [...resources].filter(([name, body]) => has.get(name) !== body).map(([name]) => name);
    const gone = isWhole ? [...has.keys()].filter((name) => !resources.has(name)) : removed;
    if (!isWhole)
      for (const name of resources.keys()) if (!changed.includes(name)) this.#repeated.push(`${type} ${name}`);
    if (isWhole && changed.length + gone.length === 0) this.#repeated.push(`${type}, all`);
    this.#changed[type].push(...changed, ...gone);
    for (const [name, body] of resources) has.set(name, body);
    for (const name of gone) has.delete(name);
  }

  /** Subscribes to the names that the resources of this type refer to, and to no others. */
  #follow(type: 'cluster' | 'listener', next: 'endpoint' | 'route'): void {
    const names = namesIn(
      type,
      [...this.has[type].values()].map((body) => Buffer.from(body, 'base64')),
    );
    if (names.join() === (this.#subscribed.get(next) ?? []).join()) return;
    for (const name of this.has[next].keys()) if (!names.includes(name)) this.has[next].delete(name);
    this.#ask(next, names);
  }

  /** Acknowledges the latest response of the type, and subscribes to these names. */
  #ask(type: XdsType, names: readonly string[]): void {
    const before = this.#subscribed.get(type) ?? [];
    this.#subscribed.set(type, names);
    const { stream } = this.#client;
    const { coordinator, mode } = this.#options;
    const head = { typeUrl: typeUrls[type], responseNonce: this.#nonces.get(type) ?? '' };
    const outcome =
      mode === 'sotw'
        ? receiveSotw(
            stream,
            parseSotwRequest(bytesOf(DiscoveryRequestSchema, { ...head, resourceNames: [...names] })),
            coordinator.context,
          )
        : receiveDelta(
            stream,
            parseDeltaRequest(
              bytesOf(DeltaDiscoveryRequestSchema, {
                ...head,
                resourceNamesSubscribe: names.filter((name) => !before.includes(name)),
                resourceNamesUnsubscribe: before.filter((name) => !names.includes(name)),
              }),
            ),
            coordinator.context,
          );
    coordinator.received(this.#client, outcome);
  }
}

/** Decodes the response of a stream: resources in base64, by the names inside them. */
function decode(mode: Mode, type: XdsType, bytes: Uint8Array) {
  const { resources, removed } = mode === 'sotw' ? decodeSotw(bytes) : decodeDelta(bytes);
  return { resources: new Map(resources.map((body) => [nameOf(type, body), textOf(body)])), removed };
}

const decodeSotw = (bytes: Uint8Array) => ({
  resources: fromBinary(DiscoveryResponseSchema, bytes).resources.map(({ value }) => value),
  removed: [],
});

function decodeDelta(bytes: Uint8Array) {
  const { resources, removedResources } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  return {
    resources: resources.flatMap(({ resource }) => (resource === undefined ? [] : [resource.value])),
    removed: removedResources,
  };
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const bytesOf = <S extends typeof DiscoveryRequestSchema | typeof DeltaDiscoveryRequestSchema>(
  schema: S,
  init: Parameters<typeof create<S>>[1],
): Uint8Array => toBinary(schema, create(schema, init));

/** Returns the names of each type that differ: added, changed or removed. */
export const differingNames = (before: Bodies, after: Bodies): Readonly<Record<XdsType, readonly string[]>> =>
  mapTypes((type) =>
    [...new Set([...before[type].keys(), ...after[type].keys()])]
      .filter((name) => before[type].get(name) !== after[type].get(name))
      .sort(),
  );
