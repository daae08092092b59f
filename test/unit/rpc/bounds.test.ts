import { once } from 'node:events';
import { connect } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import { frame } from '../../../src/rpc/frame.ts';
import type { UnaryMethod } from '../../../src/rpc/handlers/handler.ts';
import { createRpcServer } from '../../../src/rpc/server.ts';
import { eventually } from '../../support/eventually.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { answerOf, echoPath, framed, grpcHeaders, rawClient, recorder, serveMethods } from './harness.ts';

const unaryPath = '/test.Bounds/Unary';
const unary = (): UnaryMethod => ({ type: 'unary', path: unaryPath, handle: async (request) => request });

/** Opens a call and collects its answer, on a given connection or from a given address. */
function call(port: number, { path = echoPath, session = rawClient(port), headers = {} } = {}) {
  const stream = session.request({ ...grpcHeaders, ':path': path, ...headers });
  const answer = answerOf(stream);
  return { stream, status: answer.then(({ headers: head, trailers }) => ({ ...head, ...trailers })) };
}

function from(localAddress: string, port: number) {
  const session = connect(`http://127.0.0.1:${port}`, { localAddress } as never); // Node passes it on to net.connect
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

const exhausted = { 'grpc-status': '8' };
const unavailable = { 'grpc-status': '14' };
const ok = { 'grpc-status': '0' };

describe('a call whose request does not arrive in time', () => {
  it('is ended when it is unary and the client does not end', async () => {
    const served = await serveMethods([unary()], { requestTimeoutMs: 5_000 });
    const { stream, status } = call(served.port, { path: unaryPath });
    stream.write(framed('whole'));
    await eventually(() => served.server.connectionCount() === 1, { what: 'the connection' });
    await eventually(
      () => {
        served.clock.advance(1_000);
        return served.cutOffs.length > 0;
      },
      { what: 'the time to be over' },
    );
    expect(await status).toMatchObject({ ...unavailable, 'grpc-message': 'the request did not end in time' });
    expect(served.cutOffs).toEqual(['request-timeout']);
  });

  it('is ended when it is a stream and no message arrives', async () => {
    const echo = recorder();
    const served = await serveMethods([echo], { requestTimeoutMs: 5_000 });
    const { status } = call(served.port);
    await eventually(() => echo.heard.length === 1, { what: 'the call opened' });
    served.clock.advance(4_999);
    expect(served.cutOffs).toEqual([]);
    served.clock.advance(1);
    expect(await status).toMatchObject({ ...unavailable, 'grpc-message': 'no message came in time' });
    expect(served.cutOffs).toEqual(['request-timeout']);
  });

  it('does not include one with a message: a stream may then be silent, and a handler may be slow', async () => {
    const echo = recorder();
    let answers = () => {};
    const slow: UnaryMethod = {
      ...unary(),
      handle: (request) =>
        new Promise((resolve) => {
          answers = () => resolve(request);
        }),
    };
    const served = await serveMethods([echo, slow], { requestTimeoutMs: 5_000, keepaliveIntervalMs: 1e9 });
    const session = rawClient(served.port);
    const silent = call(served.port, { session });
    silent.stream.write(framed('first'));
    await eventually(() => echo.heard[0]?.messages.length === 1, { what: 'the first message' });
    const asked = call(served.port, { session, path: unaryPath });
    asked.stream.end(framed('ask'));
    await eventually(
      () => {
        answers();
        served.clock.advance(5_000);
        return served.ended.length === 1;
      },
      { what: 'the answer' },
    );
    expect(await asked.status).toMatchObject(ok);
    expect(served.cutOffs).toEqual([]);
    silent.stream.end();
    expect(await silent.status).toMatchObject(ok);
  });
});

describe('memory for messages', () => {
  const whole = framed('x'.repeat(100_000));

  it('is counted for whole messages until they are handled, on all calls of a connection', async () => {
    const served = await serveMethods([unary()], { maxHeldBytesPerConnection: 350_000 });
    const session = rawClient(served.port);
    const calls = Array.from({ length: 4 }, () => call(served.port, { session, path: unaryPath }));
    for (const { stream } of calls) stream.write(whole);
    const refused = await Promise.race(calls.map(({ status }) => status));
    expect(refused).toMatchObject({
      ...exhausted,
      'grpc-message': 'messages of this connection that are not handled are over the limit of 350000 bytes',
    });
    expect(served.cutOffs).toEqual(['unfinished-messages']);
    for (const { stream } of calls) stream.end();
    const codes = (await Promise.all(calls.map(({ status }) => status))).map((status) => status['grpc-status']);
    expect(codes.sort()).toEqual(['0', '0', '0', '8']);

    const again = Array.from({ length: 3 }, () => call(served.port, { session, path: unaryPath }));
    for (const { stream } of again) stream.end(whole); // the memory was released
    for (const { status } of again) expect(await status).toMatchObject(ok);
  });

  it('is counted over all connections of an address', async () => {
    const served = await serveMethods([unary()], { maxHeldBytesPerPeer: 250_000 });
    const calls = Array.from({ length: 3 }, () => call(served.port, { path: unaryPath }));
    for (const { stream } of calls) stream.write(whole);
    const message = 'messages of this address that are not handled are over the limit of 250000 bytes';
    expect(await Promise.race(calls.map(({ status }) => status))).toMatchObject({ 'grpc-message': message });
    const elsewhere = call(served.port, { path: unaryPath, session: from('127.0.0.2', served.port) });
    elsewhere.stream.end(whole);
    expect(await elsewhere.status).toMatchObject(ok);
  });

  it('is counted over all clients', async () => {
    const served = await serveMethods([unary()], { maxHeldBytes: 250_000 });
    const sessions = ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map((address) => from(address, served.port));
    const calls = sessions.map((session) => call(served.port, { session, path: unaryPath }));
    for (const { stream } of calls) stream.write(whole);
    const message = 'messages of all clients that are not handled are over the limit of 250000 bytes';
    expect(await Promise.race(calls.map(({ status }) => status))).toMatchObject({ 'grpc-message': message });
  });

  it('is reserved for the decompressed size of a message before decompression', async () => {
    const echo = recorder();
    const served = await serveMethods([echo], { maxHeldBytesPerConnection: 150_000 });
    const zipped = gzipSync(Buffer.alloc(100_000));
    const small = gzipSync('small');
    const session = rawClient(served.port);
    const send = (bytes: Buffer) => {
      const one = call(served.port, { session, headers: { 'grpc-encoding': 'gzip' } });
      const message = Buffer.concat(frame([bytes]));
      message[0] = 1;
      one.stream.end(message);
      return one.status;
    };
    expect(zipped.length).toBeLessThan(200);
    expect(await send(zipped)).toMatchObject(exhausted);
    for (let round = 0; round < 5; round++) expect(await send(small)).toMatchObject(ok);
    expect(served.cutOffs).toEqual(['unfinished-messages']);
  });

  it('is given back for messages that never become whole', async () => {
    const echo = recorder();
    const served = await serveMethods([echo], { maxHeldBytesPerConnection: 350_000 });
    const session = rawClient(served.port);
    for (let time = 0; time < 8; time++) {
      const { stream } = call(served.port, { session });
      await new Promise((resolve) => stream.write(whole.subarray(0, 60_000), resolve));
      await eventually(() => echo.heard.length > time, { what: 'the call' });
      stream.close(8); // CANCEL
      await eventually(() => echo.heard[time]?.closed.length === 1, { what: 'its end' });
    }
    const { stream, status } = call(served.port, { session });
    stream.end(whole);
    expect(await status).toMatchObject(ok);
    expect(served.cutOffs).toEqual([]);
  });

  it('is refused to a message over the limit, with a log line and a count: the limit may be too small', async () => {
    const served = await serveMethods([recorder()], { maxReceiveBytes: 1_000 });
    const { stream, status } = call(served.port);
    stream.write(framed('x'.repeat(1_001)));
    expect(await status).toMatchObject({
      ...exhausted,
      'grpc-message': 'message of 1001 bytes is over the limit of 1000',
    });
    expect(served.cutOffs).toEqual(['message-too-large']);
    expect(served.infos).toEqual(['call cut off']);
    expect(served.ended).toEqual(['RESOURCE_EXHAUSTED']);
  });
});

describe('the calls of an address', () => {
  it('are refused over their limit, across all connections, until others have ended', async () => {
    const echo = recorder();
    const served = await serveMethods([echo], { maxStreamsPerPeer: 2 });
    const open = [call(served.port), call(served.port)];
    await eventually(() => echo.heard.length === 2, { what: 'two calls' });
    expect(await call(served.port).status).toMatchObject(exhausted);
    expect(served.cutOffs).toEqual(['too-many-calls']);
    const elsewhere = call(served.port, { session: from('127.0.0.2', served.port) });
    elsewhere.stream.end(framed('hello'));
    expect(await elsewhere.status).toMatchObject(ok);
    open[0]?.stream.end();
    await open[0]?.status;
    await eventually(() => echo.heard[0]?.closed.length === 1, { what: 'the end of the first' });
    const next = call(served.port);
    next.stream.end();
    expect(await next.status).toMatchObject(ok);
  });

  it('are refused over the total limit', async () => {
    const echo = recorder();
    const served = await serveMethods([echo], { maxStreams: 1 });
    call(served.port);
    await eventually(() => echo.heard.length === 1, { what: 'a call' });
    expect(await call(served.port, { session: from('127.0.0.2', served.port) }).status).toMatchObject(exhausted);
  });

  it('are refused when they arrive too fast, also on another connection, and accepted again later', async () => {
    const served = await serveMethods([recorder()], { callsPerPeer: { burst: 3, perSecond: 1 } });
    const once = async () => {
      const session = rawClient(served.port);
      const { stream, status } = call(served.port, { session });
      stream.end();
      const code = (await status)['grpc-status'];
      session.destroy();
      return code;
    };
    expect([await once(), await once(), await once(), await once()]).toEqual(['0', '0', '0', '8']);
    expect(served.cutOffs).toEqual(['call-flood']);
    served.clock.advance(1_000);
    expect([await once(), await once()]).toEqual(['0', '8']);
  });
});

describe('the messages of an address', () => {
  it('end their call when they arrive too fast', async () => {
    const silent = recorder({ echo: false });
    const served = await serveMethods([silent], { requestsPerPeer: { burst: 100, perSecond: 1 } });
    const { stream, status } = call(served.port);
    for (let message = 0; message < 101; message++) stream.write(framed('ask'));
    expect(await status).toMatchObject(exhausted);
    expect(silent.heard[0]?.messages).toHaveLength(100);
    expect(served.cutOffs).toEqual(['request-flood']);
  });

  it('end their call even when its answers are still unsent', async () => {
    const answersFirst = recorder({
      echo: false,
      onMessage: (text, answered) => {
        if (text === 'first') for (const part of ['one', 'two']) answered.writeFramed(frame([Buffer.from(part)]));
      },
    });
    const served = await serveMethods([answersFirst], { requestsPerPeer: { burst: 2, perSecond: 0 } });
    const { stream } = call(served.port);
    const closed = once(stream, 'close');
    stream.end(Buffer.concat([framed('first'), framed('ask'), framed('ask'), framed('ask')]));
    await closed;
    expect(served.cutOffs).toEqual(['request-flood']);
  });

  it('are not counted when they equal the expected message, nor up to the number of messages written to the client', async () => {
    const expected = { parts: [Buffer.from('known')], length: 5 };
    const echo = recorder({ expectedMessage: (length) => (length === 5 ? expected : null) });
    const served = await serveMethods([echo], { requestsPerPeer: { burst: 2, perSecond: 0 } });
    const { stream, status } = call(served.port);
    for (let message = 0; message < 50; message++) {
      stream.write(framed('ask'));
      stream.write(framed('known'));
    }
    stream.end();
    expect(await status).toMatchObject(ok);
    expect(echo.heard[0]?.recognised).toHaveLength(50);
  });
});

describe('lines about an address', () => {
  it('are logged up to their limit; the others are counted', async () => {
    const served = await serveMethods([recorder()], {
      maxReceiveBytes: 1,
      logLinesPerPeer: { burst: 3, perSecond: 1 },
    });
    const provoke = async () => {
      const { stream, status } = call(served.port);
      stream.write(framed('too large'));
      await status;
    };
    for (let time = 0; time < 5; time++) await provoke();
    expect(served.infos).toHaveLength(3);
    expect(served.droppedLines()).toBe(2);
    served.clock.advance(1_000);
    await provoke();
    expect(served.infos).toHaveLength(4);
  });
});

describe('time', () => {
  it('is monotonic: the clock is never read', async () => {
    const clock = fakeClock();
    const elapsed = clock.now;
    const hourless = {
      ...clock,
      now: () => {
        throw new Error('asked for the hour');
      },
    };
    const silent = recorder({ echo: false });
    const errors: object[] = [];
    const log = { ...silentLogger, error: (facts: object) => errors.push(facts) };
    const server = createRpcServer({ services: [silent], clock: hourless, elapsed, log });
    onTestFinished(() => server.close());
    const { port } = await server.listen('127.0.0.1', 0);
    const { stream, status } = call(port);
    stream.write(framed('whole'));
    stream.write(framed('half').subarray(0, 7));
    await eventually(() => silent.heard[0]?.messages.length === 1, { what: 'the first message' });
    await eventually(
      () => {
        clock.advance(10_000);
        return silent.heard[0]?.closed.length === 1;
      },
      { what: 'the call to be cut off' },
    );
    expect(await status).toMatchObject({ 'grpc-message': 'the rest of a message did not come in time' });
    expect(errors).toEqual([]);
  });
});
