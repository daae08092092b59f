import { readFile } from 'node:fs/promises';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { authority } from '../support/certificates.ts';
import { cli } from '../support/cli.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { eventually } from '../support/eventually.ts';
import { sendJson } from '../support/http.ts';
import { type SecureMesh, serverName, startSecureMesh } from './secure-mesh.ts';

const instance = (host: string) => `/registry/v1/namespaces/shop/services/${host}/instances/one`;
const registered = {
  address: '10.1.1.1',
  ports: [{ name: 'http', port: 8080, protocol: 'http', servicePort: 80 }],
  ttlSeconds: 600,
};

for (const protocol of ['sotw', 'delta'] as const) {
  describeWith(['envoy'], `Envoy over mTLS, ${protocol}`, () => {
    let mesh: SecureMesh;
    let envoy: Envoy;

    beforeAll(async () => {
      mesh = await startSecureMesh();
      await sendJson(mesh.controlPlane.httpPort, 'PUT', instance('one.test'), registered);
      envoy = await startEnvoy({ bootstrap: await secured(mesh, protocol), name: `envoy-mtls-${protocol}` });
    });
    afterAll(async () => {
      await envoy?.stop();
      await mesh?.stop();
    });

    const hasCluster = (host: string) => async () =>
      (await envoy.admin('/clusters')).includes(`outbound|80||${host}::10.1.1.1:8080`);
    const streams = async () =>
      (await envoy.stats('cluster.xds-grpc.upstream_rq_total')).get('cluster.xds-grpc.upstream_rq_total');

    it('is served', async () => {
      await eventually(hasCluster('one.test'), { what: 'the cluster' });
      const stats = await envoy.stats('cluster.xds-grpc.ssl.handshake');
      expect(stats.get('cluster.xds-grpc.ssl.handshake')).toBeGreaterThan(0);
    });

    it("keeps its stream when the server's certificates change, and new connections get the new ones", async () => {
      const before = await streams();
      await mesh.renew('second');
      await eventually(async () => (await presented(mesh)) === 'CN=second', { what: 'the new certificate' });
      await sendJson(mesh.controlPlane.httpPort, 'PUT', instance('two.test'), registered);
      await eventually(hasCluster('two.test'), { what: 'the second cluster' });
      expect(await streams()).toBe(before);
    });

    it('is refused when its CA is no longer trusted, and reports it', async () => {
      await mesh.trust(authority('another').cert);
      const late = await eventually(async () => (await presented(mesh)) === null, { what: 'the CA was taken away' });
      expect(late).toBe(true);
      const stranger = await startEnvoy({
        bootstrap: await secured(mesh, protocol),
        name: 'envoy-stranger',
        waitReady: false,
      });
      onTestFinished(() => stranger.stop());
      await eventually(
        async () => {
          const failed = await stranger.stats(
            'control_plane.connected_state|xds-grpc.ssl.connection_error|xds-grpc.upstream_cx_total',
          );
          return (
            (failed.get('cluster.xds-grpc.upstream_cx_total') ?? 0) > 1 &&
            failed.get('control_plane.connected_state') === 0
          );
        },
        { what: 'its first connection failed, and it tries again' },
      );
      expect(await mesh.controlPlane.metric('binnacle_rpc_cut_offs_total{reason="handshake-failed"}')).toBeGreaterThan(
        0,
      );
    });
  });
}

/** Returns the output of `binnacle bootstrap`. With SotW it names the server; otherwise the address is verified. */
async function secured({ tlsPort, clientFiles }: SecureMesh, protocol: 'sotw' | 'delta'): Promise<object> {
  const { ca, cert, key } = clientFiles;
  const flags = protocol === 'sotw' ? ['--sotw', '--server-name', serverName] : [];
  const tls = ['--xds', `127.0.0.1:${tlsPort}`, '--tls', '--ca', ca, '--cert', cert, '--key', key];
  const { out, errors } = await cli(['bootstrap', '--mode', 'none', '--admin-port', '0', ...tls, ...flags]);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  return parse(out);
}

/** Returns the subject of the server certificate on a new connection; null when the connection is refused. */
async function presented({ tlsPort, clientFiles }: SecureMesh): Promise<string | null> {
  const [cert, key, ca] = await Promise.all(
    [clientFiles.cert, clientFiles.key, clientFiles.ca].map((path) => readFile(path)),
  );
  const socket: TLSSocket = connect({
    port: tlsPort,
    host: '127.0.0.1',
    servername: serverName,
    cert,
    key,
    ca,
    ALPNProtocols: ['h2'],
  });
  try {
    return await new Promise<string | null>((resolve) => {
      // with TLS 1.3, a client learns only after its handshake that it is refused: wait for the server's first bytes
      socket.once('data', () => resolve(socket.getPeerX509Certificate()?.subject ?? null));
      socket.once('error', () => resolve(null));
      socket.once('close', () => resolve(null));
    });
  } finally {
    socket.destroy();
  }
}
