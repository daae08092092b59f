import { describe, expect, it } from 'vitest';
import { createCompiler } from '../../src/compile/compiler.ts';
import type { FlushWork, WorldChange } from '../../src/compile/contract.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { stringField } from '../../src/proto/wire.ts';
import type { Client } from '../../src/push/client.ts';
import { Coordinator } from '../../src/push/coordinator.ts';
import { unobserved } from '../../src/push/observer.ts';
import { receiveDelta, receiveSotw } from '../../src/xds/stream/receive.ts';
import { createStream } from '../../src/xds/stream/stream.ts';
import type { DeltaRequest, SotwRequest } from '../../src/xds/wire/request.ts';
import type { Mode, Response } from '../../src/xds/wire/response.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { type MeshType, meshTypes } from '../support/mesh-types.ts';
import { endpoint } from '../support/model.ts';
import { endpointsOf, proxy, rule, service } from '../support/world.ts';

/*
 * Counts the work for one change with a hundred equal clients: the promises of the design in numbers that do not depend
 * on the machine. Compiler, coordinator and streams are real; the clients acknowledge at once.
 */
const hosts = ['a', 'b', 'c', 'd', 'e'];
const clients = 100;

for (const mode of ['sotw', 'delta'] as const) {
  describe(`a hundred equal clients over ${mode}`, () => {
    it('first configurations: one compile per host, one encoding per resource, one response per type', async () => {
      const mesh = await connected(mode);
      // 5 clusters and 3 special ones; 2 listeners (HTTP and virtualOutbound); 5 virtual hosts, and the route's own
      // parts.
      expect(mesh.work.hostsCompiled).toBe(5);
      expect(mesh.sent).toEqual({ cluster: clients, endpoint: clients, listener: clients, route: clients });
      expect(mesh.built).toEqual({ cluster: 1, endpoint: 1, listener: 1, route: 1 });
      expect(mesh.work.encoded).toBeLessThanOrEqual(5 + 3 + 3 + 5 + 3);
    });

    it('one endpoint change: nothing compiled, nothing encoded, one assignment assembled, one response for all', async () => {
      const mesh = await connected(mode);
      await mesh.change({ type: 'endpoints', set: endpointsOf(service('c'), [endpoint('10.0.9.9')]) });
      expect(mesh.work).toEqual({ hostsCompiled: 0, encoded: 0, assembled: 1 });
      expect(mesh.built).toEqual({ cluster: 0, endpoint: 1, listener: 0, route: 0 });
      expect(mesh.sent).toEqual({ cluster: 0, endpoint: clients, listener: 0, route: 0 });
      expect(mesh.names).toEqual(['outbound|80||c.default.svc.cluster.local']);
    });

    it('one rule change: one host compiled, one virtual host encoded, one route configuration assembled, one response', async () => {
      const mesh = await connected(mode);
      const routes = [{ timeout: '3s', route: [{ destination: { host: 'b' } }] }];
      await mesh.change({ type: 'rule', rule: rule('VirtualService', 'b', { hosts: ['b'], http: routes }) });
      expect(mesh.work).toEqual({ hostsCompiled: 1, encoded: 1, assembled: 1 });
      expect(mesh.built).toEqual({ cluster: 0, endpoint: 0, listener: 0, route: 1 });
      expect(mesh.sent).toEqual({ cluster: 0, endpoint: 0, listener: 0, route: clients });
      expect(mesh.names).toEqual(['80']);
    });

    it('a change without effect: nothing', async () => {
      const mesh = await connected(mode);
      await mesh.change({ type: 'endpoints', set: endpointsOf(service('c'), [endpoint('10.0.0.1')]) });
      expect(mesh.built).toEqual({ cluster: 0, endpoint: 0, listener: 0, route: 0 });
      expect(mesh.sent).toEqual({ cluster: 0, endpoint: 0, listener: 0, route: 0 });
    });

    it('a change of the labels of a service: nothing', async () => {
      const mesh = await connected(mode);
      await mesh.change({ type: 'service', service: { ...service('c'), labels: { team: 'shop' } } });
      expect(mesh.work).toEqual({ hostsCompiled: 0, encoded: 0, assembled: 0 });
      expect(mesh.sent).toEqual({ cluster: 0, endpoint: 0, listener: 0, route: 0 });
    });

    it('a client that connects later: nothing compiled, no response built', async () => {
      const mesh = await connected(mode);
      await mesh.join(1);
      expect(mesh.work).toEqual({ hostsCompiled: 0, encoded: 0, assembled: 0 });
      expect(mesh.built).toEqual({ cluster: 0, endpoint: 0, listener: 0, route: 0 });
      expect(mesh.sent).toEqual({ cluster: 1, endpoint: 1, listener: 1, route: 1 });
    });
  });
}

type PerType = Record<MeshType, number>;
const zero = (): PerType => ({ cluster: 0, endpoint: 0, listener: 0, route: 0 });

/** Counts since its last change, or since the start. */
interface CountedMesh {
  work: FlushWork;
  /** Different responses that were built. */
  built: PerType;
  sent: PerType;
  /** Names of the resources in the responses. */
  names: string[];
  change(change: WorldChange): Promise<void>;
  join(count: number): Promise<void>;
}

async function connected(mode: Mode): Promise<CountedMesh> {
  let waiting: WorldChange[] = hosts.flatMap((host) => [
    { type: 'service', service: service(host) },
    { type: 'endpoints', set: endpointsOf(service(host), [endpoint('10.0.0.1')]) },
  ]);
  const known = new Set<Response>();
  const counts: CountedMesh = {
    work: { hostsCompiled: 0, encoded: 0, assembled: 0 },
    built: zero(),
    sent: zero(),
    names: [],
    async change(change) {
      reset();
      waiting.push(change);
      await coordinator.flush();
      await turns();
    },
    async join(count) {
      reset();
      for (let index = 0; index < count; index++) connect();
      await coordinator.flush();
      await turns();
    },
  };
  const reset = () =>
    Object.assign(counts, {
      work: { hostsCompiled: 0, encoded: 0, assembled: 0 },
      built: zero(),
      sent: zero(),
      names: [],
    });
  const deferred: (() => void)[] = [];
  /** Runs deferred work until none is left. */
  const turns = async () => {
    for (let run = deferred.shift(); run !== undefined; run = deferred.shift()) run();
  };
  const coordinator = new Coordinator({
    compiler: createCompiler(),
    take: () => {
      const taken = waiting;
      waiting = [];
      return taken;
    },
    clock: fakeClock(),
    log: silentLogger,
    observer: {
      ...unobserved,
      flushed: ({ work }) => {
        const { hostsCompiled, encoded, assembled } = counts.work;
        counts.work = {
          hostsCompiled: hostsCompiled + work.hostsCompiled,
          encoded: encoded + work.encoded,
          assembled: assembled + work.assembled,
        };
      },
    },
    timing: { endpointQuietMs: 0, quietMs: 0, maxMs: 0 },
    defer: (run) => deferred.push(run),
    elapsed: () => 0, // a flush is one slice
  });

  const take = (response: Response) => {
    const type = meshTypes.find((one) => one === response.type) ?? 'cluster'; // no other is asked for
    counts.sent[type]++;
    if (!known.has(response)) {
      known.add(response);
      counts.built[type]++;
      counts.names.push(...response.updated);
    }
    return type;
  };
  const connect = () => {
    const stream = createStream(mode);
    const client: Client = coordinator.connect({
      id: `${clients}`,
      proxy: proxy(),
      stream,
      peer: '',
      outlet: {
        writable: true,
        write(response: Response) {
          const type = take(response);
          deferred.push(() => ask(client, type, response.nonce));
        },
        end: () => {},
      },
    });
    for (const type of meshTypes) ask(client, type, '');
  };
  const ask = (client: Client, type: MeshType, nonce: string) => {
    const names =
      type === 'endpoint'
        ? hosts.map((host) => `outbound|80||${host}.default.svc.cluster.local`)
        : type === 'route'
          ? ['80']
          : [];
    const outcome =
      mode === 'sotw'
        ? receiveSotw(client.stream, sotwRequest(type, nonce, names), coordinator.context)
        : receiveDelta(client.stream, deltaRequest(type, nonce, nonce === '' ? names : []), coordinator.context);
    coordinator.received(client, outcome);
  };

  await coordinator.flush();
  for (let index = 0; index < clients; index++) connect();
  await coordinator.flush();
  await turns();
  return counts;
}

const head = (type: MeshType, nonce: string) => ({ type, typeUrl: type, node: null, nonce, error: null });

const sotwRequest = (type: MeshType, nonce: string, names: readonly string[]): SotwRequest => ({
  ...head(type, nonce),
  version: '',
  names: nameField(names),
});

const deltaRequest = (type: MeshType, nonce: string, names: readonly string[]): DeltaRequest => ({
  ...head(type, nonce),
  subscribe: nameField(names),
  unsubscribe: [],
  initialVersions: new Map(),
});

const nameField = (names: readonly string[]): Uint8Array => Buffer.concat(names.map((name) => stringField(3, name)));
