import { expect, it, onTestFinished } from 'vitest';
import { type FetchEndpoint, type FetchLimits, fetchRoutes } from '../../../src/api/fetch.ts';
import { listenHttp } from '../../../src/api/listen.ts';
import { createHttpServer } from '../../../src/api/server.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { allowAll } from '../../support/allow-all.ts';
import { eventually } from '../../support/eventually.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { send } from '../../support/http.ts';

const request = {
  method: 'POST',
  path: '/v3/discovery:clusters',
  headers: { 'content-type': 'application/json' },
  body: '{}',
};

/** Starts a server that answers when the test decides. */
async function serve(limits: FetchLimits) {
  const clock = fakeClock();
  const waiting: { readonly signal: AbortSignal; readonly answer: (pieces: Iterable<string>) => void }[] = [];
  const endpoint: FetchEndpoint = {
    path: request.path,
    answer: (_body, signal) =>
      new Promise((resolve) => {
        waiting.push({ signal, answer: (pieces) => resolve({ type: 'resources', pieces }) });
      }),
  };
  const server = createHttpServer({
    log: silentLogger,
    accessCheck: allowAll,
    routes: [fetchRoutes([endpoint], clock, limits)],
  });
  const port = Number(new URL(await listenHttp(server, { host: '127.0.0.1', port: 0 })).port);
  onTestFinished(() => {
    server.server.closeAllConnections();
    return server.close();
  });
  const asked = (count: number) => eventually(() => waiting.length === count, { what: `${count} requests` });
  return { port, clock, waiting, asked };
}

it('rejects requests above the limit and accepts one again after another was answered', async () => {
  const { port, waiting, asked } = await serve({ maxAtOnce: 1, timeoutMs: 1_000 });
  const first = send(port, request);
  await asked(1);
  const refused = await send(port, request);
  expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
  expect(JSON.parse(refused.body).message).toMatch(/^1 discovery requests are being answered, .*: poll less often/);
  waiting[0]?.answer(['{', '}']);
  expect(await first).toMatchObject({ status: 200, body: '{}' });
  const next = send(port, request);
  await asked(2);
  waiting[1]?.answer(['{}']);
  expect((await next).status).toBe(200);
});

it('frees the slot of a client that disconnects, and does not compute its answer', async () => {
  const { port, waiting, asked } = await serve({ maxAtOnce: 1, timeoutMs: 1_000 });
  await expect(send(port, { ...request, timeoutMs: 50 })).rejects.toThrow();
  await eventually(() => waiting[0]?.signal.aborted, { what: 'the end of it' });
  const next = send(port, request);
  await asked(2);
  waiting[1]?.answer(['{}']);
  expect((await next).status).toBe(200);
});

it('aborts a request that exceeds the time limit, even while its answer is read', async () => {
  const { port, clock, waiting, asked } = await serve({ maxAtOnce: 1, timeoutMs: 1_000 });
  const slow = send(port, request).catch((error: NodeJS.ErrnoException) => error.code);
  await asked(1);
  clock.advance(999);
  expect(waiting[0]?.signal.aborted).toBe(false);
  clock.advance(1);
  expect(await slow).toBe('ECONNRESET');
  const endless = send(port, request).catch((error: NodeJS.ErrnoException) => error.code);
  await asked(2);
  waiting[1]?.answer(forever());
  clock.advance(1_000);
  expect(await endless).toBe('ECONNRESET');
});

it('rejects a body larger than a megabyte', async () => {
  const { port } = await serve({ maxAtOnce: 1, timeoutMs: 1_000 });
  const answer = await send(port, { ...request, body: JSON.stringify({ names: 'x'.repeat(1 << 20) }) });
  expect(answer.status).toBe(413);
});

it('lets other work run between the pieces of an answer', async () => {
  const { port, waiting, asked } = await serve({ maxAtOnce: 1, timeoutMs: 1_000 });
  const asking = send(port, request);
  await asked(1);
  const taken: number[] = [];
  let turns = 0;
  let stop = false;
  const count = () => {
    turns++;
    if (!stop) setImmediate(count);
  };
  count();
  function* pieces() {
    for (let piece = 0; piece < 4; piece++) {
      taken.push(turns);
      yield 'x'.repeat(64 << 10);
    }
  }
  waiting[0]?.answer(pieces());
  expect((await asking).body).toHaveLength(4 * (64 << 10));
  stop = true;
  expect(new Set(taken).size).toBe(4);
});

function* forever() {
  for (;;) yield 'x'.repeat(1_000);
}
