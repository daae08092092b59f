import { connect as connectTcp } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { frame } from '../../../src/rpc/frame.ts';
import { eventually } from '../../support/eventually.ts';
import { handMadeClient, headersFrame, http2Frame, resetFrame } from './frames.ts';
import { answerOf, echoPath, framed, grpcHeaders, rawClient, recorder, serveMethods } from './harness.ts';

const grpcPseudoHeaders = { ':method': 'POST', ':scheme': 'http', ':path': echoPath, ':authority': 'mesh' };

describe('refusals, on the wire', () => {
  for (const { name, headers, want, trailersOnly } of [
    {
      name: 'another content type',
      headers: { 'content-type': 'text/plain' },
      want: { ':status': 415 },
      trailersOnly: false,
    },
    { name: 'GET', headers: { ':method': 'GET' }, want: { ':status': 405 }, trailersOnly: false },
    {
      name: 'an unknown path',
      headers: { ':path': '/nobody/Knows' },
      want: { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' },
      trailersOnly: true,
    },
    {
      name: 'an unknown encoding',
      headers: { 'grpc-encoding': 'snappy' },
      want: { 'grpc-status': '12', 'grpc-accept-encoding': 'identity,gzip,deflate' },
      trailersOnly: true,
    },
  ]) {
    it(`answers ${name} with headers only`, async () => {
      const { port } = await serveMethods([recorder()]);
      const answer = await answerOf(rawClient(port).request({ ...grpcHeaders, ...headers }));
      expect(answer.headers).toMatchObject(want);
      expect(answer).toMatchObject({ trailersOnly, trailers: {}, body: Buffer.alloc(0) });
    });
  }

  it('answers with trailers only when the call is ended while it opens', async () => {
    const full = recorder({ onOpen: (call) => call.end({ code: 'UNAVAILABLE', message: 'full' }) });
    const { port } = await serveMethods([full]);
    const answer = await answerOf(rawClient(port).request(grpcHeaders));
    expect(answer.headers).toMatchObject({ ':status': 200, 'grpc-status': '14', 'grpc-message': 'full' });
    await eventually(() => full.heard[0]?.closed.length === 1, { what: 'the call closed' });
  });

  it('refuses a header list over the limit', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo], { maxHeaderListBytes: 4096 });
    const session = rawClient(port);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const answer = await answerOf(session.request({ ...grpcHeaders, 'x-long': 'x'.repeat(5000) }));
    expect(answer.headers).toEqual({});
    expect(echo.heard).toEqual([]);
  });
});

describe('damaged and awkward bodies', () => {
  it('assembles messages from DATA frames of any size', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo]);
    const stream = rawClient(port).request(grpcHeaders);
    const answer = answerOf(stream);
    for (const byte of framed('byte by byte')) stream.write(Buffer.from([byte]));
    stream.write(Buffer.concat([framed('two'), framed('in one'), framed('and a ha')]).subarray(0, -3));
    stream.end(' ha');
    await answer;
    expect(echo.heard[0]?.messages).toEqual(['byte by byte', 'two', 'in one', 'and a ha']);
  });

  it('ends a call with a message over the limit, and serves the next call', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo], { maxReceiveBytes: 100 });
    const session = rawClient(port);
    const stream = session.request(grpcHeaders);
    const answer = answerOf(stream);
    stream.write(framed('x'.repeat(101)));
    expect((await answer).trailers).toMatchObject({
      'grpc-status': '8',
      'grpc-message': 'message of 101 bytes is over the limit of 100',
    });
    expect(echo.heard[0]?.messages).toEqual([]);

    const next = session.request(grpcHeaders);
    const nextAnswer = answerOf(next);
    next.end(framed('small'));
    expect((await nextAnswer).trailers).toMatchObject({ 'grpc-status': '0' });
  });

  it('ends a call that stops inside a message', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo]);
    const stream = rawClient(port).request(grpcHeaders);
    const answer = answerOf(stream);
    stream.end(framed('cut short').subarray(0, 8));
    expect((await answer).trailers).toMatchObject({ 'grpc-status': '13' });
    expect(echo.heard[0]?.events).not.toContain('halfClosed');
  });

  for (const { name, encoding, body } of [
    { name: 'has the compressed flag in a call without encoding', encoding: 'identity', body: gzipSync('text') },
    { name: 'is not valid gzip', encoding: 'gzip', body: Buffer.from('not gzip at all') },
  ]) {
    it(`ends a call whose message ${name}`, async () => {
      const { port, errors } = await serveMethods([recorder()]);
      const stream = rawClient(port).request({ ...grpcHeaders, 'grpc-encoding': encoding });
      const answer = answerOf(stream);
      const message = Buffer.concat(frame([body]));
      message[0] = 1;
      stream.write(message);
      expect((await answer).trailers).toMatchObject({ 'grpc-status': '13' });
      expect(errors).toEqual([]);
    });
  }

  it('keeps messages of one chunk in order when only the first is compressed', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo]);
    const stream = rawClient(port).request({ ...grpcHeaders, 'grpc-encoding': 'gzip' });
    const answer = answerOf(stream);
    const compressed = Buffer.concat(frame([gzipSync('first')]));
    compressed[0] = 1;
    stream.end(Buffer.concat([compressed, framed('second'), compressed, framed('last')]));
    expect((await answer).trailers).toMatchObject({ 'grpc-status': '0' });
    expect(echo.heard[0]?.messages).toEqual(['first', 'second', 'first', 'last']);
  });

  it('keeps messages behind a compressed one, also from later DATA frames', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo], { maxReceiveBytes: 4_000_000 });
    const stream = rawClient(port).request({ ...grpcHeaders, 'grpc-encoding': 'gzip' });
    const answer = answerOf(stream);
    const compressed = Buffer.concat(frame([gzipSync('z'.repeat(4_000_000))]));
    compressed[0] = 1;
    const later = Array.from({ length: 100 }, (_, index) => String(index).padEnd(1000));
    stream.end(Buffer.concat([compressed, ...later.map(framed)]));
    await answer;
    expect(echo.heard[0]?.messages[0]).toHaveLength(4_000_000);
    expect(echo.heard[0]?.messages.slice(1)).toEqual(later);
  });

  it('reads on after a compressed message only when its handler does', async () => {
    const careful = recorder({
      echo: false,
      onMessage: (text, call) => {
        if (text === 'first') call.pause();
      },
    });
    const { port } = await serveMethods([careful]);
    const stream = rawClient(port).request({ ...grpcHeaders, 'grpc-encoding': 'gzip' });
    const answer = answerOf(stream);
    const compressed = Buffer.concat(frame([gzipSync('first')]));
    compressed[0] = 1;
    stream.write(compressed);
    await eventually(() => careful.heard[0]?.messages.length === 1, { what: 'the first message' });
    stream.end(framed('second'));
    for (let round = 0; round < 5; round++) await new Promise((resolve) => stream.session?.ping(resolve));
    expect(careful.heard[0]?.events).toEqual(['message']);
    careful.heard[0]?.call.resume();
    await eventually(() => careful.heard[0]?.events.includes('halfClosed'), { what: 'the end' });
    expect(careful.heard[0]?.messages).toEqual(['first', 'second']);
    careful.heard[0]?.call.end({ code: 'OK', message: '' });
    await answer;
  });

  it('recognises an expected message over the wire', async () => {
    const text = 'the usual acknowledgement';
    const known = { parts: [Buffer.from(text)], length: text.length };
    const echo = recorder({ expectedMessage: (length) => (length === known.length ? known : null) });
    const { port } = await serveMethods([echo]);
    const stream = rawClient(port).request(grpcHeaders);
    const answer = answerOf(stream);
    stream.write(Buffer.concat([framed(text), framed('the usual acknowledgemenT')]));
    stream.end(framed(text));
    await answer;
    expect(echo.heard[0]?.events.slice(0, 3)).toEqual(['recognised', 'message', 'recognised']);
    expect(echo.heard[0]?.recognised[0]).toBe(known);
    expect(echo.heard[0]?.messages).toEqual(['the usual acknowledgemenT']);
  });
});

describe('ways to disconnect', () => {
  for (const { name, code } of [
    { name: 'CANCEL', code: 8 },
    { name: 'NO_ERROR', code: 0 },
  ]) {
    it(`does not treat a reset with ${name} as the end of a message or a stream`, async () => {
      const silent = recorder({ echo: false });
      const { port } = await serveMethods([silent]);
      const socket = await handMadeClient(port);
      socket.write(headersFrame(1, { ...grpcPseudoHeaders, 'content-type': 'application/grpc' }));
      socket.write(http2Frame('data', 0, 1, framed('half').subarray(0, 7)));
      await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
      socket.write(resetFrame(1, code));
      await eventually(() => silent.heard[0]?.closed.length === 1, { what: 'the call closed' });
      expect(silent.heard[0]?.events).toEqual(['closed']);
      expect(silent.heard[0]?.closed).toEqual([{ type: 'cancelled' }]);
    });
  }

  it('closes a call that is reset inside a message, exactly once', async () => {
    const silent = recorder({ echo: false });
    const { port } = await serveMethods([silent]);
    const stream = rawClient(port).request(grpcHeaders);
    const answer = answerOf(stream);
    stream.write(framed('one'));
    await eventually(() => silent.heard[0]?.messages.length === 1, { what: 'the message came' });
    stream.write(framed('half').subarray(0, 7));
    stream.close(8);
    await answer;
    await eventually(() => silent.heard[0]?.closed.length === 1, { what: 'the call closed' });
    expect(silent.heard[0]?.events.filter((event) => event === 'closed')).toEqual(['closed']);
  });

  it('notifies every call of a lost connection', async () => {
    const silent = recorder({ echo: false });
    const { port, server } = await serveMethods([silent]);
    const socket = connectTcp(port, '127.0.0.1');
    const session = rawClient(port, { createConnection: () => socket });
    const answers = [1, 2, 3].map(() => answerOf(session.request(grpcHeaders)));
    await eventually(() => silent.heard.length === 3, { what: 'three calls opened' });
    expect(server.connectionCount()).toBe(1);
    socket.resetAndDestroy();
    await Promise.all(answers);
    await eventually(() => silent.heard.every(({ closed }) => closed.length === 1), { what: 'the calls closed' });
    expect(silent.heard.map(({ closed }) => closed[0]?.type)).toEqual(Array(3).fill('connection-lost'));
    await eventually(() => server.connectionCount() === 0, { what: 'the connection is forgotten' });
  });

  it('survives bytes that are not HTTP/2', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo]);
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    socket.resume();
    await closed;
    const stream = rawClient(port).request(grpcHeaders);
    const answer = answerOf(stream);
    stream.end();
    expect((await answer).trailers).toMatchObject({ 'grpc-status': '0' });
  });
});
