import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRegistrationBook, type RunningBook } from '../../../adapters/registration/book.ts';
import type { Registration } from '../../../adapters/registration/contract.ts';
import { createJournal } from '../../../adapters/registration/journal.ts';
import type { ShardChange } from '../../../src/adapter-contract/adapter.ts';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';

let directory = '';
let clock: FakeClock = fakeClock();
let changes: ShardChange[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'binnacle-book-'));
  clock = fakeClock();
  changes = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function openBook(): Promise<RunningBook> {
  const book = createRegistrationBook({
    clock,
    journal: createJournal(directory),
    defaultTtlSeconds: 30,
    emptyServiceSeconds: 600,
    changed: (more) => changes.push(...more),
    journalled: () => {},
  });
  await book.load();
  return book;
}

const key = (id: string, host = 'orders.example') => ({ namespace: 'shop', host, id });

const registration = (id: string, fields: Partial<Registration> = {}): Registration => ({
  ...key(id),
  address: '10.0.0.1',
  ports: [{ name: 'http', port: 8080, protocol: 'http', servicePort: null }],
  labels: { v: '1' },
  weight: 2,
  locality: 'r/z',
  ttlSeconds: null,
  ...fields,
});

const ids = async (book: RunningBook) => (await book.instances('shop')).map(({ id }) => id);

test('a service has the virtual addresses of all its instances, even after a restart and without instances', async () => {
  const book = await openBook();
  const vips = (of: RunningBook) => of.contents().services.map((service) => service.vips);
  await book.write([registration('a', { vips: ['10.96.0.2'] }), registration('b', { vips: ['10.96.0.1'] })], []);
  await book.write([registration('c')], []);
  expect(vips(book)).toEqual([['10.96.0.1', '10.96.0.2']]);
  await book.write([], [key('a')]);
  expect(vips(book)).toEqual([['10.96.0.1']]);
  await book.write([], [key('c'), key('b')]);
  expect(vips(book)).toEqual([['10.96.0.1']]);
  await book.close();
  const again = await openBook();
  expect(vips(again)).toEqual([['10.96.0.1']]);
  await again.write([registration('c')], []);
  expect(vips(again)).toEqual([[]]);
  await again.close();
});

test('instances create a service, its endpoints and workloads', async () => {
  const book = await openBook();
  await book.write(
    [
      registration('b', {
        address: '10.0.0.2',
        ports: [{ name: 'http', port: 9090, protocol: 'http', servicePort: 80 }],
      }),
    ],
    [],
  );
  clock.advance(1);
  await book.write([registration('a')], []);
  expect(book.contents()).toMatchObject({
    services: [
      {
        hostname: 'orders.example',
        registry: 'registration',
        resolution: 'static',
        vips: [],
        ports: [{ name: 'http', number: 80 }],
      },
    ],
    endpoints: [
      {
        endpoints: [
          { address: '10.0.0.1', ports: { http: 8080 }, labels: { v: '1' }, weight: 2, locality: 'r/z' },
          { address: '10.0.0.2', ports: { http: 9090 } },
        ],
      },
    ],
    workloads: [{ name: 'orders.example/b' }, { name: 'orders.example/a' }],
  });
  await book.close();
});

test('a lease expires only without heartbeats', async () => {
  const book = await openBook();
  await book.write([registration('a'), registration('b', { ttlSeconds: 60 }), registration('c')], []);
  clock.advance(20_000);
  expect(await book.heartbeat(key('a'))).toMatchObject({ expiresAtMs: clock.now() + 30_000 });
  clock.advance(11_000);
  expect(await ids(book)).toEqual(['a', 'b']);
  clock.advance(30_000);
  expect(await ids(book)).toEqual([]);
  expect(await book.heartbeat(key('a'))).toBeNull();
  expect(book.contents()).toMatchObject({
    services: [{ hostname: 'orders.example' }],
    endpoints: [{ endpoints: [] }],
    workloads: [],
  });
  await book.close();
});

test('repeating a registration is a heartbeat: nothing is written or reported', async () => {
  const book = await openBook();
  await book.write([registration('a')], []);
  const before = await readFile(join(directory, 'instances.ndjson'), 'utf8');
  changes = [];
  clock.advance(20_000);
  await book.write([registration('a')], []);
  clock.advance(20_000);
  expect(await ids(book)).toEqual(['a']);
  expect(changes).toEqual([]);
  expect(await readFile(join(directory, 'instances.ndjson'), 'utf8')).toBe(before);
  await book.close();
});

test('everything survives a restart and gets one full lease', async () => {
  const first = await openBook();
  await first.write([registration('a'), registration('b')], []);
  await first.write([], [key('b')]);
  const [before] = await first.instances('shop');
  await first.close();
  clock.advance(3_600_000);
  const second = await openBook();
  expect(await second.instances('shop')).toEqual([{ ...before, expiresAtMs: clock.now() + 30_000 }]);
  clock.advance(31_000);
  expect(await ids(second)).toEqual([]);
  await second.close();
  const third = await openBook();
  expect(await ids(third)).toEqual([]);
  expect(await third.services('shop')).toMatchObject([
    { host: 'orders.example', instances: 0, createdAtMs: before?.registeredAtMs },
  ]);
  await third.close();
});

test('a line that a crash truncated is dropped without losing later ones', async () => {
  const first = await openBook();
  await first.write([registration('a')], []);
  await appendFile(join(directory, 'instances.ndjson'), '\n[{"op":"put","insta');
  await first.write([registration('b')], []);
  await first.close();
  const second = await openBook();
  expect(await ids(second)).toEqual(['a', 'b']);
  await second.close();
});

test('a batch is applied completely or not at all, with one event per instance', async () => {
  const book = await openBook();
  const events: string[] = [];
  book.watch((event) =>
    events.push(event.type === 'put' ? `put ${event.instance.id}` : `${event.reason} ${event.key.id}`),
  );
  await book.write([registration('a')], []);
  expect(await book.write([registration('b'), registration('c')], [key('a'), key('x')])).toMatchObject({
    put: [{ id: 'b' }, { id: 'c' }],
    deleted: [true, false],
  });
  clock.advance(31_000);
  expect(events).toEqual(['put a', 'put b', 'put c', 'deleted a', 'expired b', 'expired c']);
  await rm(directory, { recursive: true });
  await appendFile(directory, 'in the way');
  await expect(book.write([registration('d'), registration('e')], [])).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  expect(await ids(book)).toEqual([]);
  await book.close();
});

test('a changed instance leaves its siblings unchanged, and keeps its change through a restart', async () => {
  const other = {
    ports: [{ name: 'http', port: 9090, protocol: 'http', servicePort: null }],
    locality: 'r/z2',
  } as const;
  const first = await openBook();
  await first.write([registration('a'), registration('b'), registration('c')], []);
  await first.write([registration('a', { ...other, labels: { v: '2' } })], []);
  const expected = [
    { id: 'a', ports: [{ port: 9090 }], labels: { v: '2' }, locality: 'r/z2' },
    { id: 'b', ports: [{ port: 8080 }], labels: { v: '1' }, locality: 'r/z' },
    { id: 'c', ports: [{ port: 8080 }], labels: { v: '1' }, locality: 'r/z' },
  ];
  const contents = {
    endpoints: [
      {
        endpoints: [
          { ports: { http: 9090 }, labels: { v: '2' }, locality: 'r/z2', workload: { name: 'orders.example/a' } },
          { ports: { http: 8080 }, labels: { v: '1' }, locality: 'r/z', workload: { name: 'orders.example/b' } },
          { ports: { http: 8080 }, labels: { v: '1' }, locality: 'r/z', workload: { name: 'orders.example/c' } },
        ],
      },
    ],
    workloads: [{ labels: { v: '2' } }, { labels: { v: '1' } }, { labels: { v: '1' } }],
  };
  expect(await first.instances('shop')).toMatchObject(expected);
  expect(first.contents()).toMatchObject(contents);
  await first.close();
  const second = await openBook();
  expect(await second.instances('shop')).toMatchObject(expected);
  expect(second.contents()).toMatchObject(contents);
  await second.close();
});

test('labels are shown in the order of the instance, whatever the order of its siblings', async () => {
  const book = await openBook();
  await book.write([registration('a', { labels: { v: '1', zone: 'z' } })], []);
  await book.write([registration('b', { labels: { zone: 'z', v: '1' } })], []);
  expect((await book.instances('shop')).map(({ labels }) => Object.keys(labels))).toEqual([
    ['v', 'zone'],
    ['zone', 'v'],
  ]);
  await book.close();
});

test('a change renews the lease, even to a shorter one', async () => {
  const book = await openBook();
  await book.write([registration('a'), registration('b')], []);
  clock.advance(20_000);
  await book.write([registration('a', { weight: 9 }), registration('b', { ttlSeconds: 5 })], []);
  clock.advance(6_000);
  expect(await ids(book)).toEqual(['a']);
  clock.advance(20_000);
  expect(await ids(book)).toEqual(['a']);
  clock.advance(5_000);
  expect(await ids(book)).toEqual([]);
  await book.close();
});

test('an instance forgotten with its service and registered again does not expire with its former lease', async () => {
  const book = await openBook();
  await book.write([registration('a')], []);
  await Promise.all([book.write([registration('b')], []), book.removeService('shop', 'orders.example')]);
  expect(await ids(book)).toEqual([]);
  clock.advance(20_000);
  await book.write([registration('b')], []);
  clock.advance(11_000);
  expect(await ids(book)).toEqual(['b']);
  clock.advance(20_000);
  expect(await ids(book)).toEqual([]);
  await book.close();
});

test('overlapping writes apply in the order of arrival', async () => {
  const book = await openBook();
  await book.write([registration('a')], []);
  await Promise.all([book.write([registration('a', { weight: 9 })], []), book.write([registration('a')], [])]);
  expect(await book.get(key('a'))).toMatchObject({ weight: 2 });
  await Promise.all([book.write([registration('n')], []), book.write([], [key('n')])]);
  expect(await book.get(key('n'))).toBeNull();
  await book.close();
});

test('a service without instances is forgotten after a while, or when it is removed', async () => {
  const book = await openBook();
  await book.write([registration('a')], []);
  await book.write([], [key('a')]);
  expect(await book.services('shop')).toHaveLength(1);
  clock.advance(660_000);
  await vi.waitFor(async () => expect(await book.services('shop')).toEqual([]));
  expect(changes.at(-1)).toEqual({ type: 'service-removed', namespace: 'shop', hostname: 'orders.example' });
  await book.write([registration('a')], []);
  expect(await book.removeService('shop', 'orders.example')).toBe(true);
  expect(await book.services('shop')).toEqual([]);
  await book.close();
});
