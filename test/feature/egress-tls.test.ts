import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { authority } from '../support/certificates.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { createMeshDir, type MeshDir } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const ca = authority();

/** A TLS server that greets each client with its name. */
async function startGreeter(name: string): Promise<Server> {
  const server = createServer(ca.issue({ dnsNames: [name] }), (socket) => {
    socket.on('error', () => {});
    socket.end(name);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port; // a TCP server

/** Returns the greeting of a verified server. Rejects if the connection fails. */
async function greetingOf(port: number, servername: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername, ca: ca.cert });
  try {
    const [data] = await once(socket, 'data');
    return String(data);
  } finally {
    socket.destroy();
  }
}

/** A TLS host outside the mesh without addresses. */
const external = (host: string, number: number, backend: number) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
  spec: {
    hosts: [host],
    location: 'MESH_EXTERNAL',
    resolution: 'STATIC',
    ports: [{ name: 'tls', number, protocol: 'TLS' }],
    endpoints: [{ address: '127.0.0.1', ports: { tls: backend } }],
  },
});

describeWith(['envoy'], 'TLS hosts of one port without addresses, through a sidecar', () => {
  let mesh: MeshDir;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let port: number;
  const servers: Server[] = [];

  beforeAll(async () => {
    servers.push(...(await Promise.all([startGreeter('pay.test'), startGreeter('report.test')])));
    [mesh, port] = await Promise.all([createMeshDir(), freePort()]);
    const [pay, report] = servers.map(portOf);
    await mesh.write('tls.yaml', external('pay.test', port, pay ?? 0), external('report.test', port, report ?? 0));
    controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    await mesh?.delete();
    for (const server of servers) server.close();
  });

  it('are told apart by the server name', async () => {
    await eventually(() => greetingOf(port, 'pay.test'), { what: 'the first greeting' });
    for (const name of ['pay.test', 'report.test']) expect(await greetingOf(port, name)).toBe(name);
  });

  it('do not get the connections of other server names', async () => {
    await expect(greetingOf(port, 'other.test')).rejects.toThrow();
  });
});
