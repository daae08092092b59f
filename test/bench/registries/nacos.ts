import { credentials } from '@grpc/grpc-js';
import { connect, type NacosConnection } from '../../../adapters/nacos/connection.ts';
import type { Payload } from '../../../adapters/nacos/payload.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { startNacos } from '../../support/nacos/server.ts';
import { inTurns } from '../kubernetes/in-turns.ts';
import type { BenchMesh } from '../mesh.ts';
import { addressesOf, type BenchRegistry } from './contract.ts';
import { bareWatch } from './zookeeper.ts';

const parallel = 16;
const namespace = 'public';
const groupName = 'DEFAULT_GROUP';
const nameOf = (service: number): string => `svc-${service}`;

/** Starts a Nacos 3 with services of the default group. */
export async function nacosRegistry(mesh: BenchMesh): Promise<BenchRegistry> {
  const server = await startNacos();
  const open = (pushed: (type: string, body: Payload['body']) => void = () => {}): Promise<NacosConnection> =>
    connect(
      {
        target: `127.0.0.1:${server.port + 1_000}`,
        security: { credentials: credentials.createInsecure(), serverName: null },
        namespace,
        module: 'naming',
        clock: systemClock,
        headers: () => ({}),
        pushed,
      },
      new AbortController().signal,
    );
  const client = await open();
  const first = new Map<number, string>();
  const addresses = (service: number): string[] => {
    const [usual = '', ...others] = addressesOf(service, mesh);
    return [first.get(service) ?? usual, ...others];
  };
  /** Registers all instances of a service in one request, as only their owner can. */
  const register = async (service: number, ips: readonly string[]) => {
    const serviceName = nameOf(service);
    const instance = { port: 8080, weight: 1, healthy: true, enabled: true, ephemeral: true, clusterName: 'DEFAULT' };
    const instances = ips.map((ip) => ({ ip, ...instance, serviceName, metadata: { version: 'v1' } }));
    const type = 'batchRegisterInstance';
    await client.request('BatchInstanceRequest', {
      namespace,
      groupName,
      serviceName,
      type,
      instances,
      module: 'naming',
    });
  };
  const subscribe = (reader: NacosConnection, serviceName: string) =>
    reader.request('SubscribeServiceRequest', {
      ...{ namespace, groupName, serviceName, clusters: '', subscribe: true, module: 'naming' },
    });

  return {
    title: 'Nacos',
    mesh,
    adapter: { type: 'nacos', servers: [server.address] },
    clusterOf: (service) => `outbound|80||${nameOf(service)}.default-group.public.nacos`,
    fill: () => inTurns(mesh.services, parallel, (service) => register(service, addresses(service))),
    async readBare() {
      const reader = await open();
      const pageSize = 500;
      const names: string[] = [];
      for (let pageNo = 1; ; pageNo++) {
        const answer = await reader.request('ServiceListRequest', {
          namespace,
          groupName,
          pageNo,
          pageSize,
          module: 'naming',
        });
        const page = answer.serviceNames as string[]; // as Nacos answers
        names.push(...page);
        if (page.length < pageSize) break;
      }
      let count = 0;
      await inTurns(names.length, parallel, async (index) => {
        const { serviceInfo } = await subscribe(reader, names[index] ?? '');
        count += (serviceInfo as { hosts: unknown[] }).hosts.length; // as Nacos answers
      });
      reader.close();
      return count;
    },
    async watchBare(services) {
      const waiting = new Map<string, (at: number) => void>();
      const reader = await open((_, { serviceInfo }) => {
        const { hosts = [] } = (serviceInfo ?? {}) as { hosts?: { ip: string }[] }; // as Nacos pushes
        for (const { ip } of hosts) waiting.get(ip)?.(performance.now());
      });
      await inTurns(services.length, parallel, async (index) => {
        await subscribe(reader, nameOf(services[index] ?? 0));
      });
      return bareWatch(waiting, () => reader.close());
    },
    async move(service, address) {
      first.set(service, address);
      await register(service, addresses(service));
    },
    async restart(service, count) {
      const all = addresses(service);
      for (let index = 0; index < count; index++) {
        await register(service, all.toSpliced(index, 1));
        await register(service, all);
      }
    },
    async close() {
      client.close();
      await server.close();
    },
  };
}
