import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

/** A TCP service without an address of its own, on a port that an HTTP service has, too. */
const tcpEntry = (host: string, port: number, backend: number, createdAt: string) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default', creationTimestamp: createdAt },
  spec: {
    hosts: [host],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ name: 'tcp', number: port, protocol: 'TCP' }],
    endpoints: [{ address: '127.0.0.1', ports: { tcp: backend } }],
  },
});

/** Answers each line with its name and the line. */
async function startLineServer(name: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('data', (line) => socket.write(`${name}: ${line.toString()}`));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** First data that answers a line. Rejects when the connection ends before. */
async function answerTo(port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(line);
    const [data] = await Promise.race([
      once(socket, 'data'),
      once(socket, 'close').then(() => Promise.reject(new Error('closed without an answer'))),
    ]);
    return String(data);
  } finally {
    socket.destroy();
  }
}

for (const protocol of ['sotw', 'delta'] as const) {
  describeWith(['envoy'], `an HTTP service and a TCP service of one port, through one sidecar over ${protocol}`, () => {
    let mesh: MeshDir;
    let controlPlane: ControlPlane;
    let envoy: Envoy;
    let port: number;
    let http: Backend;
    let tcp: Server;

    const httpAnswer = async () => {
      const { status, body } = await get(port, { host: 'shop.test' });
      return `${status} ${body}`;
    };
    const tcpAnswer = (line = 'PING\n') => answerTo(port, line).catch((error: Error) => error.message);

    beforeAll(async () => {
      [http, tcp, port] = await Promise.all([startBackend('web'), startLineServer('ledger'), freePort()]);
      mesh = await createMeshDir();
      await mesh.write('web.yaml', serviceEntry('shop.test', port, [{ port: http.port }]));
      controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
      envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol }) });
      await eventually(async () => (await httpAnswer()) === '200 web', { what: 'the HTTP service' });
    });
    afterAll(async () => {
      await envoy?.stop();
      await controlPlane?.stop();
      tcp?.close();
      await Promise.all([http?.stop(), mesh?.delete()]);
    });

    it('both answer, even if the TCP service is older', async () => {
      const { port: backend } = tcp.address() as AddressInfo; // of a TCP server
      await mesh.write('ledger.yaml', tcpEntry('ledger.test', port, backend, '2020-01-01T00:00:00Z'));
      await eventually(async () => (await tcpAnswer()) === 'ledger: PING\n', { what: 'the TCP service' });
      expect(await httpAnswer()).toBe('200 web');
      expect(await tcpAnswer('\u0000\u0001 binary\n')).toBe('ledger: \u0000\u0001 binary\n');
    });

    it('the HTTP service has the port alone after the other was removed', async () => {
      await mesh.remove('ledger.yaml');
      await eventually(async () => (await tcpAnswer()).startsWith('HTTP/1.1 400'), {
        what: 'the end of the TCP service',
      });
      expect(await httpAnswer()).toBe('200 web');
    });

    it('the TCP service has the port alone if it is the only one', async () => {
      const { port: backend } = tcp.address() as AddressInfo; // of a TCP server
      await mesh.remove('web.yaml');
      await mesh.write('ledger.yaml', tcpEntry('ledger.test', port, backend, '2020-01-01T00:00:00Z'));
      await eventually(async () => (await tcpAnswer('GET / HTTP/1.1\n')).startsWith('ledger: GET'), {
        what: 'HTTP passed on as it is',
      });
    });
  });
}
