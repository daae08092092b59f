import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const host = 'shop.test';

describeWith(['envoy'], 'what an application sees through its sidecar', () => {
  let mesh: MeshDir;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let shop: Server;
  let port: number;

  beforeAll(async () => {
    shop = createServer((_, response) => response.writeHead(200, { server: 'shop/1.0' }).end('shop'));
    await once(shop.listen(0, '127.0.0.1'), 'listening');
    const address = shop.address() as AddressInfo; // it listens on TCP
    port = await freePort();
    mesh = await createMeshDir();
    await mesh.write('shop.yaml', serviceEntry(host, port, [{ port: address.port }]));
    controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
    await eventually(async () => (await get(port, { host })).status === 200, { what: 'the service' });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    shop?.close();
    await mesh?.delete();
  });

  it('includes the server header of the other side', async () => {
    expect((await get(port, { host })).headers.server).toBe('shop/1.0');
  });

  it('includes answers to HTTP/1.0', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.\d 200 OK\r\n.*\r\n\r\nshop$/s);
  });

  it('includes a silent stream for as long as it lasts', async () => {
    const managers = JSON.stringify(await envoy.configDump()).match(/"stream_idle_timeout":"[^"]*"/g);
    expect(managers).toEqual(['"stream_idle_timeout":"0s"']); // Envoy's default cuts it after 300 s
  });
});
