import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { connect, type NacosConnection } from '../../../adapters/nacos/connection.ts';
import { systemClock } from '../../../src/lib/clock.ts';

/** Instance to register; the rest is Nacos' defaults. */
export interface RegisteredInstance {
  readonly ip: string;
  readonly port?: number;
  readonly weight?: number;
  readonly enabled?: boolean;
  readonly ephemeral?: boolean;
  readonly clusterName?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A service: `orders`, or with its group `GROUP@@orders`. */
export type ServiceText = string;

/** A provider: it registers instances over one connection, and they go with it. */
export interface NacosProvider {
  register(service: ServiceText, instance: RegisteredInstance): Promise<void>;
  deregister(service: ServiceText, instance: RegisteredInstance): Promise<void>;
  /** Resolves when its connection is lost. */
  readonly lost: Promise<string>;
  /** Ends it, like a provider that is killed: the server removes its instances. */
  close(): void;
}

export interface ProviderOptions {
  /** HTTP port of the server. */
  readonly port: number;
  readonly namespace?: string;
  readonly token?: string;
  /** Default: no TLS. */
  readonly channel?: ChannelCredentials;
}

export async function startProvider({
  port,
  namespace = 'public',
  token,
  channel = credentials.createInsecure(),
}: ProviderOptions): Promise<NacosProvider> {
  const headers = token === undefined ? {} : { accessToken: token };
  const connection: NacosConnection = await connect(
    {
      target: `127.0.0.1:${port + 1_000}`,
      security: { credentials: channel, serverName: null },
      namespace,
      module: 'naming',
      clock: systemClock,
      headers: () => headers,
      pushed: () => {},
    },
    new AbortController().signal,
  );
  async function send(type: string, service: ServiceText, instance: RegisteredInstance): Promise<void> {
    const [name = '', groupName = 'DEFAULT_GROUP'] = service.split('@@').reverse();
    const defaults = { port: 8080, weight: 1, healthy: true, enabled: true, ephemeral: true, metadata: {} };
    await connection.request(instance.ephemeral === false ? 'PersistentInstanceRequest' : 'InstanceRequest', {
      ...{ namespace, groupName, serviceName: name, type, module: 'naming' },
      instance: { ...defaults, clusterName: 'DEFAULT', serviceName: name, ...instance },
    });
  }
  return {
    register: (service, instance) => send('registerInstance', service, instance),
    deregister: (service, instance) => send('deregisterInstance', service, instance),
    lost: connection.lost,
    close: connection.close,
  };
}

/**
 * Registers an instance at one of the servers, and again whenever that one is lost, as Nacos' own SDK does. Returns a
 * function that ends it.
 */
export function keepRegistered(
  servers: ProviderOptions | readonly ProviderOptions[],
  service: ServiceText,
  instance: RegisteredInstance,
): () => void {
  const ended = new AbortController();
  const all = [servers].flat();
  void (async () => {
    for (let attempt = 0; !ended.signal.aborted; attempt += 1) {
      const options = all[attempt % all.length] ?? { port: 0 };
      const provider = await startProvider(options).catch(() => null);
      try {
        await provider?.register(service, instance);
        if (provider !== null)
          await Promise.race([provider.lost, new Promise((end) => ended.signal.addEventListener('abort', end))]);
      } catch {
        // the server is not ready: again
      }
      provider?.close();
      await delay(100);
    }
  })();
  return () => ended.abort();
}
