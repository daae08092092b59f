import { copyFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { fixedPort } from '../support/ports.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls-folder.ts';
import { connectZooKeeper } from '../support/zookeeper/client.ts';
import { type Followed, follow } from '../support/zookeeper/followed.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper/server.ts';

const host = 'demo._greet.dubbo';
const node = `/dubbo/demo.Greet/providers/${encodeURIComponent('dubbo://10.0.0.1:20880/demo.Greet')}`;

describeWith(['zookeeper'], 'a real ZooKeeper over TLS that asks for certificates', () => {
  let files: TlsFolder;
  let zk: ZooKeeper;
  let port: number;
  beforeAll(async () => {
    [files, port] = [await createTlsFolder(), await fixedPort()];
    zk = await startZooKeeper({
      settings: [
        `secureClientPort=${port}`,
        'secureClientPortAddress=127.0.0.1',
        'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
        ...[`ssl.keyStore.location=${files.server.bothFile}`, 'ssl.keyStore.type=PEM'],
        ...[`ssl.trustStore.location=${files.caFile}`, 'ssl.trustStore.type=PEM'],
        'ssl.clientAuth=need',
      ],
    });
    const writer = await connectZooKeeper(zk.port);
    await writer.put(node);
    await writer.close();
  });
  afterAll(async () => {
    await zk?.close();
    await files?.delete();
  });

  async function following(tls: object, server = `127.0.0.1:${port}`): Promise<Followed> {
    const followed = await follow({ servers: [server], sessionTimeoutSeconds: 4, dubbo: {}, tls });
    onTestFinished(() => followed.stop());
    return followed;
  }
  const client = () => ({ certFile: files.client.certFile, keyFile: files.client.keyFile });

  test('is read with a certificate of its CA', async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error) => void warnings.push(message);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const followed = await following({ caFile: files.caFile, ...client() });
    await followed.untilAddresses(host, ['10.0.0.1:20880']);
    expect(warnings.filter((text) => text.includes('ServerName'))).toEqual([]);
  });

  for (const { what, tls, reason } of [
    {
      what: 'whose CA is another one',
      tls: () => ({ caFile: files.otherCaFile, ...client() }),
      reason: /self.signed|unable to/,
    },
    { what: 'to which no certificate is shown', tls: () => ({ caFile: files.caFile }), reason: /./ },
  ])
    test(`${what} is not read, with a reason`, async () => {
      const followed = await following(tls());
      await eventually(() => reason.test(followed.status().reason ?? ''), { what: 'a reason', timeoutMs: 300_000 });
      expect([followed.status().state, followed.services()]).toEqual(['degraded', []]);
    });

  test('is read again with certificates that were mended in place', async () => {
    const caFile = `${files.caFile}.rotating`;
    await copyFile(files.otherCaFile, caFile);
    const followed = await following({ caFile, ...client() });
    await followed.until('degraded');
    await copyFile(files.caFile, caFile);
    await followed.untilAddresses(host, ['10.0.0.1:20880']);
  });
});
