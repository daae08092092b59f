import { credentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { type NacosProvider, startProvider } from '../support/nacos/client.ts';
import { type NacosMesh, startNacosMesh } from '../support/nacos/mesh.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls-folder.ts';

describeWith(['nacos3'], 'a real Nacos over TLS that asks for certificates', () => {
  let files: TlsFolder;
  let server: NacosServer;
  let provider: NacosProvider;
  let mesh: NacosMesh | null = null;

  beforeAll(async () => {
    files = await createTlsFolder();
    server = await startNacos({
      properties: {
        'nacos.remote.server.rpc.tls.enableTls': 'true',
        'nacos.remote.server.rpc.tls.compatibility': 'false',
        'nacos.remote.server.rpc.tls.mutualAuthEnable': 'true',
        'nacos.remote.server.rpc.tls.sslProvider': 'JDK',
        'nacos.remote.server.rpc.tls.certChainFile': `file:${files.server.certFile}`,
        'nacos.remote.server.rpc.tls.certPrivateKey': `file:${files.server.keyFile}`,
        'nacos.remote.server.rpc.tls.trustCollectionCertFile': `file:${files.caFile}`,
      },
    });
    const { ca, key, cert } = files.identity;
    const [root, own, chain] = [ca, key, cert].map((text) => Buffer.from(text));
    const channel = credentials.createSsl(root, own, chain);
    provider = await eventually(() => startProvider({ port: server.port, channel }), {
      what: 'a provider',
      timeoutMs: 200_000,
    });
    await provider.register('orders', { ip: '10.0.0.1' });
  }, nacosStartMs);
  afterEach(async () => {
    await mesh?.close();
    mesh = null;
  });
  afterAll(async () => {
    provider?.close();
    await server?.close();
    await files?.delete();
  });

  const follow = (tls: object): NacosMesh => {
    mesh = startNacosMesh({ servers: [server.address], ...tls });
    return mesh;
  };
  const client = () => ({ certFile: files.client.certFile, keyFile: files.client.keyFile });

  test('is read with a certificate of its CA', async () => {
    const following = follow({ tls: { caFile: files.caFile, ...client() } });
    await eventually(() => following.services().join() === 'orders 10.0.0.1', {
      what: 'the service is read',
      timeoutMs: 200_000,
    });
  });

  test('is read under the name in its certificate', async () => {
    const following = follow({ tls: { caFile: files.caFile, serverName: 'registry.example', ...client() } });
    await eventually(() => following.services().length === 1, { what: 'the service is read', timeoutMs: 200_000 });
  });

  for (const { what, tls } of [
    { what: 'whose CA is another one', tls: () => ({ tls: { caFile: files.otherCaFile, ...client() } }) },
    { what: 'to which no certificate is shown', tls: () => ({ tls: { caFile: files.caFile } }) },
    {
      what: 'whose certificate has another name',
      tls: () => ({ tls: { caFile: files.caFile, serverName: 'x.example', ...client() } }),
    },
    { what: 'that is addressed without TLS', tls: () => ({}) },
  ])
    test(`${what} is not read, with a reason`, async () => {
      const following = follow(tls());
      await eventually(() => following.state().startsWith('degraded: '), { what: 'a reason', timeoutMs: 200_000 });
      expect(following.services()).toEqual([]);
    });
});
