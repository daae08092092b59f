import type { ServerHttp2Stream } from 'node:http2';
import { expect, test, vi } from 'vitest';
import { createKubernetesClient } from '../../../src/kubernetes/client.ts';
import { createCredentials } from '../../../src/kubernetes/credentials.ts';
import { follow } from '../../../src/kubernetes/follow.ts';
import { parseKubeconfig } from '../../../src/kubernetes/kubeconfig.ts';
import { createReflector } from '../../../src/kubernetes/reflector.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { startFakeApiServer } from '../../support/fake-api-server.ts';

/** A server with one kind, whose list and version a test sets. */
async function followed(compareMs: number, use: (kind: FakeKind, seen: () => readonly string[]) => Promise<void>) {
  const kind: FakeKind = { version: 10, items: new Map([['a', 3]]), watches: [] };
  const server = await startFakeApiServer((request) => {
    if (request.path.includes('watch=1')) kind.watches.push({ path: request.path, stream: request.lines() });
    else {
      const items = [...kind.items].map(([name, version]) => ({ metadata: { name, resourceVersion: `${version}` } }));
      request.json(200, { metadata: { resourceVersion: `${kind.version}` }, items });
    }
  });
  const text = JSON.stringify({
    clusters: [
      {
        name: 'c',
        cluster: { server: server.url, 'certificate-authority-data': Buffer.from(server.ca).toString('base64') },
      },
    ],
    contexts: [{ name: 'one', context: { cluster: 'c' } }],
    'current-context': 'one',
  });
  const parsed = parseKubeconfig(text, { directory: null });
  if (!parsed.ok) throw new Error(parsed.error);
  const source = createCredentials(async () => parsed.value, systemClock);
  const client = createKubernetesClient(source, { clock: systemClock });
  const reflector = createReflector({ retry: { baseMs: 10, maxMs: 50 } });
  const abort = new AbortController();
  const seen: string[] = [];
  const following = follow(
    {
      client,
      path: '/api/v1/things',
      reflector,
      clock: systemClock,
      probeMs: 20,
      compareMs,
      changed: (changes) =>
        seen.push(
          ...changes.map((one) => `${one.type} ${one.type === 'put' ? one.object.metadata.name : one.metadata.name}`),
        ),
      relisted: (reason) => seen.push(reason),
      differed: (objects) => seen.push(`${objects} differed`),
    },
    abort.signal,
  );
  try {
    await use(kind, () => seen);
  } finally {
    abort.abort();
    await following;
    client.close();
    await server.stop();
  }
}

interface FakeKind {
  version: number;
  readonly items: Map<string, number>;
  readonly watches: { readonly path: string; readonly stream: ServerHttp2Stream }[];
}

const hour = 3_600_000;
/** Waits longer than a busy machine needs. */
const waitFor = (check: () => void) => vi.waitFor(check, { timeout: 30_000 });
const event = (type: string, name: string, version: string) =>
  `${JSON.stringify({ type, object: { metadata: { name, resourceVersion: version } } })}\n`;

test('lists, watches, and resumes a lost watch after the last event', () =>
  followed(hour, async (kind, seen) => {
    await waitFor(() => expect(kind.watches).toHaveLength(1));
    expect(kind.watches[0]?.path).toContain('resourceVersion=10&');
    kind.version = 12;
    kind.watches[0]?.stream.write(event('ADDED', 'b', '12'));
    await waitFor(() => expect(seen()).toEqual(['put a', 'put b']));
    kind.watches[0]?.stream.session?.destroy();
    await waitFor(() => expect(kind.watches.length).toBeGreaterThan(1));
    expect(kind.watches.at(-1)?.path).toContain('resourceVersion=12&');
  }));

test('lists again after 410, and removes what vanished', () =>
  followed(hour, async (kind, seen) => {
    await waitFor(() => expect(kind.watches).toHaveLength(1));
    kind.items.delete('a');
    kind.items.set('c', 80);
    kind.version = 90;
    kind.watches[0]?.stream.write(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410 } })}\n`);
    await waitFor(() => expect(seen()).toEqual(['put a', 'expired', 'put c', 'removed a']));
  }));

test('detects that the versions of a silent server decreased', () =>
  followed(hour, async (kind, seen) => {
    await waitFor(() => expect(kind.watches).toHaveLength(1));
    kind.items.clear();
    kind.version = 5;
    await waitFor(() => expect(seen()).toEqual(['put a', 'versions-went-back', 'removed a']));
  }));

test('compares lists after a watch was lost, because a restored server may have grown beyond the received version', () =>
  followed(hour, async (kind, seen) => {
    await waitFor(() => expect(kind.watches).toHaveLength(1));
    kind.version = 12;
    kind.watches[0]?.stream.write(event('MODIFIED', 'a', '12'));
    await waitFor(() => expect(seen()).toEqual(['put a', 'put a']));
    kind.items.set('a', 3);
    kind.version = 20;
    kind.watches[0]?.stream.session?.destroy();
    await waitFor(() => expect(seen()).toEqual(['put a', 'put a', '1 differed', 'differs', 'put a']));
  }));

test('repairs a difference without an event', () =>
  followed(20, async (kind, seen) => {
    await waitFor(() => expect(kind.watches).toHaveLength(1));
    kind.items.set('lost', 11);
    kind.version = 11;
    await waitFor(() => expect(seen()).toContain('put lost'));
    expect(seen()).toContain('1 differed');
  }));
