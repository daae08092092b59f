import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { connectZooKeeper, type ZooKeeperClient } from '../support/zookeeper/client.ts';
import { startEnsemble } from '../support/zookeeper/ensemble.ts';
import { type Followed, follow } from '../support/zookeeper/followed.ts';
import { fourLetterWord, startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

const node = (address: string, query = '') =>
  `/dubbo/demo.Greet/providers/${encodeURIComponent(`dubbo://${address}:20880/demo.Greet${query}`)}`;
const host = 'demo._greet.dubbo';

async function server(): Promise<ZooKeeper> {
  const started = await startZooKeeper();
  onTestFinished(() => started.close());
  return started;
}

async function client(port: number, options?: Parameters<typeof connectZooKeeper>[1]): Promise<ZooKeeperClient> {
  const connected = await connectZooKeeper(port, options);
  onTestFinished(() => connected.close());
  return connected;
}

async function following(settings: object): Promise<Followed> {
  const followed = await follow({ sessionTimeoutSeconds: 4, dubbo: {}, ...settings });
  onTestFinished(() => followed.stop());
  return followed;
}

/** Returns the numbers of endpoints that the adapter has written, one after the other. */
const sizesIn = (followed: Followed) =>
  followed.written.flatMap((change) => (change.type === 'endpoints' ? [change.set.endpoints.length] : []));

describeWith(['zookeeper'], 'with a real ZooKeeper, nothing is lost', () => {
  test('when it is killed and started again', async () => {
    const zk = await server();
    const writer = await client(zk.port);
    await writer.put(node('10.0.0.1'));
    await writer.put(node('10.0.0.2'));
    const followed = await following({ servers: [zk.address] });
    await followed.untilAddresses(host, ['10.0.0.1:20880', '10.0.0.2:20880']);
    await zk.kill();
    await followed.until('degraded');
    expect(followed.status().reason).toContain(zk.address);
    expect(followed.addresses(host)).toHaveLength(2);
    await zk.start();
    await followed.until('synced');
    expect(followed.addresses(host)).toHaveLength(2);
    const second = await client(zk.port);
    await second.put(node('10.0.0.3'));
    await second.remove(node('10.0.0.1'));
    await followed.untilAddresses(host, ['10.0.0.2:20880', '10.0.0.3:20880']);
    expect(Math.min(...sizesIn(followed))).toBeGreaterThan(0);
    expect(followed.listings).toEqual([1, 1]);
  });

  test('when it hangs: the server is left, and what changed meanwhile is found', async () => {
    const zk = await server();
    const writer = await client(zk.port, { timeoutMs: 60_000 });
    await writer.put(node('10.0.0.1'));
    const followed = await following({ servers: [zk.address] });
    await followed.untilAddresses(host, ['10.0.0.1:20880']);
    zk.pause();
    await followed.until('degraded');
    expect(followed.status().reason).toMatch(/has said nothing for|does not answer/);
    expect(followed.addresses(host)).toHaveLength(1);
    zk.resume();
    await followed.until('synced');
    await writer.put(node('10.0.0.2'));
    await followed.untilAddresses(host, ['10.0.0.1:20880', '10.0.0.2:20880']);
  });

  test('when the session expires behind a cut network', async () => {
    const zk = await server();
    const proxy = await startTcpProxy(zk.port);
    onTestFinished(() => proxy.stop());
    const writer = await client(zk.port, { timeoutMs: 60_000 });
    await writer.put(node('10.0.0.1'));
    await writer.put(node('10.0.0.2'));
    const followed = await following({ servers: [`127.0.0.1:${proxy.port}`], sessionTimeoutSeconds: 1 });
    await followed.untilAddresses(host, ['10.0.0.1:20880', '10.0.0.2:20880']);
    const sessions = async () => [...(await fourLetterWord(zk.port, 'dump')).matchAll(/^\s*0x[0-9a-f]+$/gm)].length;
    proxy.hang();
    await followed.until('degraded');
    await writer.remove(node('10.0.0.1'));
    await eventually(async () => (await sessions()) === 1, {
      what: 'the session expires',
    });
    proxy.resume();
    await followed.until('synced');
    await followed.untilAddresses(host, ['10.0.0.2:20880']);
    expect(followed.logged).toContain('zookeeper session expired');
    await writer.put(node('10.0.0.3'));
    await followed.untilAddresses(host, ['10.0.0.2:20880', '10.0.0.3:20880']);
  });

  test('when its data are lost: endpoints stay until providers have registered again', async () => {
    const zk = await server();
    const first = await client(zk.port);
    for (let written = 0; written < 20; written += 1) await first.put(`/other/${written}`); // so that it has seen more changes
    await first.put(node('10.0.0.1'));
    const followed = await following({ servers: [zk.address], lastInstanceSeconds: 60 });
    await followed.untilAddresses(host, ['10.0.0.1:20880']);
    await zk.kill();
    await followed.until('degraded');
    await zk.startEmpty();
    await followed.until('synced');
    expect(followed.addresses(host)).toEqual(['10.0.0.1:20880']);
    const second = await client(zk.port);
    await second.put(node('10.0.0.2'));
    await followed.untilAddresses(host, ['10.0.0.2:20880']);
    expect(Math.min(...sizesIn(followed))).toBe(1);
  });

  test('when one server of an ensemble is killed', async () => {
    const ensemble = await startEnsemble();
    onTestFinished(() => ensemble.close());
    const writer = await connectZooKeeper(ensemble.servers[0]?.port ?? 0);
    await writer.put(node('10.0.0.1'));
    await writer.close();
    const followed = await following({ servers: ensemble.servers.map(({ address }) => address) });
    await followed.untilAddresses(host, ['10.0.0.1:20880']);
    const connected = await eventually(() => ensemble.withWatches(), { what: 'a server has the watch' });
    await connected.kill();
    await eventually(async () => (await ensemble.withWatches()) !== null && followed.status().state === 'synced', {
      what: 'another server has the watch',
    });
    const other = ensemble.servers.find(({ running }) => running);
    const second = await client(other?.port ?? 0);
    await second.put(node('10.0.0.2'));
    await followed.untilAddresses(host, ['10.0.0.1:20880', '10.0.0.2:20880']);
    expect(Math.min(...sizesIn(followed))).toBeGreaterThan(0);
  });

  test('when a provider that was killed hard comes back with other parameters', async () => {
    const zk = await server();
    const followed = await following({ servers: [zk.address], lastInstanceSeconds: 60 });
    const provider = await connectZooKeeper(zk.port, { timeoutMs: 1_000 });
    const steady = await client(zk.port, { timeoutMs: 60_000 });
    await steady.putEphemeral(node('10.0.0.2'));
    await provider.putEphemeral(node('10.0.0.1', '?timestamp=1'));
    await followed.untilAddresses(host, ['10.0.0.1:20880', '10.0.0.2:20880']);
    provider.connection.destroy(new Error('killed'));
    await followed.untilAddresses(host, ['10.0.0.2:20880']);
    await steady.putEphemeral(node('10.0.0.1', '?timestamp=2&weight=7'));
    await followed.untilAddresses(host, ['10.0.0.1:20880', '10.0.0.2:20880']);
    expect(followed.endpoints(host)[0]?.weight).toBe(7);
  });

  test('when 1,000 services come at once, and go', async () => {
    const zk = await server();
    const followed = await following({ servers: [zk.address], lastInstanceSeconds: 0 });
    await followed.until('synced');
    const writer = await client(zk.port, { timeoutMs: 60_000 });
    const names = Array.from({ length: 1_000 }, (_, index) => `demo.S${index}`);
    await Promise.all(
      names.map((name) =>
        writer.put(`/dubbo/${name}/providers/${encodeURIComponent(`dubbo://10.0.0.1:20880/${name}`)}`),
      ),
    );
    await eventually(() => followed.services().length === 1_000, { what: 'all services are there' });
    expect(followed.problems()).toEqual([]);
    await Promise.all(
      names.map((name) =>
        writer.remove(`/dubbo/${name}/providers/${encodeURIComponent(`dubbo://10.0.0.1:20880/${name}`)}`),
      ),
    );
    await Promise.all(names.map((name) => writer.remove(`/dubbo/${name}/providers`)));
    await Promise.all(names.map((name) => writer.remove(`/dubbo/${name}`)));
    await eventually(() => followed.services().length === 0, { what: 'all services are gone' });
  });

  test('when credentials are revoked: what may no longer be read stays, and is named', async () => {
    const zk = await server();
    const folder = await mkdtemp(join(tmpdir(), 'binnacle-zookeeper-password-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, 'secret\n');
    const owner = await client(zk.port, { digest: 'mesh:secret', timeoutMs: 60_000 });
    await owner.put('/dubbo');
    await owner.connection.create('/dubbo/demo.Greet', '', { isPrivate: true });
    await owner.connection.create('/dubbo/demo.Greet/providers', '', { isPrivate: true });
    await owner.put(node('10.0.0.1'));
    const proxy = await startTcpProxy(zk.port);
    onTestFinished(() => proxy.stop());
    const followed = await following({ servers: [`127.0.0.1:${proxy.port}`], username: 'mesh', passwordFile });
    await followed.untilAddresses(host, ['10.0.0.1:20880']);
    await writeFile(passwordFile, 'wrong');
    proxy.cut();
    await eventually(() => followed.problems().length > 0, { what: 'the problem is named' });
    expect(followed.problems()[0]).toEqual({
      origin: '/dubbo/demo.Greet',
      message: 'it may not be read: /dubbo/demo.Greet: not permitted',
    });
    expect(followed.addresses(host)).toEqual(['10.0.0.1:20880']);
    await writeFile(passwordFile, 'secret');
    proxy.cut();
    await eventually(() => followed.problems().length === 0, { what: 'the problem is gone' });
  });
});
