import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { apiClient } from '../support/kubernetes/api-client.ts';
import { type Cluster, startCluster } from '../support/kubernetes/cluster.ts';
import type { KubernetesObject } from '../support/kubernetes/objects.ts';
import { isRunning, stateOf } from '../support/processes.ts';

const configMap = (namespace: string, name: string, data = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data,
});

describeWith(['kubernetes'], 'a cluster of a test', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.stop());

  it('keeps its objects and its address when the API server and etcd crash', async () => {
    const object = configMap(await cluster.namespace(), 'kept', { a: '1' });
    await cluster.apply(object);
    await cluster.apiServer.kill();
    await expect(cluster.get(object)).rejects.toThrow('ECONNREFUSED');
    await cluster.etcd.kill();
    await cluster.etcd.start();
    await cluster.apiServer.start();
    expect(await cluster.get(object)).toMatchObject({ data: { a: '1' } });
  });

  it('leaves requests unanswered while it is paused', async () => {
    const object = configMap(await cluster.namespace(), 'asked');
    await cluster.apply(object);
    cluster.apiServer.pause();
    const answers: unknown[] = [];
    const asking = cluster.get(object).then((answer) => answers.push(answer));
    const stopped = async () => (await stateOf(cluster.apiServer.pid)) === 'stopped';
    await eventually(stopped, { what: 'the server is stopped' });
    expect(answers).toEqual([]);
    cluster.apiServer.resume();
    await asking;
    expect(answers).toMatchObject([{ metadata: { name: 'asked' } }]);
  });

  it('returns to an older revision when etcd is restored', async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(configMap(namespace, 'before'));
    const snapshot = await cluster.snapshot();
    const later = configMap(namespace, 'later');
    await cluster.apply(later);
    for (let round = 0; round < 100; round++) await cluster.patch(later, { data: { round: `${round}` } });
    const written = await cluster.get(later);
    await cluster.restore(snapshot);
    expect(await cluster.get(later)).toBeNull();
    const [again] = await cluster.apply(configMap(namespace, 'other'));
    expect(Number(again?.metadata.resourceVersion)).toBeLessThan(Number(written?.metadata.resourceVersion));
  });

  it('is unreachable through a proxy that hangs, and answers late when it forwards again', async () => {
    const proxy = await cluster.proxied();
    const client = apiClient({
      ...cluster.access,
      url: `https://127.0.0.1:${proxy.port}`,
      token: cluster.access.adminToken,
    });
    expect(await client.send('/readyz')).toMatchObject({ status: 200 });
    proxy.hang();
    let answered = false;
    const asking = client.send('/readyz').then(() => {
      answered = true;
    });
    await cluster.send('/readyz'); // the same request on the direct way takes no longer
    expect(answered).toBe(false);
    proxy.resume();
    await asking;
    client.close();
  });

  it('resets connections through a proxy that cuts them', async () => {
    const proxy = await cluster.proxied();
    const client = apiClient({
      ...cluster.access,
      url: `https://127.0.0.1:${proxy.port}`,
      token: cluster.access.adminToken,
    });
    proxy.hang();
    const asking = client.send('/readyz');
    await eventually(() => proxy.connections > 0, { what: 'the connection is there' });
    proxy.cut();
    await expect(asking).rejects.toThrow(/ECONNRESET|socket hang up|disconnected/);
    client.close();
  });

  it('ends with its processes', async () => {
    const own = await startCluster();
    await own.stop();
    expect([isRunning(own.apiServer.pid), isRunning(own.etcd.pid)]).toEqual([false, false]);
  });
});
