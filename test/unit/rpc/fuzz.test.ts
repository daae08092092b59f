import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { type Logger, silentLogger } from '../../../src/lib/logger.ts';
import type { Coordinator } from '../../../src/push/coordinator.ts';
import { frame } from '../../../src/rpc/frame.ts';
import type { RpcMethod } from '../../../src/rpc/handlers/handler.ts';
import { createRpcServer, type RpcServer, type RpcServerOptions } from '../../../src/rpc/server.ts';
import { okStatus } from '../../../src/rpc/status.ts';
import { openAds } from '../../support/ads-client.ts';
import { authority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { startHandFilledPlane } from '../../support/hand-filled-plane.ts';
import { answerOf, echoPath, framed, grpcHeaders, rawClient } from './harness.ts';
import { discoveryPaths, hostileRequest } from './hostile-requests.ts';
import { type FuzzRandom, hostileScript, type Repertoire, randomFrom } from './hostile-script.ts';

/** BINNACLE_FUZZ_SECONDS=600 makes a long run; BINNACLE_FUZZ_SEED repeats one. */
const seconds = Number(process.env.BINNACLE_FUZZ_SECONDS ?? 8);
const seed = Number(process.env.BINNACLE_FUZZ_SEED ?? Date.now() % 1_000_000);

/** Concurrent clients. */
const width = 8;

const limits = {
  maxReceiveBytes: 500_000,
  requestTimeoutMs: 300,
  maxConnectionsPerPeer: null,
  callsPerPeer: { burst: 1e9, perSecond: 1e9 }, // all clients have one address
  handshakeTimeoutMs: 300,
  messageTimeoutMs: 300,
  drainTimeoutMs: 300,
  keepaliveIntervalMs: 300,
  keepaliveTimeoutMs: 300,
};

it(`survives hostile clients while it serves others (BINNACLE_FUZZ_SEED=${seed})`, {
  timeout: (seconds + 30) * 1000,
}, async () => {
  const counts = { opened: 0, closed: 0 };
  const faults: unknown[] = [];
  const log: Logger = { ...silentLogger, error: (facts) => faults.push(facts) };
  const plane = await startHandFilledPlane();
  onTestFinished(() => plane.stop());
  plane.put({ cluster: { a: '{}', b: '{}' }, endpoint: { a: '{}', b: '{}' }, route: { a: '{}', b: '{}' } });
  const services = [...methods(counts), ...plane.services];
  const common: RpcServerOptions = { services, limits, clock: systemClock, log };
  const material = { ...authority().issue({}), clientCa: null };
  const handlesBefore = handles();
  const plaintext = await listening(common);
  const secure = await listening({ ...common, tls: { material, requireClientCert: false } });

  const random = randomFrom(seed);
  const stop = new AbortController();
  const behaving = wellBehaved(plaintext.port, stop.signal);
  const { coordinator } = plane;
  await attack({ forMs: 1000, random, plaintext, secure, coordinator }); // one-time allocations
  const heapBefore = heapBytes();
  const attacks = await attack({ forMs: seconds * 1000, random, plaintext, secure, coordinator });
  stop.abort();
  const calls = await behaving;

  for (const { server } of [plaintext, secure]) {
    await eventually(() => server.connectionCount() === 0, { what: 'every connection is gone' });
  }
  await eventually(() => counts.closed === counts.opened, { what: 'every call is closed' });
  expect(coordinator.clients.size).toBe(0);
  expect([...coordinator.context.interests.all()]).toEqual([]);
  expect(faults).toEqual([]);
  expect(attacks).toBeGreaterThan(20 * seconds);
  expect(calls).toBeGreaterThan(5 * seconds);
  expect(counts.opened).toBeGreaterThan(attacks / 8); // the attacks reach the handlers
  expect(coordinator.activity).toBeGreaterThan(attacks / 20); // discovery parses its requests
  await eventually(
    () => {
      coordinator.context.names.sweep(); // normally every ten seconds
      return heapBytes() - heapBefore < 24_000_000; // up to 8 MB of it may be remembered requests
    },
    { what: 'the memory is free' },
  );
  for (const { server } of [plaintext, secure]) await server.close();
  await eventually(() => handles() <= handlesBefore, { what: 'no socket is left' });

  // subscriptions and rejections of hostile clients do not affect others
  const others = openAds(plane.xdsPort, { nodeId: 'n' });
  expect([...(await others.subscribe('cluster')).resources.keys()].sort()).toEqual(['a', 'b']);
});

interface Listening {
  readonly server: RpcServer;
  readonly port: number;
}

async function listening(options: RpcServerOptions): Promise<Listening> {
  const server = createRpcServer(options);
  onTestFinished(() => server.close());
  return { server, port: (await server.listen('127.0.0.1', 0)).port };
}

/** One method of each kind. They answer as their messages ask, and count their calls. */
function methods(counts: { opened: number; closed: number }): readonly RpcMethod[] {
  const counted = (signal: AbortSignal) => {
    counts.opened++;
    signal.addEventListener('abort', () => {
      counts.closed++;
    });
  };
  const expected = { parts: [Buffer.from('aa'), Buffer.from('aaa')], length: 5 };
  return [
    {
      type: 'streaming',
      path: echoPath,
      open(call) {
        counts.opened++;
        return {
          message: (bytes) => void call.writeFramed(frame([Buffer.from(bytes)])),
          halfClosed: () => call.end(okStatus),
          drained: () => {},
          expectedMessage: (length) => (length === 5 ? expected : null),
          recognised: (known) => void call.writeFramed(frame(known.parts)),
          closed: () => {
            counts.closed++;
          },
        };
      },
    },
    {
      type: 'unary',
      path: '/test.Fuzz/Unary',
      compress: true,
      async handle(request, { signal }) {
        counted(signal);
        return request;
      },
    },
    {
      type: 'server-streaming',
      path: '/test.Fuzz/Many',
      compress: true,
      async *handle(request, { signal }) {
        counted(signal);
        for (let copy = 0; copy < 20; copy++) yield request;
      },
    },
    {
      type: 'client-streaming',
      path: '/test.Fuzz/Count',
      async handle(requests, { signal }) {
        counted(signal);
        let bytes = 0;
        for await (const request of requests) bytes += request.length;
        return Buffer.from(String(bytes));
      },
    },
    {
      type: 'bidi-streaming',
      path: '/test.Fuzz/Echo',
      async *handle(requests, { signal }) {
        counted(signal);
        yield* requests;
      },
    },
  ];
}

interface Attack {
  readonly forMs: number;
  readonly random: FuzzRandom;
  readonly plaintext: Listening;
  readonly secure: Listening;
  readonly coordinator: Coordinator;
}

/** Resolves with the number of clients. */
async function attack({ forMs, random, plaintext, secure, coordinator }: Attack): Promise<number> {
  const until = performance.now() + forMs;
  let clients = 0;
  const attacker = async () => {
    while (performance.now() < until) {
      clients++;
      const repertoire = random.chance(0.5) ? discovery(coordinator) : toys;
      await hostileClient(random.chance(0.05) ? secure.port : plaintext.port, repertoire, random);
    }
  };
  await Promise.all(Array.from({ length: width }, attacker));
  return clients;
}

const toys: Repertoire = {
  paths: [echoPath, '/test.Fuzz/Unary', '/test.Fuzz/Many', '/test.Fuzz/Count', '/test.Fuzz/Echo', '/nobody/Knows'],
};

/** Requests of xDS, with nonces of responses to other clients. */
function discovery({ clients }: Coordinator): Repertoire {
  const sent = [...clients].flatMap(({ stream }) => [...stream.types.values()].map(({ inFlight }) => inFlight?.nonce));
  const nonces = sent.filter((nonce) => nonce !== undefined);
  return { paths: discoveryPaths, message: (random, path) => hostileRequest(random, path, nonces) };
}

/** Sends a script and disconnects in some way, at once or after the server has closed. */
async function hostileClient(port: number, repertoire: Repertoire, random: FuzzRandom): Promise<void> {
  const script = hostileScript(random, repertoire);
  const farewell = random.pick(['end', 'destroy', 'reset', 'stay']);
  const patienceMs = random.pick([0, 0, 1, 5, 30]);
  const reads = random.chance(0.9);
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  const closed = new Promise((resolve) => socket.on('close', resolve));
  if (reads) socket.resume();
  for (const piece of script) {
    socket.write(piece);
    if (piece.length < 20) await new Promise(setImmediate);
  }
  await delay(patienceMs);
  if (farewell === 'end') socket.end();
  if (farewell === 'reset') socket.resetAndDestroy();
  if (farewell === 'destroy' || !reads) socket.destroy();
  await Promise.race([closed, delay(farewell === 'stay' ? 1000 : 50)]);
  socket.destroy();
}

/** Makes calls on a connection, one after another, and checks the answers. Resolves with their number. */
async function wellBehaved(port: number, signal: AbortSignal): Promise<number> {
  const session = rawClient(port);
  let calls = 0;
  while (!signal.aborted) {
    const stream = session.request(grpcHeaders);
    const answer = answerOf(stream);
    const text = `call ${++calls}`.padEnd((calls * 977) % 40_000, '.');
    stream.write(framed(text));
    stream.end(framed('aaaaa'));
    const { body, trailers } = await answer;
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect(body.equals(Buffer.concat([framed(text), framed('aaaaa')]))).toBe(true);
    await delay(5);
  }
  session.destroy();
  return calls;
}

/** Counts open sockets, servers and connections of this process. */
const handles = (): number => process.getActiveResourcesInfo().filter((name) => /TCP|TLS/.test(name)).length;

/** Returns the heap size after a garbage collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // the flag adds this function
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
