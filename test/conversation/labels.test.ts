import { expect, it } from 'vitest';
import { meshOfTwo } from '../support/status-mesh.ts';

it('a connected proxy gets new configuration when its WorkloadEntry is created, changed or deleted', async () => {
  const mesh = await meshOfTwo();
  const egress = [{ hosts: ['./b.default.svc.cluster.local'] }];
  mesh.put('Sidecar', 'default/web', { workloadSelector: { labels: { app: 'web' } }, egress });
  const [one, other] = [
    mesh.connect('one', { facts: { addresses: ['10.7.0.1'] } }),
    mesh.connect('other', { facts: { addresses: ['10.7.0.2'] } }),
  ];
  const clusters = (of: typeof one) =>
    [...of.has.cluster].flatMap(([name, resource]) =>
      resource === null ? [] : (name.match(/\|(\w)\.default/)?.[1] ?? []),
    );
  const change = async (labels: Readonly<Record<string, string>> | null) => {
    if (labels === null) mesh.remove('WorkloadEntry', 'default/one');
    else mesh.put('WorkloadEntry', 'default/one', { address: '10.7.0.1', labels });
    await mesh.flush();
    await mesh.pass(1_000);
    for (const each of [one, other]) each.settle();
    await mesh.pass(60_000); // removals wait for what no longer needs them
    for (const each of [one, other]) each.settle();
    return [clusters(one), clusters(other)];
  };
  expect(await change({ app: 'db' })).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ]);
  expect(await change({ app: 'web' })).toEqual([['b'], ['a', 'b']]);
  expect(await change(null)).toEqual([expect.arrayContaining(['a', 'b']), ['a', 'b']]);
});
