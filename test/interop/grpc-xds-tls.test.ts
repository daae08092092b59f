import { expect, it, onTestFinished } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { sendJson } from '../support/http.ts';
import type { PartName } from '../support/parts.ts';
import { startEchoServer } from './grpc-xds/echo-server.ts';
import type { GrpcKind } from './grpc-xds/programs.ts';
import { startXdsClient } from './grpc-xds/xds-client.ts';
import { startSecureMesh } from './secure-mesh.ts';

/** Excludes grpc-js: it supports only `insecure` credentials for its control plane. */
const kinds: readonly { readonly kind: GrpcKind; readonly parts: readonly PartName[] }[] = [
  { kind: 'grpcio', parts: ['grpcio'] },
  { kind: 'grpc-go', parts: ['xdsclient'] },
];

for (const { kind, parts } of kinds) {
  describeWith(parts, `${kind}, with the bootstrap for mutual TLS`, () => {
    it('connects to a control plane that requires certificates', async () => {
      const mesh = await startSecureMesh();
      onTestFinished(() => mesh.stop());
      const server = await startEchoServer('v1');
      onTestFinished(() => server.stop());
      await sendJson(
        mesh.controlPlane.httpPort,
        'PUT',
        '/registry/v1/namespaces/shop/services/cart.shop.svc.cluster.local/instances/one',
        {
          address: '127.0.0.1',
          ports: [{ name: 'grpc', port: server.port, protocol: 'grpc', servicePort: 8080 }],
          ttlSeconds: 600,
        },
      );
      const client = await startXdsClient(kind, mesh.tlsPort, { tls: mesh.clientFiles });
      onTestFinished(() => client.stop());
      const target = 'xds:///cart.shop.svc.cluster.local:8080';
      expect(await client.call(target, 1, { timeoutMs: 20_000 })).toEqual({ answers: { v1: 1 }, errors: [] });
    }, 60_000);
  });
}
