import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { healthDescriptor } from '../../src/rpc/services/health-descriptor.ts';
import { protoFile } from '../../src/rpc/services/messages.ts';
import { reflectionDescriptor } from '../../src/rpc/services/reflection-descriptor.ts';
import { authority } from '../support/certificates.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

const asIs = (bytes: Buffer) => bytes;
const health = protoFile(healthDescriptor);

function clientOf(port: number): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

/** Watches the whole server, and collects the statuses and the end. */
function watch(client: Client) {
  const request = Buffer.from(health.message('HealthCheckRequest').encode({}));
  const stream = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', asIs, asIs, request);
  const told: unknown[] = [];
  stream.on('data', (bytes: Buffer) => told.push(health.message('HealthCheckResponse').decode(bytes).status));
  stream.on('error', () => {});
  const ended = new Promise<number>((resolve) => stream.on('status', ({ code }) => resolve(code)));
  return { told, ended };
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'binnacle-rpc-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe('binnacle serve', () => {
  it('reports by gRPC that it is not serving, then that it is, and finally that it stops', async () => {
    const mesh = await folder();
    const adapters = [{ type: 'file', name: 'late', path: join(mesh, 'mesh') }];
    await writeFile(join(mesh, 'binnacle.yaml'), JSON.stringify({ adapters }));
    const controlPlane = await startControlPlane({ args: ['--config', join(mesh, 'binnacle.yaml')], waitReady: false });
    onTestFinished(() => controlPlane.stop());
    await eventually(() => controlPlane.child.stdout().includes('binnacle serves'), { what: 'the start' });

    const { told, ended } = watch(clientOf(controlPlane.xdsPort));
    await eventually(() => told.length === 1, { what: 'the first status' });
    await mkdir(join(mesh, 'mesh'));
    await eventually(() => told.length === 2, { what: 'the second status' });
    controlPlane.child.signal('SIGTERM');
    expect(await ended).toBe(status.UNAVAILABLE);
    expect(told).toEqual(['NOT_SERVING', 'SERVING', 'NOT_SERVING']);
  });

  it('lists its services by reflection', async () => {
    const controlPlane = await startControlPlane();
    onTestFinished(() => controlPlane.stop());
    const proto = protoFile(reflectionDescriptor('grpc.reflection.v1'));
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const stream = clientOf(controlPlane.xdsPort).makeBidiStreamRequest(path, asIs, asIs);
    stream.write(Buffer.from(proto.message('ServerReflectionRequest').encode({ list_services: '' })));
    const answer = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
    stream.end();
    expect(proto.message('ServerReflectionResponse').decode(answer).list_services_response).toEqual({
      service: [
        { name: 'envoy.service.cluster.v3.ClusterDiscoveryService' },
        { name: 'envoy.service.discovery.v3.AggregatedDiscoveryService' },
        { name: 'envoy.service.endpoint.v3.EndpointDiscoveryService' },
        { name: 'envoy.service.extension.v3.ExtensionConfigDiscoveryService' },
        { name: 'envoy.service.listener.v3.ListenerDiscoveryService' },
        { name: 'envoy.service.route.v3.RouteDiscoveryService' },
        { name: 'envoy.service.route.v3.VirtualHostDiscoveryService' },
        { name: 'envoy.service.secret.v3.SecretDiscoveryService' },
        { name: 'envoy.service.status.v3.ClientStatusDiscoveryService' },
        { name: 'grpc.health.v1.Health' },
        { name: 'grpc.reflection.v1.ServerReflection' },
        { name: 'grpc.reflection.v1alpha.ServerReflection' },
      ],
    });
  });

  const ca = authority();
  const good = ca.issue({ dnsNames: ['xds.test'] });
  for (const { name, cert, key, says } of [
    { name: 'are not there', cert: null, key: good.key, says: /cert\.pem cannot be read \(ENOENT/ },
    {
      name: 'do not fit',
      cert: good.cert,
      key: ca.key,
      says: /the key in .*key\.pem is not that of the first certificate/,
    },
  ]) {
    it(`does not start with certificates that ${name}, and reports the reason`, async () => {
      const files = await folder();
      const tls = { address: '127.0.0.1:0', certFile: join(files, 'cert.pem'), keyFile: join(files, 'key.pem') };
      if (cert !== null) await writeFile(tls.certFile, cert);
      await writeFile(tls.keyFile, key);
      await writeFile(join(files, 'binnacle.yaml'), JSON.stringify({ xds: { tls } }));
      const args = ['--config', join(files, 'binnacle.yaml')];
      const controlPlane = await startControlPlane({ args, waitReady: false });
      onTestFinished(() => controlPlane.stop());
      expect(await controlPlane.child.exited).toBeGreaterThan(0);
      expect(controlPlane.child.stderr()).toMatch(says);
    });
  }
});
