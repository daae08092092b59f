import { credentials } from '@grpc/grpc-js';
import { z } from 'zod';
import { connect, type NacosConnection } from '../../../adapters/nacos/connection.ts';
import { systemClock } from '../../../src/lib/clock.ts';

/** Bare client that asks a server what it has. It connects again when its connection was lost. */
export interface NacosReader {
  /** Returns the answer to a query of a service of the group `DEFAULT_GROUP` in the namespace `public`. */
  query(service: string): Promise<unknown>;
  close(): void;
}

export function openReader(port: number): NacosReader {
  const ended = new AbortController();
  let opened: NacosConnection | null = null;
  async function connected(): Promise<NacosConnection> {
    if (opened !== null) return opened;
    const security = { credentials: credentials.createInsecure(), serverName: null };
    const target = `127.0.0.1:${port + 1_000}`;
    const own = await connect(
      {
        target,
        security,
        namespace: 'public',
        module: 'naming',
        clock: systemClock,
        headers: () => ({}),
        pushed: () => {},
      },
      ended.signal,
    );
    void own.lost.then(() => {
      opened = null;
    });
    opened = own;
    return own;
  }
  return {
    async query(serviceName) {
      const of = { namespace: 'public', groupName: 'DEFAULT_GROUP', serviceName, module: 'naming' };
      const connection = await connected();
      return await connection.request('ServiceQueryRequest', { ...of, cluster: '', healthyOnly: false, udpPort: 0 });
    },
    close: () => ended.abort(),
  };
}

const answer = z.object({
  serviceInfo: z.object({ hosts: z.array(z.object({ ip: z.string(), port: z.number() })).nullish() }).nullish(),
});

/** Returns `address:port` of each instance that a server lists. */
export async function listedInstances(reader: NacosReader, service: string): Promise<readonly string[]> {
  const { serviceInfo } = answer.parse(await reader.query(service));
  return (serviceInfo?.hosts ?? []).map(({ ip, port }) => `${ip}:${port}`).sort();
}
