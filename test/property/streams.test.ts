import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { XdsType } from '../../src/proto/resource.ts';
import { rememberAccepted } from '../../src/xds/isolation/search.ts';
import { setView } from '../../src/xds/stream/stream.ts';
import type { TableLimits } from '../../src/xds/tables/table.ts';
import type { Mode } from '../../src/xds/wire/response.ts';
import { type Contents, Server } from '../support/conversation.ts';
import { meshTypes } from '../support/mesh-types.ts';
import { ModelClient, type ModelOptions } from '../support/model-client.ts';
import { runs } from '../support/property-runs.ts';

/*
 * A mesh is a set of clusters with a content each, and routes that each refer to some of them (a route's content is the
 * clusters' names). Commits are consistent: a route never refers to a cluster that is not there.
 */
interface Mesh {
  readonly clusters: Readonly<Record<string, number>>;
  readonly endpoints: Readonly<Record<string, number>>;
  readonly routes: Readonly<Record<string, readonly string[]>>;
}

const clusterNames = ['a', 'b', 'c', 'd', 'e'];
/** Envoy's routes are called by their port. Those of clients with whole sets of them (gRPC) are `a.test:80`. */
const routeNames = ['80', '81', '9080'];
const mesh: fc.Arbitrary<Mesh> = fc
  .record({
    clusters: fc.dictionary(fc.constantFrom(...clusterNames), fc.integer({ min: 1, max: 3 }), { maxKeys: 5 }),
    revision: fc.integer({ min: 1, max: 3 }),
    routes: fc.dictionary(fc.constantFrom(...routeNames), fc.subarray(clusterNames), { maxKeys: 3 }),
  })
  .map(({ clusters, revision, routes }) => ({
    clusters,
    endpoints: Object.fromEntries(Object.keys(clusters).map((name) => [name, revision])),
    routes: Object.fromEntries(
      Object.entries(routes).map(([name, refers]) => [name, refers.filter((cluster) => cluster in clusters)]),
    ),
  }));

type Step =
  | { readonly do: 'commit'; readonly mesh: Mesh }
  | { readonly do: 'hear' }
  | { readonly do: 'ack' | 'nack'; readonly type: XdsType }
  | { readonly do: 'reconnect' }
  | { readonly do: 'move' }
  | { readonly do: 'wait'; readonly ms: number };

const commit = fc.record({ do: fc.constant('commit' as const), mesh });
const hear = fc.record({ do: fc.constant('hear' as const) });
const ack = fc.record({ do: fc.constant('ack' as const), type: fc.constantFrom(...meshTypes) });
const nack = fc.record({ do: fc.constant('nack' as const), type: fc.constantFrom(...meshTypes) });
const reconnect = fc.record({ do: fc.constant('reconnect' as const) });
const move = fc.record({ do: fc.constant('move' as const) });
const wait = fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40_000 }) });

/** Short ones, which say what is wrong, and long ones, which find it. */
function steps(...kinds: fc.Arbitrary<Step>[]): fc.Arbitrary<Step[]> {
  const step = fc.oneof(commit, hear, hear, ack, ack, ...kinds);
  return fc.oneof(fc.array(step, { maxLength: 60 }), fc.array(step, { minLength: 30, maxLength: 120 }));
}

const forgetful: Partial<TableLimits> = { logRecords: 3, tombstones: 3 };

/** A server, its mesh, and one client, driven by steps. */
class Run {
  readonly server: Server;
  readonly client: ModelClient;
  mesh: Mesh = { clusters: {}, endpoints: {}, routes: {} };
  readonly #routePrefix: string;

  /** Tables that forget soon must do for most; what is kept for a client that rejects is what they remember. */
  constructor(mode: Mode, options: ModelOptions = {}, limits = options.refuses === undefined ? forgetful : {}) {
    this.server = new Server(limits);
    this.#routePrefix = options.wholeTypes?.includes('route') === true ? 'a.test:' : '';
    this.client = new ModelClient(this.server, mode, options);
    this.client.connect();
  }

  take(step: Step): void {
    switch (step.do) {
      case 'commit':
        this.#commit(step.mesh);
        break;
      case 'hear':
        this.client.hearOne();
        break;
      case 'ack':
        this.client.answer(step.type);
        break;
      case 'nack':
        this.client.answer(step.type, `${[...clusterNames, ...routeNames].join(' ')} rejected`);
        break;
      case 'reconnect':
        this.client.connect();
        break;
      case 'move':
        this.#move();
        break;
      case 'wait':
        this.server.nowMs += step.ms;
        break;
    }
  }

  /** Everything answered and waited for. */
  rest(): void {
    this.client.settle();
    this.server.nowMs += 30_000;
    this.client.settle();
  }

  #commit({ clusters, endpoints, routes }: Mesh): void {
    const named = Object.entries(routes).map(([name, refers]) => [`${this.#routePrefix}${name}`, refers]);
    const mesh = { clusters, endpoints, routes: Object.fromEntries(named) };
    this.server.commit(difference(this.mesh, mesh));
    this.mesh = mesh;
  }

  #move(): void {
    const view = this.server.newView();
    this.server.commit(difference({ clusters: {}, endpoints: {}, routes: {} }, this.mesh), view);
    this.server.view = view;
    for (const stream of new Set(this.client.streams.values())) {
      rememberAccepted(stream, view);
      setView(stream, view, this.server.context);
    }
  }
}

describe('streams', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    it(`${mode}: after any history, the client has exactly the current resources`, () => {
      fc.assert(
        fc.property(steps(nack, reconnect, move, wait), mesh, (script, last) => {
          const run = new Run(mode);
          for (const step of script) run.take(step);
          // What was rejected is held until it changes: let everything change once more, accepted.
          run.rest();
          run.take({ do: 'commit', mesh: { clusters: {}, endpoints: {}, routes: {} } });
          run.rest();
          run.take({ do: 'commit', mesh: last });
          run.rest();
          expect(run.client.has).toEqual(expected(last));
        }),
        { numRuns: runs(300) },
      );
    });

    it(`${mode}: without rejections, a change of scope or a reconnect loses nothing and keeps nothing obsolete`, () => {
      fc.assert(
        fc.property(steps(reconnect, move, wait), (script) => {
          const run = new Run(mode);
          for (const step of script) run.take(step);
          run.rest();
          expect(run.client.has).toEqual(expected(run.mesh));
        }),
        { numRuns: runs(500) },
      );
    });

    it(`${mode}: a client that answers in time never has a route to a cluster that it does not have`, () => {
      fc.assert(
        fc.property(steps(), (script) => {
          // A whole set cannot carry what is forgotten altogether: rule 4 of docs/protocol.md.
          const run = new Run(mode, {}, mode === 'sotw' ? { ...forgetful, tombstones: 100 } : forgetful);
          for (const step of script) {
            run.take(step);
            expect(danglingRoutes(run.client)).toEqual([]);
          }
          run.client.settle();
          expect(danglingRoutes(run.client)).toEqual([]);
        }),
        { numRuns: runs(500) },
      );
    });

    it(`${mode}: a client that rejects some resources has all others, and its previous version of the rejected ones`, () => {
      const options = fc.record({
        refusing: fc.record({
          takesOthers: fc.boolean(),
          // A whole set that is rejected without a word after another one that was rejected is not searched: rule 6 of docs/protocol.md.
          names: fc.constantFrom(
            ...(mode === 'delta' ? (['all', 'first', 'none'] as const) : (['all', 'first'] as const)),
          ),
        }),
        wholeTypes: fc.constantFrom<XdsType[]>(['cluster', 'listener'], ['cluster', 'listener', 'route']),
        isSplit: fc.boolean(),
      });
      fc.assert(
        fc.property(steps(wait), options, (script, options) => {
          const run = new Run(mode, { ...options, refuses: isRefused });
          for (const step of script) run.take(step);
          run.rest();
          const { has } = run.client;
          const there = expected(run.mesh);
          for (const type of ['cluster', 'route'] as const) {
            const [refused, taken] = partition([...there[type]], ([, content]) => isRefused(type, content));
            const names = new Set(refused.map(([name]) => name));
            expect(new Map([...has[type]].filter(([name]) => !names.has(name)))).toEqual(new Map(taken));
            for (const name of names) expect(isRefused(type, has[type].get(name) ?? '')).toBe(false);
          }
        }),
        { numRuns: runs(1_000) },
      );
    });

    it(`${mode}: a client with a stream for each type ends with the same resources as one with a single stream`, () => {
      fc.assert(
        fc.property(steps(reconnect, move, wait), (script) => {
          const run = new Run(mode, { isSplit: true });
          for (const step of script) run.take(step);
          run.rest();
          expect(run.client.has).toEqual(expected(run.mesh));
          expect(run.client.settle()).toBe(0);
        }),
        { numRuns: runs(300) },
      );
    });

    it(`${mode}: nothing is sent while nothing changes`, () => {
      fc.assert(
        fc.property(steps(reconnect, move, wait), (script) => {
          const run = new Run(mode);
          for (const step of script) run.take(step);
          run.rest();
          expect(run.client.settle()).toBe(0);
        }),
        { numRuns: runs(200) },
      );
    });
  }

  it('state of the world and delta end with the same resources', () => {
    fc.assert(
      fc.property(steps(reconnect, wait), (script) => {
        const [sotw, delta] = [new Run('sotw'), new Run('delta')];
        for (const step of script) {
          sotw.take(step);
          delta.take(step);
        }
        sotw.rest();
        delta.rest();
        expect(delta.client.has).toEqual(sotw.client.has);
      }),
      { numRuns: runs(300) },
    );
  });
});

const isRefused = (type: XdsType, content: string): boolean =>
  (type === 'cluster' && content === 'v3') || (type === 'route' && content.includes('b'));

/** Changes that one flush must make. Equal contents are left out, as the compiler does. */
function difference(before: Mesh, after: Mesh): Contents {
  const changes = (old: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>) => {
    const removed = Object.keys(old).flatMap((name) => (name in now ? [] : [[name, null] as const]));
    const changed = Object.entries(now).flatMap(([name, content]) =>
      String(old[name]) === String(content) && name in old ? [] : [[name, `v${String(content)}`] as const],
    );
    return Object.fromEntries([...removed, ...changed]);
  };
  return {
    cluster: changes(before.clusters, after.clusters),
    endpoint: changes(before.endpoints, after.endpoints),
    listener: changes(mapValues(before.routes), mapValues(after.routes)),
    route: changes(before.routes, after.routes),
  };
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

const mapValues = (routes: Mesh['routes']): Record<string, number> =>
  Object.fromEntries(Object.keys(routes).map((name) => [name, 1]));

function expected(mesh: Mesh): ModelClient['has'] {
  const contents = (record: Readonly<Record<string, unknown>>) =>
    new Map(Object.entries(record).map(([name, content]) => [name, `v${String(content)}`]));
  return {
    cluster: contents(mesh.clusters),
    endpoint: contents(mesh.endpoints),
    listener: contents(mapValues(mesh.routes)),
    route: contents(mesh.routes),
    secret: new Map(),
    extension: new Map(),
  };
}

function danglingRoutes(client: ModelClient): string[] {
  return [...client.has.route].flatMap(([route, content]) =>
    content
      .slice(1)
      .split(',')
      .filter((cluster) => cluster !== '' && !client.has.cluster.has(cluster))
      .map((cluster) => `${route} → ${cluster}`),
  );
}
