import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RpcTls } from '../../../src/rpc/tls.ts';
import { authority, type Identity } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import {
  answerOf,
  echoPath,
  framed,
  grpcHeaders,
  recorder,
  type Served,
  type StreamAnswer,
  serveMethods,
} from './harness.ts';

const ca = authority();
const otherCa = authority('another CA');
const serverCert = ca.issue({ commonName: 'binnacle', dnsNames: ['xds.mesh'] });
const sidecar = ca.issue({
  commonName: 'reviews',
  organisation: 'mesh',
  uris: ['spiffe://mesh.local/ns/shop/sa/reviews'],
  dnsNames: ['reviews.shop'],
});

const serverOnly: RpcTls = { material: { ...serverCert, clientCa: null }, requireClientCert: false };
const mutual: RpcTls = { material: { ...serverCert, clientCa: ca.cert }, requireClientCert: true };
const optional: RpcTls = { ...mutual, requireClientCert: false };

/** An HTTP/2 connection over TLS that trusts `ca`, destroyed when the test ends. Its errors are expected. */
function secureClient(port: number, options: ConnectionOptions = {}): ClientHttp2Session {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: ca.cert, servername: 'xds.mesh', ...options });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

async function exchange(session: ClientHttp2Session): Promise<StreamAnswer> {
  const stream = session.request(grpcHeaders);
  const answer = answerOf(stream);
  stream.end(framed('hello'));
  return answer;
}

/** Resolves when a TLS connection ends, with the received bytes and the error, if any. */
function rawTls(port: number, options: ConnectionOptions): Promise<{ text: string; error: string }> {
  const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', ca: ca.cert, servername: 'xds.mesh', ...options });
  onTestFinished(() => {
    socket.destroy();
  });
  const got = { text: '', error: '' };
  socket.on('data', (chunk) => {
    got.text += chunk;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    got.error = error.code ?? error.message;
  });
  return new Promise((resolve) => socket.on('close', () => resolve(got)));
}

const presentedName = (session: ClientHttp2Session): string | undefined => {
  const certificate = (session.socket as TLSSocket).getPeerX509Certificate(); // the session of an https: URL
  return certificate?.subject;
};

describe('TLS', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`serves over ${maxVersion}`, async () => {
      const { port } = await serveMethods([recorder()], {}, { tls: serverOnly });
      const session = secureClient(port, { maxVersion });
      const { body, trailers } = await exchange(session);
      expect(body).toEqual(framed('hello'));
      expect(trailers).toMatchObject({ 'grpc-status': '0' });
      expect((session.socket as TLSSocket).getProtocol()).toBe(maxVersion); // the session of an https: URL
      expect(session.alpnProtocol).toBe('h2');
    });
  }

  it('serves grpc-js', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo], {}, { tls: mutual });
    const [root, key, cert] = [ca.cert, sidecar.key, sidecar.cert].map((text) => Buffer.from(text));
    const options = { 'grpc.ssl_target_name_override': 'xds.mesh' };
    const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(root, key, cert), options);
    onTestFinished(() => client.close());
    const bytes = (buffer: Buffer) => buffer;
    const stream = client.makeBidiStreamRequest(echoPath, bytes, bytes);
    stream.write(Buffer.from('hello'));
    stream.end();
    const answer = await new Promise((resolve) => stream.on('data', (data: Buffer) => resolve(data.toString())));
    expect(answer).toBe('hello');
    expect(echo.heard[0]?.call.identity?.subject).toBe('O=mesh\nCN=reviews');
  });

  it('refuses TLS 1.1', async () => {
    const { port, cutOffs } = await serveMethods([recorder()], {}, { tls: serverOnly });
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const { error } = await rawTls(port, { ...old, ALPNProtocols: ['h2'] });
    expect(error).toMatch(/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
    await eventually(() => cutOffs.includes('handshake-failed'), { what: 'the failure was counted' });
  });

  it('refuses a client that offers another protocol', async () => {
    const { port } = await serveMethods([recorder()], {}, { tls: serverOnly });
    const { error } = await rawTls(port, { ALPNProtocols: ['http/1.1'] });
    expect(error).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
  });

  it('answers a client without ALPN with what is missing', async () => {
    const { port, cutOffs } = await serveMethods([recorder()], {}, { tls: serverOnly });
    const { text, error } = await rawTls(port, {});
    expect({ text, error }).toEqual({ text: expect.stringContaining('offer "h2" by ALPN'), error: '' });
    expect(cutOffs).toEqual(['no-h2']);
  });

  for (const { name, first } of [
    { name: 'sends nothing', first: '' },
    { name: 'stops inside its first record', first: '\x16\x03\x01\x02\x00\x01' },
  ]) {
    it(`ends a connection that ${name}`, async () => {
      const { port, cutOffs, server } = await serveMethods(
        [recorder()],
        { handshakeTimeoutMs: 50 },
        { tls: serverOnly },
      );
      const socket = connectTcp(port, '127.0.0.1').on('error', () => {});
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.write(Buffer.from(first, 'latin1'));
      socket.resume();
      await closed;
      expect(cutOffs).toEqual(['handshake-failed']);
      expect(server.connectionCount()).toBe(0);
    });
  }

  it('closes during a hanging handshake', async () => {
    const { port, server } = await serveMethods([recorder()], {}, { tls: serverOnly });
    const socket = connectTcp(port, '127.0.0.1').on('error', () => {});
    await new Promise((resolve) => socket.on('connect', resolve));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.resume();
    await server.drain(0);
    await closed;
  });
});

describe('client certificates', () => {
  const askWith = async (served: Served, identity: Identity | null) =>
    exchange(secureClient(served.port, identity === null ? {} : { cert: identity.cert, key: identity.key }));

  it('identify the client', async () => {
    const echo = recorder();
    const served = await serveMethods([echo], {}, { tls: mutual });
    expect((await askWith(served, sidecar)).trailers).toMatchObject({ 'grpc-status': '0' });
    expect(echo.heard[0]?.call.identity).toEqual({
      spiffeId: 'spiffe://mesh.local/ns/shop/sa/reviews',
      uris: ['spiffe://mesh.local/ns/shop/sa/reviews'],
      dnsNames: ['reviews.shop'],
      subject: 'O=mesh\nCN=reviews',
    });
  });

  it('are verified with each connection: none resumes the session of an earlier one', async () => {
    const { port } = await serveMethods([recorder()], {}, { tls: mutual });
    const identity = { cert: sidecar.cert, key: sidecar.key, maxVersion: 'TLSv1.2' } as const;
    const before = secureClient(port, identity);
    await exchange(before);
    const session = (before.socket as TLSSocket).getSession(); // the session of an https: URL
    const again = secureClient(port, { ...identity, ...(session && { session }) });
    await exchange(again);
    expect((again.socket as TLSSocket).isSessionReused()).toBe(false); // as above
  });

  it('may be left out when they are not required', async () => {
    const echo = recorder();
    const served = await serveMethods([echo], {}, { tls: optional });
    expect((await askWith(served, null)).trailers).toMatchObject({ 'grpc-status': '0' });
    expect(echo.heard[0]?.call.identity).toBeNull();
  });

  const bad: readonly { name: string; tls: RpcTls; identity: Identity | null; counted: string }[] = [
    { name: 'no certificate where one is required', tls: mutual, identity: null, counted: 'handshake-failed' },
    { name: 'of another CA', tls: mutual, identity: otherCa.issue({ commonName: 'x' }), counted: 'handshake-failed' },
    {
      name: 'of another CA where none is required',
      tls: optional,
      identity: otherCa.issue({ commonName: 'x' }),
      counted: 'certificate-refused',
    },
    {
      name: 'that has expired',
      tls: mutual,
      identity: ca.issue({ commonName: 'x', lifetimeMs: -1000 }),
      counted: 'handshake-failed',
    },
  ];
  for (const { name, tls, identity, counted } of bad) {
    it(`refuses a client with one ${name}`, async () => {
      const echo = recorder();
      const served = await serveMethods([echo], {}, { tls });
      expect((await askWith(served, identity)).trailers).toEqual({});
      expect(echo.heard).toEqual([]);
      await eventually(() => served.cutOffs.length > 0, { what: 'the refusal was counted' });
      expect(served.cutOffs).toEqual([counted]);
      await eventually(() => served.server.connectionCount() === 0, { what: 'the connection is gone' });
    });
  }
});

describe('new certificates', () => {
  const renewed = ca.issue({ commonName: 'renewed', dnsNames: ['xds.mesh'] });

  it('are used for new connections, and open ones continue', async () => {
    const echo = recorder();
    const { port, server } = await serveMethods([echo], {}, { tls: serverOnly });
    const old = secureClient(port);
    const stream = old.request(grpcHeaders);
    const answer = answerOf(stream);
    await eventually(() => echo.heard.length === 1, { what: 'the call opened' });

    server.setTlsMaterial({ ...renewed, clientCa: null });
    const fresh = secureClient(port);
    await exchange(fresh);
    expect(presentedName(fresh)).toBe('CN=renewed');

    stream.end(framed('still here'));
    expect((await answer).body).toEqual(framed('still here'));
    expect(presentedName(old)).toBe('CN=binnacle');
  });

  it('change nothing when they are damaged or do not match their key', async () => {
    const { port, server } = await serveMethods([recorder()], {}, { tls: serverOnly });
    for (const material of [
      { cert: 'no certificate', key: renewed.key, clientCa: null },
      { cert: renewed.cert, key: 'no key', clientCa: null },
      { cert: renewed.cert, key: ca.issue({}).key, clientCa: null },
    ]) {
      expect(() => server.setTlsMaterial(material)).toThrow();
    }
    const session = secureClient(port);
    expect((await exchange(session)).trailers).toMatchObject({ 'grpc-status': '0' });
    expect(presentedName(session)).toBe('CN=binnacle');
  });

  it('lock out clients of a CA that was removed, including earlier clients', async () => {
    const { port, server } = await serveMethods([recorder()], {}, { tls: mutual });
    const identity = { cert: sidecar.cert, key: sidecar.key };
    const before = secureClient(port, { ...identity, maxVersion: 'TLSv1.2' });
    expect((await exchange(before)).trailers).toMatchObject({ 'grpc-status': '0' });
    const session = (before.socket as TLSSocket).getSession(); // the session of an https: URL

    server.setTlsMaterial({ ...serverCert, clientCa: otherCa.cert });
    const again = secureClient(port, { ...identity, maxVersion: 'TLSv1.2', ...(session && { session }) });
    expect((await exchange(again)).trailers).toEqual({});
  });
});
