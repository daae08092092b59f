import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openConnection } from '../../../../adapters/zookeeper/client/connection.ts';
import { FrameCutter } from '../../../../adapters/zookeeper/client/frames.ts';
import { JuteReader, JuteWriter } from '../../../../adapters/zookeeper/client/jute.ts';
import { newSession } from '../../../../adapters/zookeeper/client/protocol.ts';
import { followTrees } from '../../../../adapters/zookeeper/tree/follow.ts';
import { Mirror } from '../../../../adapters/zookeeper/tree/mirror.ts';
import { systemClock } from '../../../../src/lib/clock.ts';

/** Server that answers requests by `answer`, which returns whole frames. */
async function scripted(answer: (request: { id: number; operation: number; path: string }) => readonly Buffer[]) {
  const server = createServer((socket: Socket) => {
    const frames = new FrameCutter(1_000_000);
    let isOpen = false;
    socket.on('data', (chunk) => {
      for (const frame of frames.push(chunk)) {
        const reader = new JuteReader(frame);
        if (!isOpen) {
          isOpen = true;
          socket.write(new JuteWriter().int(0).int(30_000).long(1n).bytes(Buffer.alloc(16)).frame());
        } else socket.write(Buffer.concat(answer({ id: reader.int(), operation: reader.int(), path: reader.text() })));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const connection = await openConnection(
    {
      server: { host: '127.0.0.1', port },
      session: newSession(30_000),
      lastZxid: 0n,
      clock: systemClock,
      connectTimeoutMs: 60_000,
      digest: null,
      tls: null,
    },
    new AbortController().signal,
  );
  onTestFinished(() => connection.destroy(new Error('the test is over')));
  return connection;
}

const header = (id: number, code = 0) => new JuteWriter().int(id).long(1n).int(code);
const listing = (id: number, ...names: readonly string[]) =>
  names.reduce((writer, name) => writer.text(name), header(id).int(names.length)).frame();
const created = (path: string) => header(-1).int(1).int(3).text(path).frame();

test('an event that arrives together with an earlier listing is applied after it', async () => {
  let hasTold = false;
  const connection = await scripted(({ id, operation, path }) => {
    if (operation !== 8) return [header(id).frame()];
    if (path !== '/r') return [listing(id, '1')];
    if (hasTold) return [listing(id, 'a')];
    hasTold = true;
    return [listing(id), created('/r/a'), created('/r/a/1')];
  });
  const mirror = new Mirror({ root: '/r', interestIn: ({ length }) => (length === 1 ? 'children' : 'existence') });
  const seen: string[] = [];
  const taken = new Promise<void>((resolve) => {
    void followTrees({
      connection,
      mirrors: [mirror],
      clock: systemClock,
      reconcileMs: 3_600_000,
      denied: () => {},
      changed() {
        seen.push(...mirror.takeChanges().map(({ type, names }) => `${type} ${names.join('/')}`));
        resolve();
      },
    });
  });
  await taken;
  expect(seen).toEqual(['put a', 'put a/1']);
});

test('nothing is published before the trees were read', async () => {
  const connection = await scripted(({ id, operation, path }) => {
    if (operation !== 8) return [header(id).frame()];
    return [path === '/r' ? listing(id, 'a') : listing(id)];
  });
  const mirrors = ['/r', '/s'].map((root) => new Mirror({ root, interestIn: () => 'existence' }));
  const first = await new Promise((resolve) => {
    void followTrees({
      connection,
      mirrors,
      clock: systemClock,
      reconcileMs: 3_600_000,
      denied: () => {},
      changed: () => resolve(mirrors.map((mirror) => mirror.takeChanges())),
    });
  });
  expect(first).toEqual([[{ type: 'put', names: ['a'], data: null }], []]);
});
