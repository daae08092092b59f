import { createServer } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ListPage } from '../../../src/kubernetes/answers.ts';
import { type ClientOptions, createKubernetesClient, type KubernetesClient } from '../../../src/kubernetes/client.ts';
import { createCredentials } from '../../../src/kubernetes/credentials.ts';
import type { ClusterAccess } from '../../../src/kubernetes/kubeconfig.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type FakeApiServer, type FakeRequest, startFakeApiServer } from '../../support/fake-api-server.ts';
import { fakeClock } from '../../support/fake-clock.ts';

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const accessTo = ({ url, ca }: Pick<FakeApiServer, 'url' | 'ca'>, token = 'one'): ClusterAccess => ({
  server: url,
  ca: { type: 'data', data: ca },
  skipTlsVerify: false,
  tlsServerName: null,
  token: { type: 'data', data: token },
  clientCert: null,
  clientKey: null,
  basic: null,
  exec: null,
  impersonate: null,
});

async function serverWith(answer: (request: FakeRequest) => void, options?: Parameters<typeof startFakeApiServer>[1]) {
  const server = await startFakeApiServer(answer, options);
  closing.push(() => server.stop());
  return server;
}

function clientOf(access: () => ClusterAccess, options: Partial<ClientOptions> = {}): KubernetesClient {
  const clock = options.clock ?? systemClock;
  const client = createKubernetesClient(
    createCredentials(async () => access(), clock),
    { ...options, clock },
  );
  closing.push(() => client.close());
  return client;
}

const forever = new AbortController().signal;
const pod = (name: string, version: string) => ({ metadata: { name, namespace: 'shop', resourceVersion: version } });
const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };

describe('request', () => {
  test('sends a body with its type and the token, and parses the answer', async () => {
    const seen: FakeRequest[] = [];
    const server = await serverWith((request) => {
      seen.push(request);
      request.json(201, { made: true });
    });
    const client = clientOf(() => accessTo(server));
    const contentType = 'application/apply-patch+yaml';
    expect(await client.request({ method: 'PATCH', path: '/api/v1/x', body: { a: 1 }, contentType })).toEqual({
      made: true,
    });
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer one', 'content-type': contentType });
    expect(seen[0]?.body).toBe('{"a":1}');
  });

  test("rejects with the server's status, reason and Retry-After", async () => {
    const server = await serverWith((request) =>
      request.json(429, {
        kind: 'Status',
        code: 429,
        reason: 'TooManyRequests',
        message: 'later',
        details: { retryAfterSeconds: 3 },
      }),
    );
    const client = clientOf(() => accessTo(server));
    await expect(client.request({ method: 'GET', path: '/api' })).rejects.toMatchObject({
      status: 429,
      reason: 'TooManyRequests',
      message: 'later',
      retryAfterMs: 3000,
    });
  });

  test('reads the credentials again when the server rejects them, and retries once', async () => {
    const server = await serverWith((request) =>
      request.json(request.headers.authorization === 'Bearer two' ? 200 : 401, {}),
    );
    let token = 'one';
    const client = clientOf(() => accessTo(server, token));
    await expect(client.request({ method: 'GET', path: '/api' })).rejects.toMatchObject({ status: 401 });
    token = 'two';
    await expect(client.request({ method: 'GET', path: '/api' })).resolves.toEqual({});
  });

  test('aborts a request without an answer in time', async () => {
    const clock = fakeClock();
    const asked = Promise.withResolvers<void>();
    const server = await serverWith(() => asked.resolve());
    const client = clientOf(() => accessTo(server), { clock, timeoutMs: 5_000 });
    const answer = expect(client.request({ method: 'GET', path: '/api' })).rejects.toThrow('GET /api was not answered');
    await asked.promise;
    clock.advance(5_000);
    await answer;
  });

  test('opens another connection when the first has the maximum number of streams', async () => {
    const open: FakeRequest[] = [];
    const server = await serverWith((request) => open.push(request), { maxConcurrentStreams: 2 });
    const client = clientOf(() => accessTo(server));
    const first = client.request({ method: 'GET', path: '/warm' });
    await vi.waitFor(() => expect(open).toHaveLength(1));
    open[0]?.json(200, {});
    await first;
    const four = [1, 2, 3, 4].map((number) => client.request({ method: 'GET', path: `/${number}` }));
    await vi.waitFor(() => expect(open).toHaveLength(5));
    expect(open.slice(1).filter(({ connection }) => connection === 1)).toHaveLength(2);
    for (const request of open.slice(1)) request.json(200, {});
    await Promise.all(four);
  });

  test('speaks HTTP/1.1 to a server without TLS', async () => {
    const server = createServer((request, response) => response.end(JSON.stringify({ path: request.url })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
    const client = clientOf(() => accessTo({ url, ca: '' }));
    expect(await client.request({ method: 'GET', path: '/api' })).toEqual({ path: '/api' });
  });
});

describe('list', () => {
  test('follows the pages and names the kind of each item', async () => {
    const server = await serverWith((request) => {
      const isFirst = !request.path.includes('continue');
      request.json(200, {
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: { resourceVersion: '7', ...(isFirst ? { continue: 'c1' } : {}) },
        items: [pod(isFirst ? 'a' : 'b', '5')],
      });
    });
    const pages: ListPage[] = [];
    for await (const page of clientOf(() => accessTo(server)).list('/api/v1/pods', { limit: 1 }, forever))
      pages.push(page);
    expect(pages.map(({ isLast, resourceVersion }) => [isLast, resourceVersion])).toEqual([
      [false, '7'],
      [true, '7'],
    ]);
    expect(pages.flatMap(({ items }) => items)).toMatchObject([
      { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } },
      { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'b' } },
    ]);
  });

  test('rejects with 410 when the rest of a list expired', async () => {
    const server = await serverWith((request) =>
      request.path.includes('continue')
        ? request.json(410, expired)
        : request.json(200, { metadata: { resourceVersion: '7', continue: 'c1' }, items: [pod('a', '5')] }),
    );
    const pages = clientOf(() => accessTo(server)).list('/api/v1/pods', {}, forever);
    await pages.next();
    await expect(pages.next()).rejects.toMatchObject({ status: 410, reason: 'Expired' });
  });
});

describe('watch', () => {
  async function watched(options: Partial<ClientOptions> = {}) {
    const streams: ServerHttp2Stream[] = [];
    const paths: string[] = [];
    const server = await serverWith((request) => {
      paths.push(request.path);
      if (request.path === '/connection') request.json(200, request.connection);
      else streams.push(request.lines());
    });
    const client = clientOf(() => accessTo(server), options);
    const events = client.watch('/api/v1/pods', { resourceVersion: '7' }, forever);
    expect((await events.next()).value).toEqual([]);
    return { client, events, paths, stream: streams[0] as ServerHttp2Stream }; // one watch began
  }

  test('requests bookmarks from a version, and yields events as they arrive', async () => {
    const { events, paths, stream } = await watched();
    expect(paths[0]).toContain('allowWatchBookmarks=true&resourceVersion=7');
    const added = line('ADDED', pod('a', '8'));
    stream.write(added.slice(0, 9));
    stream.write(added.slice(9) + line('BOOKMARK', { metadata: { resourceVersion: '12' } }));
    expect((await events.next()).value).toMatchObject([
      { type: 'ADDED', object: { metadata: { name: 'a' } } },
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '12' } } },
    ]);
    stream.end();
    expect((await events.next()).done).toBe(true);
  });

  test('rejects with the status of an ERROR event', async () => {
    const { events, stream } = await watched();
    stream.write(line('ERROR', expired));
    await expect(events.next()).rejects.toMatchObject({ status: 410, reason: 'Expired' });
  });

  test('ends when nothing arrives for too long', async () => {
    const clock = fakeClock();
    const { events, stream } = await watched({ clock, idleMs: 60_000 });
    const next = events.next();
    await Promise.resolve();
    clock.advance(60_000);
    expect((await next).done).toBe(true);
    await vi.waitFor(() => expect(stream.closed).toBe(true));
  });

  test('rejects when the server stops answering pings', async () => {
    const clock = fakeClock();
    const { events } = await watched({ clock, pingMs: 15_000, pongMs: 10_000 });
    const failure = expect(events.next()).rejects.toThrow('did not answer a ping');
    clock.advance(15_000);
    clock.advance(10_000); // in one turn, in which no answer can be read
    await failure;
  });

  test('continues after GOAWAY, while new requests use a new connection', async () => {
    const { client, events, stream } = await watched();
    stream.session?.goaway(0, stream.id);
    const connection = () => client.request({ method: 'GET', path: '/connection' });
    await vi.waitFor(async () => expect(await connection()).toBe(2));
    stream.write(line('ADDED', pod('a', '8')));
    expect((await events.next()).value).toMatchObject([{ type: 'ADDED' }]);
  });
});
