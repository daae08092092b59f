import { describe, expect, it } from 'vitest';
import { MeshError } from '../../../src/lib/errors.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { frame } from '../../../src/rpc/frame.ts';
import { createRpcServer } from '../../../src/rpc/server.ts';
import { okStatus } from '../../../src/rpc/status.ts';
import { eventually } from '../../support/eventually.ts';
import { handMadeClient, headersFrame } from './frames.ts';
import { answerOf, echoPath, framed, grpcClient, grpcHeaders, rawClient, recorder, serveMethods } from './harness.ts';

describe('back-pressure', () => {
  it('reports when a client stops reading, and when it reads again', async () => {
    const silent = recorder({ echo: false });
    const { port } = await serveMethods([silent]);
    const stream = rawClient(port).request(grpcHeaders);
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    const call = silent.heard[0]?.call;
    const large = frame([Buffer.alloc(300_000), Buffer.alloc(700_000)]);
    expect(call?.writable).toBe(true);
    expect(call?.writeFramed(large)).toBe(false);
    expect(call?.writable).toBe(false);
    expect(silent.heard[0]?.events).toEqual([]);

    const answer = answerOf(stream); // begins to read
    await eventually(() => silent.heard[0]?.events.includes('drained'), { what: 'the call drained' });
    expect(call?.writable).toBe(true);
    call?.writeFramed(large);
    call?.end(okStatus);
    expect(call?.writable).toBe(false);
    const { body, trailers } = await answer;
    expect(body.length).toBe(2 * 1_000_005);
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
  });

  it('delivers the status after a large response to a client that is still sending', async () => {
    const { port } = await serveMethods([
      recorder({
        echo: false,
        onMessage: (_text, call) => {
          call.writeFramed(frame([Buffer.alloc(3_000_000)]));
          call.end({ code: 'ABORTED', message: 'enough' });
        },
      }),
    ]);
    const stream = rawClient(port).request(grpcHeaders);
    const answer = answerOf(stream);
    stream.write(framed('more'));
    const { body, trailers } = await answer;
    expect(body.length).toBe(3_000_005);
    expect(trailers).toMatchObject({ 'grpc-status': '10', 'grpc-message': 'enough' });
    expect(stream.rstCode).toBe(0);
  });
});

describe('deadlines', () => {
  it('ends a call with DEADLINE_EXCEEDED at its time and not before', async () => {
    const silent = recorder({ echo: false });
    const { port, clock } = await serveMethods([silent]);
    const stream = rawClient(port).request({ ...grpcHeaders, 'grpc-timeout': '5S' });
    const answer = answerOf(stream);
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    clock.advance(4999);
    expect(silent.heard[0]?.call.writable).toBe(true);
    clock.advance(1);
    expect((await answer).trailers).toMatchObject({ 'grpc-status': '4' });
    expect(silent.heard[0]?.closed).toMatchObject([{ type: 'ended', status: { code: 'DEADLINE_EXCEEDED' } }]);
  });

  it('does not wait for a client that does not read', async () => {
    const silent = recorder({ echo: false });
    const { port, clock } = await serveMethods([silent]);
    rawClient(port)
      .request({ ...grpcHeaders, 'grpc-timeout': '1S' })
      .on('error', () => {});
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    silent.heard[0]?.call.writeFramed(frame([Buffer.alloc(1_000_000)]));
    clock.advance(1000);
    await eventually(() => silent.heard[0]?.closed.length === 1, { what: 'the call closed' });
  });
});

describe('connections', () => {
  it('end without answers to pings, and stay open with them', async () => {
    const silent = recorder({ echo: false });
    const { server, port, clock } = await serveMethods([silent], {
      keepaliveIntervalMs: 1000,
      keepaliveTimeoutMs: 200,
    });
    const stream = rawClient(port).request(grpcHeaders);
    stream.on('error', () => {});
    const deaf = await handMadeClient(port);
    await eventually(() => silent.heard.length === 1 && server.connectionCount() === 2, { what: 'both connected' });
    const pinged = new Promise((resolve) => stream.session?.once('ping', resolve));
    const gone = new Promise((resolve) => deaf.once('close', resolve));

    clock.advance(1000);
    await pinged;
    expect(server.connectionCount()).toBe(2);
    // the round trip proves that the answer to the server's ping has arrived
    await new Promise((resolve) => stream.session?.ping(resolve));
    clock.advance(200);
    await gone;
    await eventually(() => server.connectionCount() === 1, { what: 'the deaf one is gone' });
    expect(silent.heard[0]?.closed).toEqual([]);
  });

  it('accept pings as often as clients like', async () => {
    const { server, port } = await serveMethods([recorder()]);
    const session = rawClient(port);
    await new Promise((resolve) => session.once('connect', resolve));
    const pings = Array.from({ length: 5 }, () => new Promise((resolve) => session.ping(resolve)));
    expect(await Promise.all(pings)).toEqual(Array(5).fill(null));
    expect(server.connectionCount()).toBe(1);
  });

  for (const { random, leavesAtMs } of [
    { random: 0, leavesAtMs: 9_000 },
    { random: 0.5, leavesAtMs: 10_000 },
    { random: 0.999, leavesAtMs: 10_998 },
  ]) {
    it(`are asked to close at different ages: after ${leavesAtMs} of 10,000 ms`, async () => {
      const silent = recorder({ echo: false });
      const limits = { maxConnectionAgeMs: 10_000, keepaliveIntervalMs: 1e9 };
      const { port, clock } = await serveMethods([silent], limits, { random: () => random });
      const session = rawClient(port);
      const codes: number[] = [];
      session.on('goaway', (code) => codes.push(code));
      session.request(grpcHeaders).on('error', () => {});
      await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
      clock.advance(leavesAtMs - 1);
      await new Promise((resolve) => session.ping(resolve));
      expect(codes).toEqual([]);
      clock.advance(1);
      await eventually(() => codes.length > 0, { what: 'it is asked to leave' });
      expect(codes[0]).toBe(0);
    });
  }

  it('are asked to close at their maximum age, and ended after the grace period', async () => {
    const silent = recorder({ echo: false });
    const { port, clock } = await serveMethods([silent], { maxConnectionAgeMs: 5000, maxConnectionAgeGraceMs: 700 });
    const session = rawClient(port);
    const goaway = new Promise((resolve) => session.once('goaway', resolve));
    const answer = answerOf(session.request(grpcHeaders));
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    clock.advance(5000);
    expect(await goaway).toBe(0);
    expect(silent.heard[0]?.closed).toEqual([]);
    clock.advance(700);
    await answer;
    await eventually(() => silent.heard[0]?.closed.length === 1, { what: 'the call closed' });
    expect(silent.heard[0]?.closed).toEqual([{ type: 'connection-lost', cause: 'shut down by the server' }]);
  });
});

describe('the server', () => {
  it('rejects a taken port with host and port', async () => {
    const { port, clock } = await serveMethods([]);
    const other = createRpcServer({ services: [], clock, log: silentLogger });
    const error = await other.listen('127.0.0.1', port).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(MeshError);
    expect(error).toMatchObject({ code: 'PORT_TAKEN', facts: { host: '127.0.0.1', port } });
    expect(other.address).toBeNull();
  });

  it('drains: open calls continue, new connections are refused, and it ends when they end', async () => {
    const echo = recorder();
    const { server, port } = await serveMethods([echo]);
    const session = rawClient(port);
    const stream = session.request(grpcHeaders);
    const answer = answerOf(stream);
    await eventually(() => echo.heard.length === 1, { what: 'the call opened' });
    const goaway = new Promise((resolve) => session.once('goaway', resolve));

    const drained = server.drain(60_000);
    await goaway;
    expect(server.address).toBeNull();
    stream.end(framed('still served'));
    const { body, trailers } = await answer;
    expect(body.toString('latin1')).toContain('still served');
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    await drained;
    expect(server.connectionCount()).toBe(0);
    const refused = await new Promise<NodeJS.ErrnoException>((resolve) => rawClient(port).once('error', resolve));
    expect(refused.code).toBe('ECONNREFUSED');
  });

  it('still serves a call that was in flight when it began to drain', async () => {
    const silent = recorder({ echo: false });
    const { server, port, clock } = await serveMethods([silent]);
    const socket = await handMadeClient(port);
    const drained = server.drain(5000);
    const pseudoHeaders = { ':method': 'POST', ':scheme': 'http', ':path': echoPath, ':authority': 'mesh' };
    socket.write(headersFrame(1, { ...pseudoHeaders, 'content-type': 'application/grpc' }));
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    clock.advance(5000);
    await drained;
  });

  it('is drained as soon as the last call of grpc-js has ended, without waiting for the grace period', async () => {
    const silent = recorder({ echo: false });
    const { server, port } = await serveMethods([silent]);
    const bytes = (buffer: Buffer) => buffer;
    const stream = grpcClient(port).makeBidiStreamRequest(echoPath, bytes, bytes);
    stream.on('error', () => {}).resume(); // UNAVAILABLE when the connection closes
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    silent.heard[0]?.call.end({ code: 'UNAVAILABLE', message: 'going away' });
    await server.drain(60_000); // the fake clock does not move: only the client's disconnecting can end it
    expect(server.connectionCount()).toBe(0);
  });

  it('drains no longer than the grace period', async () => {
    const silent = recorder({ echo: false });
    const { server, port, clock } = await serveMethods([silent]);
    const answer = answerOf(rawClient(port).request(grpcHeaders));
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    const drained = server.drain(5000);
    clock.advance(4999);
    expect(silent.heard[0]?.closed).toEqual([]);
    clock.advance(1);
    await drained;
    await answer;
    expect(silent.heard[0]?.closed).toEqual([{ type: 'connection-lost', cause: 'shut down by the server' }]);
  });

  it('closes at once', async () => {
    const silent = recorder({ echo: false });
    const { server, port } = await serveMethods([silent]);
    const answer = answerOf(rawClient(port).request(grpcHeaders));
    await eventually(() => silent.heard.length === 1, { what: 'the call opened' });
    await server.close();
    await answer;
    expect(silent.heard[0]?.closed).toHaveLength(1);
    expect(server.connectionCount()).toBe(0);
  });

  it('refuses two methods with one path', async () => {
    await expect(serveMethods([recorder(), recorder()])).rejects.toThrow('same path');
  });
});
