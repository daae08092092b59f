import { expect, onTestFinished, test, vi } from 'vitest';
import { type FollowConfigsOptions, type FollowedConfigs, followConfigs } from '../../../support/nacos/configs.ts';
import { type FakeNacos, fakeNacosForTest } from '../../../support/nacos/fake-server.ts';

const patience = { timeout: 60_000, interval: 10 };

/** Follows the configurations `a`, `b` and `c` of group `G`. */
function follow(servers: readonly FakeNacos[], options: Partial<FollowConfigsOptions> = {}): FollowedConfigs {
  const following = followConfigs({ targets: servers.map(({ address }) => address), ...options });
  for (const dataId of ['a', 'b', 'c']) following.add({ group: 'G', dataId });
  onTestFinished(following.stop);
  return following;
}

const countOf = (server: FakeNacos, type: string) => server.requests.filter((one) => one === type).length;

test('configurations that are there, that come, change and go are told', async () => {
  const server = await fakeNacosForTest();
  server.setConfig('a', '1');
  const following = follow([server]);
  await vi.waitFor(() => expect(following.compared).toBe(1), patience);
  expect(following.told).toEqual(['G@@a=1']);
  server.setConfig('b', '1');
  await vi.waitFor(() => expect(following.told).toEqual(['G@@a=1', 'G@@b=1']), patience);
  server.setConfig('a', '2');
  await vi.waitFor(() => expect(following.contents.get('G@@a')).toBe('2'), patience);
  server.setConfig('a', null);
  await vi.waitFor(() => expect(following.told.at(-1)).toBe('G@@a='), patience);
});

test('configurations that do not exist are not read one by one', async () => {
  const server = await fakeNacosForTest();
  const following = follow([server]);
  await vi.waitFor(() => expect(following.compared).toBe(1), patience);
  expect([countOf(server, 'ConfigBatchListenRequest'), countOf(server, 'ConfigQueryRequest')]).toEqual([1, 0]);
});

test('a configuration that is added later is followed, and one that is removed is not', async () => {
  const server = await fakeNacosForTest();
  for (const dataId of ['a', 'd']) server.setConfig(dataId, '1');
  const following = follow([server]);
  await vi.waitFor(() => expect(following.compared).toBe(1), patience);
  following.add({ group: 'G', dataId: 'd' });
  await vi.waitFor(() => expect(following.contents.get('G@@d')).toBe('1'), patience);
  following.remove({ group: 'G', dataId: 'a' });
  await vi.waitFor(() => expect(countOf(server, 'ConfigBatchListenRequest')).toBe(3), patience);
  server.setConfig('a', '2');
  server.setConfig('d', '2');
  await vi.waitFor(() => expect(following.contents.get('G@@d')).toBe('2'), patience);
  expect(following.told).not.toContain('G@@a=2');
});

test('after a lost connection only what differs is read, from the next server', async () => {
  const [first, second] = [await fakeNacosForTest(), await fakeNacosForTest()];
  for (const server of [first, second]) server.setConfig('a', '1');
  first.setConfig('b', '1');
  second.setConfig('c', '1');
  const following = follow([first, second]);
  await vi.waitFor(() => expect(following.compared).toBe(1), patience);
  first.stop();
  await vi.waitFor(() => expect(following.compared).toBe(2), patience);
  expect(following.told).toEqual(['G@@a=1', 'G@@b=1', 'G@@b=', 'G@@c=1'].toSorted(byTime(following)));
  expect(countOf(second, 'ConfigQueryRequest')).toBe(2);
  expect(following.lost).toEqual([expect.stringContaining(first.address)]);
});

/** Orders texts as they were told; others come last. */
const byTime =
  ({ told }: FollowedConfigs) =>
  (a: string, b: string) =>
    told.indexOf(a) - told.indexOf(b);

test('while no server answers, contents stay', async () => {
  const server = await fakeNacosForTest();
  server.setConfig('a', '1');
  const following = follow([server]);
  await vi.waitFor(() => expect(following.compared).toBe(1), patience);
  server.stop();
  await vi.waitFor(() => expect(following.lost.length).toBeGreaterThan(1), patience);
  expect([...following.contents]).toEqual([['G@@a', '1']]);
});

test('a configuration that may not be read is named, keeps its last content, and is read once it may be', async () => {
  const server = await fakeNacosForTest();
  server.setConfig('a', '1');
  const following = follow([server], { reconcileSeconds: 0.05 });
  await vi.waitFor(() => expect(following.compared).toBe(1), patience);
  server.refuse(403, 'ConfigQueryRequest');
  server.setConfig('a', '2');
  await vi.waitFor(() => expect(following.problems.get('G@@a')).toBe('it cannot be read: refused'), patience);
  expect(following.contents.get('G@@a')).toBe('1');
  server.resume();
  await vi.waitFor(() => expect(following.contents.get('G@@a')).toBe('2'), patience);
  expect(following.problems).toEqual(new Map());
});
