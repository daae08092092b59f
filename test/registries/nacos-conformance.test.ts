import { afterAll, beforeAll } from 'vitest';
import { config } from '../../adapters/nacos/config.ts';
import { nacos } from '../../adapters/nacos/index.ts';
import { adapterConformance } from '../support/adapter-conformance.ts';
import { describeWith } from '../support/describe-with.ts';
import { type NacosProvider, startProvider } from '../support/nacos/client.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

describeWith(['nacos3'], 'on a real Nacos 3', () => {
  let server: NacosServer;
  let namespaces = 0;

  beforeAll(async () => {
    server = await startNacos();
  }, nacosStartMs);
  afterAll(async () => {
    await server?.close();
  });

  adapterConformance({
    name: 'nacos',
    /** Each test has a namespace of its own, and a network that fails between the adapter and the server. */
    async create() {
      const namespace = `test-${++namespaces}`;
      const network = await startTcpProxy(server.port + 1_000);
      const providers = new Map<string, NacosProvider>();
      const remove = (service: string) => providers.get(service)?.close();
      return {
        adapter: (context) =>
          nacos.create(
            config.parse({
              servers: [`127.0.0.1:${network.port - 1_000}`],
              namespaces: [namespace],
              settleSeconds: 0.2,
            }),
            context,
          ),
        async put(service, ip) {
          remove(service);
          const provider = await startProvider({ port: server.port, namespace });
          providers.set(service, provider);
          await provider.register(service, { ip });
        },
        async remove(service) {
          remove(service);
        },
        async breakDown() {
          network.refuse();
        },
        async repair() {
          network.resume();
        },
        async close() {
          for (const provider of providers.values()) provider.close();
          await network.stop();
        },
      };
    },
  });
});
