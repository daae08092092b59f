import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { keepRegistered } from '../support/nacos/client.ts';
import { type NacosMesh, startNacosMesh } from '../support/nacos/mesh.ts';
import { type NacosServer, nacosStartMs, startNacosCluster } from '../support/nacos/server.ts';

const ips = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
const whole = `orders ${ips.join(' ')}`;

describeWith(['nacos3'], 'a cluster of two real servers', () => {
  let first: NacosServer;
  let second: NacosServer;
  let mesh: NacosMesh;
  const ends: (() => void)[] = [];

  beforeAll(async () => {
    [first, second] = (await startNacosCluster(2)) as [NacosServer, NacosServer]; // two, as was asked for
    for (const [index, ip] of ips.entries()) {
      const servers = index % 2 === 0 ? [first, second] : [second, first];
      ends.push(keepRegistered(servers, 'orders', { ip }));
    }
    mesh = startNacosMesh({ servers: [first.address, second.address], settleSeconds: 30 });
    await eventually(() => mesh.services().join() === whole, { what: 'all instances', timeoutMs: 300_000 });
  }, nacosStartMs);
  afterAll(async () => {
    for (const end of ends) end();
    await mesh?.close();
    await Promise.all([first?.close(), second?.close()]);
  });

  /** Kills a server and starts it again. Then all instances are there, and the adapter is synced. */
  async function restart(server: NacosServer): Promise<void> {
    await server.kill();
    await server.start();
    await eventually(() => mesh.state() === 'synced' && mesh.services().join() === whole, {
      what: 'all instances',
      timeoutMs: 300_000,
    });
  }

  test(
    'loses no instance while each of them is restarted in turn',
    async () => {
      const before = mesh.history.length;
      await restart(first);
      await restart(second);
      expect(new Set(mesh.history.slice(before))).toEqual(new Set(mesh.history.length > before ? [whole] : []));
    },
    nacosStartMs,
  );
});
