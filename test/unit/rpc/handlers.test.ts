import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compressedFrame } from '../../../src/rpc/compression.ts';
import type { HandlerCall, HandlerMethod } from '../../../src/rpc/handlers/handler.ts';
import { RpcError } from '../../../src/rpc/status.ts';
import { eventually } from '../../support/eventually.ts';
import { answerOf, framed, grpcHeaders, rawClient, recorder, type StreamAnswer, serveMethods } from './harness.ts';

const path = '/test.Handler/Call';
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

interface Request {
  readonly headers?: Record<string, string>;
  readonly messages?: readonly string[];
}

/** Calls the only served method. */
async function ask(port: number, { headers = {}, messages = [''] }: Request = {}): Promise<StreamAnswer> {
  const stream = rawClient(port).request({ ...grpcHeaders, ':path': path, ...headers });
  const answer = answerOf(stream);
  for (const message of messages) stream.write(framed(message));
  stream.end();
  return answer;
}

/** Returns the messages of a body, each with its flag. */
function messagesOf(body: Buffer): { compressed: boolean; bytes: Buffer }[] {
  const messages = [];
  for (let at = 0; at < body.length; at += 5 + body.readUInt32BE(at + 1)) {
    const bytes = body.subarray(at + 5, at + 5 + body.readUInt32BE(at + 1));
    messages.push({ compressed: body[at] === 1, bytes });
  }
  return messages;
}

describe('the four kinds of methods', () => {
  const join = async (requests: AsyncIterable<Uint8Array>) => {
    const parts: string[] = [];
    for await (const part of requests) parts.push(text(part));
    return Buffer.from(parts.join('+'));
  };
  const kinds: readonly { method: HandlerMethod; messages: string[]; want: string[] }[] = [
    { method: { type: 'unary', path, handle: async (request) => request }, messages: ['a'], want: ['a'] },
    {
      method: {
        type: 'server-streaming',
        path,
        async *handle(request) {
          yield request;
          yield request;
        },
      },
      messages: ['a'],
      want: ['a', 'a'],
    },
    { method: { type: 'client-streaming', path, handle: join }, messages: ['a', 'b', 'c'], want: ['a+b+c'] },
    { method: { type: 'client-streaming', path, handle: join }, messages: [], want: [''] },
    {
      method: { type: 'bidi-streaming', path, handle: (requests) => requests },
      messages: ['a', 'b', 'c', 'd', 'e', 'f'],
      want: ['a', 'b', 'c', 'd', 'e', 'f'],
    },
    { method: { type: 'bidi-streaming', path, handle: (requests) => requests }, messages: [], want: [] },
  ];
  for (const { method, messages, want } of kinds) {
    it(`answer: ${method.type}, ${messages.length} messages`, async () => {
      const { port } = await serveMethods([method]);
      const { headers, body, trailers, trailersOnly } = await ask(port, { messages });
      expect(messagesOf(body).map(({ bytes }) => bytes.toString())).toEqual(want);
      expect(trailersOnly ? headers : trailers).toMatchObject({ 'grpc-status': '0' });
    });
  }

  for (const type of ['unary', 'server-streaming'] as const) {
    for (const messages of [[], ['one', 'two']]) {
      it(`refuse ${messages.length} messages: ${type}`, async () => {
        const method: HandlerMethod =
          type === 'unary'
            ? { type, path, handle: async (request) => request }
            : {
                type,
                path,
                async *handle(request) {
                  yield request;
                },
              };
        const { port } = await serveMethods([method]);
        expect((await ask(port, { messages })).headers).toMatchObject({ 'grpc-status': '12' });
      });
    }
  }

  it('end with the status that a stream of answers throws after some of them', async () => {
    const { port } = await serveMethods([
      {
        type: 'server-streaming',
        path,
        async *handle() {
          yield Buffer.from('first');
          throw new RpcError('ABORTED', 'enough', { metadata: { 'grpc-status-details-bin': Buffer.from('why') } });
        },
      },
    ]);
    const { body, trailers } = await ask(port);
    expect(body).toEqual(framed('first'));
    expect(trailers).toMatchObject({
      'grpc-status': '10',
      'grpc-message': 'enough',
      'grpc-status-details-bin': Buffer.from('why').toString('base64'),
    });
  });

  it('pass a deadline to their handlers, and end with it', async () => {
    let seen: HandlerCall | null = null;
    const { port, clock, errors } = await serveMethods([
      {
        type: 'server-streaming',
        path,
        async *handle(_request, call) {
          seen = call;
          await new Promise((_resolve, reject) =>
            call.signal.addEventListener('abort', () => reject(new Error('late'))),
          );
          yield Buffer.from('too late');
        },
      },
    ]);
    const answer = ask(port, { headers: { 'grpc-timeout': '2S' } });
    await eventually(() => seen, { what: 'the handler runs' });
    clock.advance(2000);
    expect((await answer).headers).toMatchObject({ 'grpc-status': '4' });
    await eventually(() => seen?.signal.aborted, { what: 'the signal' });
    expect(errors).toEqual([]);
  });

  it('stop a client that sends more than its handler reads', async () => {
    let taken = 0;
    let goOn = () => {};
    const { port } = await serveMethods([
      {
        type: 'client-streaming',
        path,
        async handle(requests) {
          for await (const _request of requests) {
            taken++;
            if (taken === 1) await new Promise<void>((resolve) => (goOn = resolve));
          }
          return Buffer.from(String(taken));
        },
      },
    ]);
    const stream = rawClient(port).request({ ...grpcHeaders, ':path': path });
    const answer = answerOf(stream);
    const message = framed('x'.repeat(100_000));
    for (let written = 0; written < 200; written++) stream.write(message);
    stream.end();
    await eventually(() => taken === 1, { what: 'the handler runs' });
    for (let round = 0; round < 50; round++) await new Promise((resolve) => stream.session?.ping(resolve));
    // the window of 1 MiB and the buffers of both ends are far below 20 MB
    expect(stream.writableLength).toBeGreaterThan(10_000_000);
    goOn();
    expect(messagesOf((await answer).body).map(({ bytes }) => bytes.toString())).toEqual(['200']);
  });

  it('request no more answers from a stream than the client reads', async () => {
    let asked = 0;
    const { port } = await serveMethods([
      {
        type: 'server-streaming',
        path,
        async *handle() {
          while (asked < 100) {
            asked++;
            yield Buffer.alloc(200_000);
          }
        },
      },
    ]);
    const stream = rawClient(port).request({ ...grpcHeaders, ':path': path });
    stream.end(framed(''));
    await eventually(() => asked >= 1, { what: 'the first' });
    await new Promise((resolve) => stream.session?.ping(resolve));
    expect(asked).toBeLessThan(5);
    const answer = answerOf(stream); // begins to read
    expect(messagesOf((await answer).body)).toHaveLength(100);
  });
});

describe('metadata of a response', () => {
  it('is sent before and after the messages', async () => {
    const { port } = await serveMethods([
      {
        type: 'unary',
        path,
        async handle(request, call) {
          call.sendHeaders({ metadata: { 'x-first': 'a', 'x-first-bin': Buffer.from([0, 255]) } });
          call.sendHeaders({ metadata: { 'x-late': 'never' } });
          call.setTrailers({ 'x-last': ['b', 'c'] });
          return request;
        },
      },
    ]);
    const { headers, trailers } = await ask(port);
    expect(headers).toMatchObject({ 'x-first': 'a', 'x-first-bin': 'AP8' });
    expect(headers).not.toHaveProperty('x-late');
    expect(trailers).toMatchObject({ 'grpc-status': '0', 'x-last': 'b, c' });
  });

  it('that is invalid is a fault of the handler, not of the connection', async () => {
    const { port, errors } = await serveMethods([
      {
        type: 'unary',
        path,
        async handle(request, call) {
          call.setTrailers({ 'grpc-status': '0' });
          return request;
        },
      },
    ]);
    expect((await ask(port)).trailers).toMatchObject({ 'grpc-status': '13', 'grpc-message': 'internal error' });
    expect(errors).toEqual(['call handler failed']);
    expect((await ask(port)).trailers).toMatchObject({ 'grpc-status': '13' });
  });
});

describe('compressed responses', () => {
  const large = 'abc'.repeat(1000);
  const answering = (answer: string, call?: (call: HandlerCall) => void): HandlerMethod => ({
    type: 'unary',
    path,
    compress: true,
    async handle(_request, handlerCall) {
      call?.(handlerCall);
      return Buffer.from(answer);
    },
  });

  for (const { name, accepts, answer, encoding, compressed } of [
    {
      name: 'go to a client that accepts gzip',
      accepts: 'identity, gzip',
      answer: large,
      encoding: 'gzip',
      compressed: true,
    },
    {
      name: 'do not go to one that does not',
      accepts: 'deflate',
      answer: large,
      encoding: undefined,
      compressed: false,
    },
    {
      name: 'are not sent to a client that does not accept gzip',
      accepts: '',
      answer: large,
      encoding: undefined,
      compressed: false,
    },
    { name: 'do not apply to small answers', accepts: 'gzip', answer: 'small', encoding: 'gzip', compressed: false },
  ]) {
    it(name, async () => {
      const { port } = await serveMethods([answering(answer)]);
      const { headers, body } = await ask(port, { headers: { 'grpc-accept-encoding': accepts } });
      expect(headers['grpc-encoding']).toBe(encoding);
      const [message] = messagesOf(body);
      expect(message?.compressed).toBe(compressed);
      expect((compressed ? gunzipSync(message?.bytes ?? '') : message?.bytes)?.toString()).toBe(answer);
      expect(body.length).toBeLessThan(compressed ? 200 : 4000);
    });
  }

  it('are disabled by the handler for one call', async () => {
    const { port } = await serveMethods([answering(large, (call) => call.sendHeaders({ encoding: 'identity' }))]);
    const { headers, body } = await ask(port, { headers: { 'grpc-accept-encoding': 'gzip' } });
    expect(headers).not.toHaveProperty('grpc-encoding');
    expect(messagesOf(body)[0]?.compressed).toBe(false);
  });

  it('are compressed once for many calls', async () => {
    const parts = await compressedFrame([Buffer.from('shared '), Buffer.from('bytes')]);
    const shared = recorder({
      path,
      echo: false,
      onOpen: (call) => {
        call.sendHeaders({ encoding: 'gzip' });
        call.writeFramed(parts);
        call.end({ code: 'OK', message: '' });
      },
    });
    const { port } = await serveMethods([shared]);
    for (let call = 0; call < 2; call++) {
      const { headers, body } = await ask(port, { headers: { 'grpc-accept-encoding': 'gzip' } });
      expect(headers['grpc-encoding']).toBe('gzip');
      expect(gunzipSync(messagesOf(body)[0]?.bytes ?? '').toString()).toBe('shared bytes');
    }
  });
});
