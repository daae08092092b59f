import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { endpoint, endpointSet, rawObject, service, workload } from '../../support/model.ts';
import { contents, story, testRegistry } from '../../support/registry.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'binnacle-shards-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const everything = contents({
  services: [service('reviews')],
  endpoints: [endpointSet('reviews', endpoint('10.0.0.1'))],
  workloads: [workload('w')],
  objects: [rawObject('VirtualService', 'v', { http: [] })],
});

async function earlierRun(): Promise<void> {
  const { registry } = testRegistry(directory);
  registry.shard('nacos', 'nacos').replace(everything);
  await registry.close();
}

test('an adapter that does not answer in time serves the snapshot, marked stale', async () => {
  await earlierRun();
  const { registry, clock } = testRegistry(directory);
  const sink = registry.shard('nacos', 'nacos', { syncTimeoutMs: 10_000 });
  sink.degraded('connection refused');
  clock.advance(9_999);
  expect(registry.awaited()).toEqual(['nacos']);
  clock.advance(1);
  await vi.waitFor(() => expect(registry.awaited()).toEqual([]));
  expect(registry.shards()).toMatchObject([
    { state: 'stale', reason: 'connection refused', contentsAtMs: 1_700_000_000_000 },
  ]);
  expect(story(registry)).toEqual(['service reviews of test', 'endpoints reviews: 10.0.0.1']);
  expect(registry.takeRawChanges().map(({ type }) => type)).toEqual(['workload', 'object']);
  await registry.close();
});

test('a connection alone does not make a snapshot current; a listing replaces it', async () => {
  await earlierRun();
  const { registry, clock } = testRegistry(directory);
  const sink = registry.shard('nacos', 'nacos');
  clock.advance(10_000);
  await vi.waitFor(() => expect(registry.shards()).toMatchObject([{ state: 'stale' }]));
  registry.takeChanges();
  sink.recovered();
  expect(registry.shards()).toMatchObject([{ state: 'stale' }]);
  sink.replace(contents({ services: [service('ratings')] }));
  expect(registry.shards()).toMatchObject([{ state: 'synced' }]);
  expect(story(registry)).toEqual(['gone default/reviews', 'service ratings of test', 'endpoints ratings: none']);
  await registry.close();
});

for (const { name, damage } of [
  { name: 'truncated', damage: (text: string) => text.slice(0, -20) },
  { name: 'modified in one place', damage: (text: string) => text.replace('10.0.0.1', '10.0.0.2') },
  { name: 'empty', damage: () => '' },
]) {
  test(`a snapshot that is ${name} is ignored and logged`, async () => {
    await earlierRun();
    const path = join(directory, 'nacos.json');
    await writeFile(path, damage(await readFile(path, 'utf8')));
    const logged: string[] = [];
    const clock = fakeClock();
    const log = { ...silentLogger, warn: (_facts: object, message: string) => logged.push(message) };
    const registry = createRegistry({ clock, log, snapshotDir: directory });
    registry.shard('nacos', 'nacos');
    clock.advance(10_000);
    await vi.waitFor(() => expect(logged).toEqual(['shard snapshot ignored']));
    expect(registry.awaited()).toEqual(['nacos']);
    expect(registry.shards()[0]?.snapshot.problem).toContain('its checksum does not match');
    await registry.close();
  });
}

test('a snapshot is written in JSON after a quiet period', async () => {
  const { registry, clock } = testRegistry(directory);
  registry.shard('nacos', 'nacos').replace(everything);
  clock.advance(2_000);
  await vi.waitFor(() => expect(registry.shards()[0]?.snapshot.savedAtMs).toBe(clock.now()));
  const text = await readFile(join(directory, 'nacos.json'), 'utf8');
  expect(JSON.parse(text)).toMatchObject({ header: { format: 1, shard: 'nacos' }, entries: { length: 4 } });
  await registry.close();
});

test('a failing disk is logged once, shown and retried', async () => {
  const blocked = join(directory, 'file');
  await writeFile(blocked, 'in the way');
  const logged: string[] = [];
  const clock = fakeClock();
  const log = { ...silentLogger, warn: (_facts: object, message: string) => logged.push(message) };
  const registry = createRegistry({ clock, log, snapshotDir: blocked });
  registry.shard('nacos', 'nacos').replace(everything);
  clock.advance(2_000);
  await vi.waitFor(() => expect(registry.shards()[0]?.snapshot.problem).toContain('could not be written'));
  expect([...registry.takeChanges()]).toHaveLength(2);
  await rm(blocked);
  await mkdir(join(blocked, 'nacos.json.tmp'), { recursive: true });
  clock.advance(30_000);
  await vi.waitFor(() => expect(registry.shards()[0]?.snapshot.problem).toContain('EISDIR'));
  await rm(blocked, { recursive: true });
  clock.advance(30_000);
  await vi.waitFor(() => expect(registry.shards()[0]?.snapshot).toEqual({ savedAtMs: clock.now(), problem: null }));
  expect(logged).toEqual(['shard snapshot not written']);
  await registry.close();
});

test('a shard that is removed leaves no snapshot', async () => {
  const { registry } = testRegistry(directory);
  registry.shard('kubernetes/east', 'kubernetes').replace(everything);
  await registry.removeShard('kubernetes/east');
  expect(await readdir(directory)).toEqual([]);
  await registry.close();
});
