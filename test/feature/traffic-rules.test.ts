import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backend.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpRequest, send } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry, virtualService } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const to = (host: string) => ({ destination: { host } });

/** A service of connections at `host:port`, with one endpoint on 127.0.0.1. */
const connectionEntry = (host: string, port: number, protocol: 'TCP' | 'TLS', backend: number) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
  spec: {
    hosts: [host],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ name: protocol.toLowerCase(), number: port, protocol }],
    endpoints: [{ address: '127.0.0.1', ports: { [protocol.toLowerCase()]: backend } }],
  },
});

const connectionRule = (host: string, spec: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
  spec: { hosts: [host], ...spec },
});

/** Counts connections, and closes each when it has received something. */
async function startCounter(): Promise<{ readonly server: Server; readonly port: number; count(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('data', () => socket.destroy());
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return { server, port: address.port, count: () => connections };
}

/** Starts a TLS handshake with a server name, and waits until the other side ends it. */
async function handshake(port: number, servername: string): Promise<void> {
  const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  socket.on('error', () => {});
  await new Promise((resolve) => void socket.once('close', resolve));
}

describeWith(['envoy'], 'a sidecar with traffic rules', () => {
  let mesh: MeshDir;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let web: Backend;
  let shadow: Backend;
  let left: Awaited<ReturnType<typeof startCounter>>;
  let right: Awaited<ReturnType<typeof startCounter>>;
  let port: number;
  let tlsPort: number;
  let tcpPort: number;

  const call = (options: HttpRequest) => send(port, { host: 'web.test', ...options });

  beforeAll(async () => {
    [web, shadow, left, right] = await Promise.all([
      startBackend('web'),
      startBackend('shadow'),
      startCounter(),
      startCounter(),
    ]);
    [port, tlsPort, tcpPort] = await Promise.all([freePort(), freePort(), freePort()]);
    mesh = await createMeshDir();
    await mesh.write(
      'mesh.yaml',
      serviceEntry('web.test', port, [{ port: web.port }]),
      serviceEntry('shadow.test', port, [{ port: shadow.port }]),
      connectionEntry('left.test', tlsPort, 'TLS', left.port),
      connectionEntry('right.test', tlsPort, 'TLS', right.port),
      connectionEntry('a.test', tcpPort, 'TCP', left.port),
      connectionEntry('b.test', tcpPort + 1, 'TCP', right.port),
      virtualService('web.test', [
        {
          match: [{ uri: { prefix: '/abort' } }],
          fault: { abort: { httpStatus: 418, percentage: { value: 100 } } },
          route: [to('web.test')],
        },
        {
          match: [{ uri: { prefix: '/slow' } }],
          fault: { delay: { fixedDelay: '2s', percent: 100 } },
          route: [to('web.test')],
        },
        {
          match: [{ uri: { prefix: '/api' } }],
          corsPolicy: { allowOrigins: [{ exact: 'https://app.test' }], allowMethods: ['PUT'], maxAge: '60s' },
          route: [to('web.test')],
        },
        {
          match: [{ uri: { prefix: '/copied' } }],
          mirror: { host: 'shadow.test' },
          route: [to('web.test')],
        },
        { match: [{ uri: { prefix: '/team' } }], delegate: { name: 'team' } },
        { route: [to('web.test')] },
      ]),
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: 'team', namespace: 'default' },
        spec: { http: [{ match: [{ uri: { exact: '/team/own' } }], route: [to('shadow.test')] }] },
      },
      connectionRule('left.test', {
        tls: [{ match: [{ sniHosts: ['left.test'] }], route: [to('left.test')] }],
      }),
      connectionRule('right.test', {
        tls: [{ match: [{ sniHosts: ['right.test'] }], route: [to('right.test')] }],
      }),
      connectionRule('a.test', {
        tcp: [
          {
            route: [
              { ...to('a.test'), weight: 1 },
              { ...to('b.test'), weight: 3 },
            ],
          },
        ],
      }),
    );
    controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
    await eventually(async () => (await call({})).status === 200, { what: 'the service' });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    await Promise.all([web?.stop(), shadow?.stop(), mesh?.delete()]);
    for (const counter of [left, right]) counter?.server.close();
  });

  it('answers aborted requests itself', async () => {
    const before = web.requests.length;
    expect((await call({ path: '/abort' })).status).toBe(418);
    expect(web.requests).toHaveLength(before);
  });

  it('delays requests by the whole time, then forwards them', async () => {
    const start = performance.now();
    const answer = await call({ path: '/slow' });
    expect(answer.body).toBe('web');
    expect(performance.now() - start).toBeGreaterThanOrEqual(1_990);
  });

  it('answers preflights of allowed origins, and forwards others', async () => {
    const preflight = (origin: string) =>
      call({ path: '/api', method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT' } });
    const allowed = await preflight('https://app.test');
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.test',
      'access-control-allow-methods': 'PUT',
      'access-control-max-age': '60',
    });
    expect(allowed.body).toBe('');
    expect((await preflight('https://evil.test')).body).toBe('web');
  });

  it('copies requests to a shadow, whose answers it drops', async () => {
    const before = shadow.requests.length;
    for (let index = 0; index < 10; index++) expect((await call({ path: `/copied/${index}` })).body).toBe('web');
    await eventually(() => shadow.requests.length === before + 10, { what: 'ten copies' });
  });

  it('routes by a delegate within its root', async () => {
    expect((await call({ path: '/team/own' })).body).toBe('shadow');
    expect((await call({ path: '/team/other' })).body).toBe('web');
  });

  it('routes TLS by server name', async () => {
    const before = { left: left.count(), right: right.count() };
    for (let index = 0; index < 3; index++) await handshake(tlsPort, 'left.test');
    await handshake(tlsPort, 'right.test');
    await handshake(tlsPort, 'unknown.test');
    expect(left.count() - before.left).toBe(3);
    expect(right.count() - before.right).toBe(1);
  });

  it('distributes connections by weight', async () => {
    const before = { left: left.count(), right: right.count() };
    const total = 200;
    // Neither side is TLS: the servers close what they receive.
    for (let index = 0; index < total; index++) await handshake(tcpPort, 'x.test');
    const share = (left.count() - before.left) / total;
    expect(left.count() - before.left + right.count() - before.right).toBe(total);
    // A quarter, within six standard deviations.
    expect(Math.abs(share - 0.25)).toBeLessThan(0.19);
  });
});
