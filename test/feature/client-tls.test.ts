import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { authority } from '../support/certificates.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry, trafficPolicy } from '../support/mesh-dir.ts';
import { freePort } from '../support/ports.ts';

const host = 'bank.test';

describeWith(['envoy'], 'a destination with TLS', () => {
  let mesh: MeshDir;
  let files: string;
  let server: Server;
  let controlPlane: ControlPlane;
  let envoy: Envoy;
  let port: number;

  const file = (name: string) => join(files, name);
  const use = (tls: object) => mesh.write('rule.yaml', trafficPolicy(host, { tls }));
  const answer = async () => {
    const { status, body } = await get(port, { host });
    return status === 200 ? body : String(status);
  };
  const become = (want: string) => eventually(async () => (await answer()) === want, { what: want });

  beforeAll(async () => {
    [port, mesh, files] = await Promise.all([freePort(), createMeshDir(), mkdtemp(join(tmpdir(), 'binnacle-tls-'))]);
    const ca = authority();
    const ours = ca.issue({ dnsNames: [host] });
    const client = ca.issue({ commonName: 'teller' });
    await Promise.all([
      writeFile(file('ca.pem'), ca.cert),
      writeFile(file('other-ca.pem'), authority('another CA').cert),
      writeFile(file('client.pem'), client.cert),
      writeFile(file('client-key.pem'), client.key),
    ]);
    server = createServer(
      { ...ours, ca: ca.cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const socket = request.socket as TLSSocket; // of an HTTPS server
        const { subject } = socket.getPeerCertificate();
        response.end(`${socket.servername || 'no name'}, from ${subject?.CN ?? 'nobody'}`);
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port: serverPort } = server.address() as AddressInfo; // of a TCP server
    await mesh.write('service.yaml', serviceEntry(host, port, [{ port: serverPort }]));
    await use({ mode: 'SIMPLE', caCertificates: file('ca.pem') });
    controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
    envoy = await startEnvoy({ bootstrap: sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta' }) });
  });
  afterAll(async () => {
    await envoy?.stop();
    await controlPlane?.stop();
    server?.closeAllConnections();
    server?.close();
    await Promise.all([mesh?.delete(), rm(files, { recursive: true, force: true })]);
  });

  it('is called with the host of the request as server name, which its certificate has', async () => {
    await become(`${host}, from nobody`);
  });

  it('gets the server name of the rule', async () => {
    await use({ mode: 'SIMPLE', caCertificates: file('ca.pem'), sni: 'gate.test', subjectAltNames: [host] });
    await become('gate.test, from nobody');
  });

  it('is not called if its certificate has another name, or another authority', async () => {
    await use({ mode: 'SIMPLE', caCertificates: file('ca.pem'), subjectAltNames: ['other.test'] });
    await become('503');
    await use({ mode: 'SIMPLE', caCertificates: file('other-ca.pem') });
    await eventually(async () => (await envoy.admin('/config_dump')).includes('other-ca.pem'), {
      what: 'the authority',
    });
    expect(await answer()).toBe('503');
  });

  it('is called without verification if the rule says so', async () => {
    await use({ mode: 'SIMPLE', insecureSkipVerify: true, sni: 'any.test' });
    await become('any.test, from nobody');
  });

  it('gets the client certificate with MUTUAL', async () => {
    const certificate = { clientCertificate: file('client.pem'), privateKey: file('client-key.pem') };
    await use({ mode: 'MUTUAL', caCertificates: file('ca.pem'), ...certificate });
    await become(`${host}, from teller`);
  });

  it('keeps its last configuration while a file is missing, and the rule is rejected', async () => {
    await use({ mode: 'SIMPLE', caCertificates: file('missing.pem') });
    await eventually(
      async () => (await get(controlPlane.httpPort, { path: '/debug/syncz' })).body.includes('missing.pem'),
      { what: 'the rejection' },
    );
    expect(await answer()).toBe(`${host}, from teller`);
  });
});
