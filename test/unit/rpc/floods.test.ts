import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { frame } from '../../../src/rpc/frame.ts';
import { eventually } from '../../support/eventually.ts';
import { endHeaders, framesFrom, goawayOf, handMadeClient, headersFrame, http2Frame, resetFrame } from './frames.ts';
import { answerOf, framed, grpcHeaders, rawClient, recorder, type Served, serveMethods } from './harness.ts';

const enhanceYourCalm = 0xb;
const ping = http2Frame('ping', 0, 0, Buffer.alloc(8));
const settings = http2Frame('settings', 0, 0, Buffer.alloc(0));
const times = (count: number, part: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => part(index)));

/** Streams opened by a client have odd numbers. */
const streamId = (index: number): number => 2 * index + 1;

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

/** Checks that the server still serves others. */
async function stillServes({ port }: Served): Promise<void> {
  const stream = rawClient(port).request(grpcHeaders);
  const answer = answerOf(stream);
  stream.end(framed('anybody there?'));
  const { body, trailers } = await answer;
  expect(body).toEqual(framed('anybody there?'));
  expect(trailers).toMatchObject({ 'grpc-status': '0' });
}

describe('floods', () => {
  for (const { name, flood, why } of [
    { name: 'PING', flood: times(1000, () => ping), why: 'too_many_pings' },
    { name: 'SETTINGS', flood: times(1000, () => settings), why: 'too_many_settings' },
  ]) {
    it(`of ${name} end with ENHANCE_YOUR_CALM`, async () => {
      const served = await serveMethods([recorder()]);
      const socket = await handMadeClient(served.port);
      const frames = framesFrom(socket);
      socket.write(flood);
      await closed(socket);
      expect(goawayOf(frames)).toEqual({ code: enhanceYourCalm, text: why });
      expect(served.cutOffs).toEqual(['control-flood']);
      await stillServes(served);
    });
  }

  it('do not include a client that pings each second, or after each message', async () => {
    const echo = recorder();
    const served = await serveMethods([echo]);
    const session = rawClient(served.port);
    await new Promise((resolve) => session.once('connect', resolve)); // Node cancels earlier pings
    const stream = session.request(grpcHeaders);
    const answer = answerOf(stream);
    stream.write(framed('first'));
    await eventually(() => echo.heard[0]?.messages.length === 1, { what: 'the first message' });
    const pinged = () => new Promise((resolve) => session.ping(resolve));
    for (let second = 0; second < 300; second++) {
      served.clock.advance(1000);
      expect(await pinged()).toBeNull();
    }
    for (let message = 0; message < 300; message++) {
      await eventually(() => echo.heard.length > 0, { what: 'the call opened', everyMs: 1 });
      echo.heard[0]?.call.writeFramed(frame([Buffer.from('news')]));
      expect(await pinged()).toBeNull();
    }
    stream.end();
    expect((await answer).trailers).toMatchObject({ 'grpc-status': '0' });
    expect(served.cutOffs).toEqual([]);
  });

  it('do not include a client that measures the bandwidth during a large response', async () => {
    const silent = recorder({ echo: false });
    const served = await serveMethods([silent]);
    const session = rawClient(served.port);
    const stream = session.request(grpcHeaders);
    stream.end();
    await eventually(() => silent.heard[0]?.events.length === 1, { what: 'the call opened' });
    silent.heard[0]?.call.writeFramed(frame([Buffer.alloc(30_000_000)]));
    silent.heard[0]?.call.end({ code: 'OK', message: '' });
    let pings = 0;
    for await (const _chunk of stream) {
      expect(await new Promise((resolve) => session.ping(resolve))).toBeNull();
      pings++;
    }
    expect(pings).toBeGreaterThan(300);
    expect(served.cutOffs).toEqual([]);
  });

  it('of calls that are opened and reset are ended', async () => {
    const served = await serveMethods([recorder()], { abandonedCalls: { burst: 50, perSecond: 1 } });
    const socket = await handMadeClient(served.port);
    socket.write(
      times(1000, (index) => Buffer.concat([headersFrame(streamId(index)), resetFrame(streamId(index), 8)])),
    );
    await closed(socket);
    await eventually(() => served.server.connectionCount() === 0, { what: 'the connection is gone' });
    expect(served.cutOffs).toHaveLength(1);
    await stillServes(served);
  });

  it('of frames that provoke resets by the server end their connection', async () => {
    const served = await serveMethods([recorder()]);
    const socket = await handMadeClient(served.port);
    // a window update of 0 is a stream error (RFC 9113, 6.9)
    const harmful = (id: number) => http2Frame('windowUpdate', 0, id, Buffer.alloc(4));
    socket.write(times(1000, (index) => Buffer.concat([headersFrame(streamId(index)), harmful(streamId(index))])));
    await closed(socket);
    await eventually(() => served.server.connectionCount() === 0, { what: 'the connection is gone' });
    await stillServes(served);
  });

  for (const { name, flood } of [
    { name: 'empty DATA', flood: times(5000, () => http2Frame('data', 0, 1, Buffer.alloc(0))) },
    {
      name: 'CONTINUATION',
      flood: Buffer.concat([
        headersFrame(3, {}, 0),
        times(100_000, () => http2Frame('continuation', 0, 3, Buffer.alloc(0))),
      ]),
    },
    {
      name: 'DATA of a stream that was never opened',
      flood: times(5000, () => http2Frame('data', 0, 7, Buffer.alloc(9))),
    },
  ]) {
    it(`of ${name} end their connection`, async () => {
      const served = await serveMethods([recorder()]);
      const socket = await handMadeClient(served.port);
      socket.write(headersFrame(1));
      socket.write(flood);
      await closed(socket);
      await eventually(() => served.server.connectionCount() === 0, { what: 'the connection is gone' });
      expect(served.cutOffs).toEqual(['protocol-error']);
      await stillServes(served);
    });
  }

  it('of WINDOW_UPDATE and PRIORITY cost nothing but their bytes', async () => {
    const served = await serveMethods([recorder()]);
    const socket = await handMadeClient(served.port);
    socket.write(times(20_000, () => http2Frame('windowUpdate', 0, 0, Buffer.from([0, 0, 0, 1]))));
    socket.write(times(20_000, () => http2Frame('priority', 0, 1, Buffer.from([0, 0, 0, 0, 9]))));
    await stillServes(served);
    expect(served.server.connectionCount()).toBeGreaterThan(0);
  });

  it('of headers that a small table expands are over the limit', async () => {
    const echo = recorder();
    const served = await serveMethods([echo]);
    const socket = await handMadeClient(served.port);
    const entry = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([100]), Buffer.alloc(100, 'y')]);
    const references = Buffer.alloc(10_000, 0xbe); // each refers to the first entry of the dynamic table
    socket.write(http2Frame('headers', endHeaders, 1, Buffer.concat([entry, references])));
    await stillServes(served);
    expect(echo.heard).toHaveLength(1); // the call that was opened later
  });
});

describe('limits on connections', () => {
  it('close connections over the total limit, and accept new ones when others have closed', async () => {
    const served = await serveMethods([recorder()], { maxConnections: 2 });
    const [first] = [await handMadeClient(served.port), await handMadeClient(served.port)];
    const third = connect(served.port, '127.0.0.1').on('error', () => {});
    await closed(third.resume());
    expect(served.cutOffs).toEqual(['too-many-connections']);
    first.destroy();
    await eventually(() => served.server.connectionCount() === 1, { what: 'the first is gone' });
    await handMadeClient(served.port);
  });

  it('are counted per address', async () => {
    const served = await serveMethods([recorder()], { maxConnectionsPerPeer: 1 });
    await handMadeClient(served.port);
    const second = connect(served.port, '127.0.0.1').on('error', () => {});
    await closed(second.resume());
    const elsewhere = connect({ port: served.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    onTestFinished(() => {
      elsewhere.destroy();
    });
    elsewhere.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings]));
    await new Promise((resolve) => elsewhere.once('data', resolve));
    expect(served.cutOffs).toEqual(['too-many-connections']);
  });

  it('refuse calls over the limit of one connection, and nothing else', async () => {
    const echo = recorder();
    const served = await serveMethods([echo], { maxConcurrentStreams: 5 });
    const socket = await handMadeClient(served.port);
    const frames = framesFrom(socket);
    socket.write(times(8, (index) => headersFrame(streamId(index))));
    await eventually(() => frames.filter(({ type }) => type === 'rstStream').length === 3, { what: 'three refusals' });
    expect(echo.heard).toHaveLength(5);
  });
});

describe('slow clients', () => {
  for (const { name, first } of [
    { name: 'sends nothing', first: Buffer.alloc(0) },
    { name: 'stops inside the preface', first: Buffer.from('PRI * HTTP/2.0\r\n') },
    { name: 'sends no settings', first: Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') },
  ]) {
    it(`is ended when it ${name}`, async () => {
      const served = await serveMethods([recorder()], { handshakeTimeoutMs: 5000 });
      const socket = connect(served.port, '127.0.0.1').on('error', () => {});
      socket.write(first);
      await eventually(() => served.server.connectionCount() === 1, { what: 'it is connected' });
      served.clock.advance(4999);
      expect(served.cutOffs).toEqual([]);
      served.clock.advance(1);
      await closed(socket.resume());
      expect(served.cutOffs).toEqual(['handshake-timeout']);
    });
  }

  it('is ended when its headers are incomplete: it cannot answer a ping meanwhile', async () => {
    const served = await serveMethods([recorder()], { keepaliveIntervalMs: 1000, keepaliveTimeoutMs: 500 });
    const socket = await handMadeClient(served.port);
    socket.write(headersFrame(1, undefined, 0));
    served.clock.advance(1000);
    served.clock.advance(500);
    await closed(socket);
    expect(served.cutOffs).toEqual(['keepalive-timeout']);
  });

  it('loses the call whose message is not complete in time', async () => {
    const silent = recorder({ echo: false });
    const served = await serveMethods([silent], { messageTimeoutMs: 1000, keepaliveIntervalMs: 1e9 });
    const stream = rawClient(served.port).request(grpcHeaders);
    const answer = answerOf(stream);
    stream.write(framed('whole'));
    await eventually(() => silent.heard[0]?.messages.length === 1, { what: 'the message came' });
    served.clock.advance(60_000); // between messages there is no time limit
    stream.write(framed('half').subarray(0, 7));
    await eventually(
      () => {
        served.clock.advance(1000);
        return silent.heard[0]?.closed.length === 1;
      },
      { what: 'the call closed' },
    );
    expect((await answer).trailers).toMatchObject({
      'grpc-status': '14',
      'grpc-message': 'the rest of a message did not come in time',
    });
    expect(served.cutOffs).toEqual(['message-timeout']);
  });

  it('loses the call that needs too much memory for incomplete messages, also over several calls', async () => {
    const served = await serveMethods([recorder()], { maxHeldBytesPerConnection: 500_000 });
    const session = rawClient(served.port);
    const answers = [0, 1, 2].map(() => {
      const stream = session.request(grpcHeaders);
      const answer = answerOf(stream);
      const prefix = Buffer.from([0, 0, 0x10, 0, 0]); // announces a megabyte
      stream.write(Buffer.concat([prefix, Buffer.alloc(300_000)]));
      return answer;
    });
    expect((await Promise.race(answers)).trailers).toMatchObject({ 'grpc-status': '8' });
    expect(new Set(served.cutOffs)).toEqual(new Set(['unfinished-messages']));
    session.destroy();
    await Promise.all(answers);
    await stillServes(served);
  });
});

describe('clients that do not read', () => {
  const large = () => frame([Buffer.alloc(1_000_000)]);

  /** Opens a call whose client has a window of 64 KB and never enlarges it. */
  async function unread(limits: Parameters<typeof serveMethods>[1]) {
    const silent = recorder({ echo: false });
    const served = await serveMethods([silent], limits);
    const socket = await handMadeClient(served.port);
    const frames = framesFrom(socket);
    socket.write(headersFrame(1));
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    const [heard] = silent.heard;
    if (heard === undefined) throw new Error('just awaited');
    return { ...served, heard, frames, socket };
  }

  it('lose the call when they leave a response unread for too long', async () => {
    const { clock, heard, cutOffs, frames } = await unread({ drainTimeoutMs: 5000 });
    heard.call.writeFramed(large());
    clock.advance(4999);
    expect(heard.call.writable).toBe(false);
    expect(cutOffs).toEqual([]);
    clock.advance(1);
    await eventually(() => heard.closed.length === 1, { what: 'the call closed' });
    expect(heard.closed).toMatchObject([{ type: 'ended', status: { code: 'UNAVAILABLE' } }]);
    expect(cutOffs).toEqual(['slow-reader']);
    await eventually(() => frames.some(({ type }) => type === 'rstStream'), { what: 'the reset of the stream' });
  });

  for (const { name, bytes } of [
    { name: 'a large response', bytes: 1_000_000 },
    { name: 'a small response', bytes: 10 },
  ]) {
    it(`lose it also when the handler has ended it and ${name} is unread`, async () => {
      const { clock, heard, socket, frames } = await unread({ drainTimeoutMs: 5000 });
      const noWindow = Buffer.from([0, 4, 0, 0, 0, 0]); // also applies to open streams (RFC 9113, 6.9.2)
      socket.write(http2Frame('settings', 0, 0, noWindow));
      socket.write(http2Frame('data', 0, 1, framed('go')));
      await eventually(() => heard.messages.length === 1, { what: 'the window is closed' });
      heard.call.writeFramed(frame([Buffer.alloc(bytes)]));
      heard.call.end({ code: 'OK', message: '' });
      clock.advance(5000);
      await eventually(() => heard.closed.length === 1, { what: 'the call closed' });
      await eventually(() => frames.some(({ type }) => type === 'rstStream'), { what: 'the reset of the stream' });
    });
  }

  it('keep it when they read in time, however often', async () => {
    const silent = recorder({ echo: false });
    const served = await serveMethods([silent], { drainTimeoutMs: 5000 });
    const stream = rawClient(served.port).request(grpcHeaders);
    stream.resume();
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    for (let round = 1; round <= 3; round++) {
      silent.heard[0]?.call.writeFramed(large());
      await eventually(() => silent.heard[0]?.events.length === round, { what: 'the call drained' });
      served.clock.advance(5000);
    }
    expect(served.cutOffs).toEqual([]);
  });

  it('lose it at once when the handler keeps writing', async () => {
    const { heard, cutOffs } = await unread({ maxQueuedBytes: 3_000_000 });
    let writes = 0;
    while (writes < 100 && heard.closed.length === 0) {
      heard.call.writeFramed(large());
      writes++;
      await new Promise(setImmediate);
    }
    expect(writes).toBeLessThan(10);
    expect(heard.closed).toMatchObject([{ type: 'ended', status: { code: 'RESOURCE_EXHAUSTED' } }]);
    expect(cutOffs).toEqual(['slow-reader']);
  });

  for (const { name, end } of [
    { name: 'closing', end: ({ server }: Served) => server.close() },
    {
      name: 'draining longer than the grace',
      end: ({ server, clock }: Served) => {
        const drained = server.drain(1000);
        clock.advance(1000);
        return drained;
      },
    },
    {
      name: 'ending a connection that does not answer',
      end: ({ server, clock }: Served) => {
        clock.advance(30_000);
        clock.advance(20_000);
        return eventually(() => server.connectionCount() === 0, { what: 'it is gone' });
      },
    },
  ]) {
    it(`do not keep the server from ${name}, even with unsent data`, async () => {
      const unreading = await unread({});
      const { heard, socket } = unreading;
      // large windows pass everything to the socket, which fills up as nobody reads it
      const wholeWindow = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
      socket.write(http2Frame('settings', 0, 0, wholeWindow));
      socket.write(http2Frame('windowUpdate', 0, 0, Buffer.from([0x7f, 0xff, 0, 0])));
      socket.write(http2Frame('data', 0, 1, framed('go')));
      await eventually(() => heard.messages.length === 1, { what: 'the windows are open' });
      socket.pause();
      heard.call.writeFramed(frame([Buffer.alloc(50_000_000)]));
      await new Promise((resolve) => setImmediate(resolve));
      await end(unreading);
      expect(heard.closed).toHaveLength(1);
      expect(unreading.server.connectionCount()).toBe(0);
    });
  }

  it('lose a call with one response over the limit', async () => {
    const { heard, cutOffs } = await unread({ maxSendBytes: 999_999 });
    expect(heard.call.writeFramed(large())).toBe(false);
    await eventually(() => heard.closed.length === 1, { what: 'the call closed' });
    expect(heard.closed).toMatchObject([{ type: 'ended', status: { code: 'RESOURCE_EXHAUSTED' } }]);
    expect(cutOffs).toEqual([]);
  });
});
