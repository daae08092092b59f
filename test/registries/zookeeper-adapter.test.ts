import { afterAll, beforeAll } from 'vitest';
import { zookeeper } from '../../adapters/zookeeper/index.ts';
import { adapterConformance } from '../support/adapter-conformance.ts';
import { describeWith } from '../support/describe-with.ts';
import { connectZooKeeper } from '../support/zookeeper/client.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

describeWith(['zookeeper'], 'on a real ZooKeeper', () => {
  let server: ZooKeeper;
  let tests = 0;
  beforeAll(async () => {
    server = await startZooKeeper();
  });
  afterAll(() => server?.close());

  adapterConformance({
    name: 'zookeeper',
    async create() {
      await server.start();
      tests += 1;
      const chroot = `/test-${tests}`;
      const settings = zookeeper.config.parse({
        servers: [server.address],
        chroot,
        sessionTimeoutSeconds: 4,
        lastInstanceSeconds: 0,
        dubbo: {},
      });
      const folder = (service: string) => `${chroot}/dubbo/${service}/providers`;
      const node = (service: string, address: string) =>
        `${folder(service)}/${encodeURIComponent(`dubbo://${address}:20880/${service}?application=${service}`)}`;
      const nodes = new Map<string, string>();
      /** Each write has a connection of its own, which leaves nothing open. */
      async function write(change: (client: Awaited<ReturnType<typeof connectZooKeeper>>) => Promise<void>) {
        const client = await connectZooKeeper(server.port);
        await change(client);
        await client.close();
      }
      return {
        adapter: (context) => zookeeper.create(settings, context),
        put: (service, address) =>
          write(async (client) => {
            const before = nodes.get(service);
            await client.put(node(service, address));
            if (before !== undefined) await client.remove(before);
            nodes.set(service, node(service, address));
          }),
        remove: (service) => write((client) => client.remove(nodes.get(service) ?? '')),
        breakDown: () => server.kill(),
        repair: () => server.start(),
      };
    },
  });
});
