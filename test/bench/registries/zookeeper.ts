import { connectZooKeeper, type ZooKeeperClient } from '../../support/zookeeper/client.ts';
import { startZooKeeper } from '../../support/zookeeper/server.ts';
import { inTurns } from '../kubernetes/in-turns.ts';
import type { BenchMesh } from '../mesh.ts';
import { addressesOf, type BareWatch, type BenchRegistry } from './contract.ts';

const parallel = 256;
const sessionMs = 60_000;
const port = 20880;

const interfaceOf = (service: number): string => `bench.svc${service}`;
const providersOf = (service: number): string => `/dubbo/${interfaceOf(service)}/providers`;

/** Parameters as a provider of Dubbo 3 writes them. */
const nodeOf = (service: number, address: string): string => {
  const name = interfaceOf(service);
  const parameters = {
    ...{ anyhost: 'true', application: `app-${service % 100}`, deprecated: 'false', dubbo: '2.0.2', dynamic: 'true' },
    ...{ generic: 'false', interface: name, methods: 'greet,echo', pid: '4242', release: '3.3.0' },
    ...{ 'service-name-mapping': 'true', side: 'provider', timestamp: '1764400000000' },
  };
  const query = new URLSearchParams(parameters);
  return encodeURIComponent(`dubbo://${address}:${port}/${name}?${query}`);
};

/** Starts a ZooKeeper with interfaces of Dubbo. */
export async function zookeeperRegistry(mesh: BenchMesh): Promise<BenchRegistry> {
  const server = await startZooKeeper({ tickMs: 2_000 });
  const client = await connectZooKeeper(server.port, { timeoutMs: sessionMs });
  const first = new Map<number, string>();
  const firstOf = (service: number): string => first.get(service) ?? addressesOf(service, mesh)[0] ?? '';
  const nodePath = (service: number, address: string) => `${providersOf(service)}/${nodeOf(service, address)}`;

  return {
    title: 'ZooKeeper',
    mesh,
    adapter: { type: 'zookeeper', servers: [server.address], dubbo: {} },
    clusterOf: (service) => `outbound|${port}||${interfaceOf(service)}.dubbo`,
    async fill() {
      await client.put('/dubbo');
      await inTurns(mesh.services, parallel, async (service) => {
        await client.put(providersOf(service));
        const addresses = addressesOf(service, mesh);
        await Promise.all(addresses.map((address) => client.connection.create(nodePath(service, address), '')));
      });
    },
    async readBare() {
      const reader = await connectZooKeeper(server.port, { timeoutMs: sessionMs });
      await reader.connection.watchTree('/dubbo');
      const names = await children(reader, '/dubbo');
      let count = 0;
      await inTurns(names.length, parallel, async (index) => {
        const kinds = await children(reader, `/dubbo/${names[index]}`);
        for (const kind of kinds) {
          const nodes = await children(reader, `/dubbo/${names[index]}/${kind}`);
          count += nodes.length;
        }
      });
      await reader.close();
      return count;
    },
    async watchBare(services) {
      const reader = await connectZooKeeper(server.port, { timeoutMs: sessionMs });
      const waiting = new Map<string, (at: number) => void>();
      reader.connection.onEvent = ({ path }) => {
        const address = /dubbo%3A%2F%2F([\d.]+)/.exec(path)?.[1];
        if (address !== undefined) waiting.get(address)?.(performance.now());
      };
      for (const service of services) await reader.connection.watchTree(providersOf(service));
      return bareWatch(waiting, () => reader.close());
    },
    async move(service, address) {
      const before = firstOf(service);
      first.set(service, address);
      await client.connection.create(nodePath(service, address), '');
      await client.connection.remove(nodePath(service, before));
    },
    async restart(service, count) {
      const addresses = [firstOf(service), ...addressesOf(service, mesh).slice(1)].slice(0, count);
      for (const address of addresses) {
        await client.connection.remove(nodePath(service, address));
        await client.connection.create(nodePath(service, address), '');
      }
    },
    async close() {
      await client.close();
      await server.close();
    },
  };
}

const children = ({ connection }: ZooKeeperClient, path: string): Promise<readonly string[]> =>
  new Promise((resolve, reject) => {
    connection.readChildren(path, (answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
  });

/** Watch that resolves what `waiting` has under an address. */
export const bareWatch = (
  waiting: Map<string, (at: number) => void>,
  close: () => Promise<void> | void,
): BareWatch => ({
  told: (address) =>
    new Promise((resolve) => {
      waiting.set(address, resolve);
    }),
  close: async () => close(),
});
