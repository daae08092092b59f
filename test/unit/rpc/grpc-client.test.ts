import {
  type Client,
  type ClientDuplexStream,
  compressionAlgorithms,
  Metadata,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { HandlerCall, UnaryMethod } from '../../../src/rpc/handlers/handler.ts';
import { RpcError } from '../../../src/rpc/status.ts';
import { eventually } from '../../support/eventually.ts';
import { echoPath, grpcClient, recorder, serveMethods } from './harness.ts';

const asIs = (bytes: Buffer) => bytes;

const openStream = (client: Client): ClientDuplexStream<Buffer, Buffer> =>
  client.makeBidiStreamRequest(echoPath, asIs, asIs);

/** Results of a client's call. */
interface Outcome {
  readonly messages: string[];
  readonly status: StatusObject;
}

function outcomeOf(stream: ClientDuplexStream<Buffer, Buffer>): Promise<Outcome> {
  const messages: string[] = [];
  stream.on('data', (bytes: Buffer) => messages.push(bytes.toString('latin1')));
  stream.on('error', () => {});
  return new Promise((resolve) => stream.on('status', (end) => resolve({ messages, status: end })));
}

interface Reply {
  readonly code: number;
  readonly details: string;
  readonly text: string | null;
}

const ask = (client: Client, path: string, text: string): Promise<Reply> =>
  new Promise((resolve) => {
    client.makeUnaryRequest(path, asIs, asIs, Buffer.from(text), (error, reply) =>
      resolve({
        code: error?.code ?? status.OK,
        details: error?.details ?? '',
        text: reply?.toString() ?? null,
      }),
    );
  });

const upperPath = '/test.Upper/Ask';
const unary = (handle: UnaryMethod['handle']): UnaryMethod => ({ type: 'unary', path: upperPath, handle });
const upper = unary(async (bytes) => Buffer.from(Buffer.from(bytes).toString().toUpperCase()));

describe('a streaming method, called by grpc-js', () => {
  it('exchanges messages and ends with OK', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo]);
    const stream = openStream(grpcClient(port));
    const outcome = outcomeOf(stream);
    stream.write(Buffer.from('one'));
    stream.write(Buffer.alloc(0));
    stream.write(Buffer.alloc(300_000, 'x'));
    stream.end();

    const { messages, status: end } = await outcome;
    expect(messages).toEqual(['one', '', 'x'.repeat(300_000)]);
    expect(end).toMatchObject({ code: status.OK, details: '' });
    await eventually(() => echo.heard[0]?.closed.length === 1, { what: 'the call closed' });
    expect(echo.heard[0]?.closed).toEqual([{ type: 'ended', status: { code: 'OK', message: '' } }]);
  });

  it('sends response headers before any message', async () => {
    const { port } = await serveMethods([recorder()]);
    const stream = openStream(grpcClient(port));
    const outcome = outcomeOf(stream);
    const headers = await new Promise<Metadata>((resolve) => stream.on('metadata', resolve));
    expect(headers.get('content-type')).toEqual(['application/grpc']);
    stream.cancel();
    await outcome;
  });

  it('passes metadata and peer to the handler', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo]);
    const metadata = new Metadata();
    metadata.set('x-mesh', 'blue');
    const stream = grpcClient(port).makeBidiStreamRequest(echoPath, asIs, asIs, metadata);
    const outcome = outcomeOf(stream);
    stream.end();
    await outcome;
    expect(echo.heard[0]?.call.metadata['x-mesh']).toBe('blue');
    expect(echo.heard[0]?.call.method).toBe(echoPath);
    expect(echo.heard[0]?.call.peer).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('sends a status message in any language', async () => {
    const refuse = recorder({
      onMessage: () => {
        throw new RpcError('PERMISSION_DENIED', '100% refusé ☃\n');
      },
    });
    const { port } = await serveMethods([refuse]);
    const stream = openStream(grpcClient(port));
    const outcome = outcomeOf(stream);
    stream.write(Buffer.from('hello'));
    expect((await outcome).status).toMatchObject({ code: status.PERMISSION_DENIED, details: '100% refusé ☃\n' });
  });

  it('notices that the client cancelled', async () => {
    const silent = recorder({ echo: false });
    const { port } = await serveMethods([silent]);
    const stream = openStream(grpcClient(port));
    const outcome = outcomeOf(stream);
    stream.write(Buffer.from('one'));
    await eventually(() => silent.heard[0]?.messages.length === 1, { what: 'the message came' });
    stream.cancel();
    await outcome;
    await eventually(() => silent.heard[0]?.closed.length === 1, { what: 'the call closed' });
    expect(silent.heard[0]?.closed).toEqual([{ type: 'cancelled' }]);
    expect(silent.heard[0]?.events.at(-1)).toBe('closed');
    expect(silent.heard[0]?.call.writable).toBe(false);
    expect(silent.heard[0]?.call.writeFramed([Buffer.alloc(5)])).toBe(false);
  });

  it('ends a call whose handler throws with INTERNAL, logs it, and continues the others', async () => {
    const fragile = recorder({
      onMessage: (text) => {
        if (text === 'bad') throw new Error('secret of the house');
      },
    });
    const { port, errors } = await serveMethods([fragile]);
    const client = grpcClient(port);
    const [bad, good] = [openStream(client), openStream(client)];
    const [badOutcome, goodOutcome] = [outcomeOf(bad), outcomeOf(good)];
    bad.write(Buffer.from('bad'));
    expect((await badOutcome).status).toMatchObject({ code: status.INTERNAL, details: 'internal error' });
    good.write(Buffer.from('fine'));
    good.end();
    expect(await goodOutcome).toMatchObject({ messages: ['fine'], status: { code: status.OK } });
    expect(errors).toEqual(['call handler failed']);
  });

  it('reads gzip in order with uncompressed messages, and rejects a message that decompresses beyond the limit', async () => {
    const echo = recorder();
    const { port } = await serveMethods([echo], { maxReceiveBytes: 10_000 });
    const gzipping = grpcClient(port, { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip });

    const stream = openStream(gzipping);
    const outcome = outcomeOf(stream);
    for (const text of ['a'.repeat(9000), 'second', 'third']) stream.write(Buffer.from(text));
    stream.end();
    expect((await outcome).messages).toEqual(['a'.repeat(9000), 'second', 'third']);
    expect(echo.heard[0]?.call.metadata['grpc-encoding']).toBe('gzip');

    const bomb = openStream(gzipping);
    const bombOutcome = outcomeOf(bomb);
    bomb.write(Buffer.alloc(10_001));
    expect((await bombOutcome).status).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: 'decompressed message is over the limit of 10000 bytes',
    });
  });
});

describe('a unary method, called by grpc-js', () => {
  it('answers', async () => {
    const { port } = await serveMethods([upper]);
    expect(await ask(grpcClient(port), upperPath, 'hello')).toEqual({ code: status.OK, details: '', text: 'HELLO' });
  });

  it('answers with the status that the handler threw', async () => {
    const { port, errors } = await serveMethods([
      unary(async () => {
        throw new RpcError('NOT_FOUND', 'no such certificate');
      }),
    ]);
    expect(await ask(grpcClient(port), upperPath, 'x')).toEqual({
      code: status.NOT_FOUND,
      details: 'no such certificate',
      text: null,
    });
    expect(errors).toEqual([]);
  });

  it('answers INTERNAL for a fault of the handler', async () => {
    const { port, errors } = await serveMethods([
      unary(() => {
        throw new TypeError('oops');
      }),
    ]);
    expect(await ask(grpcClient(port), upperPath, 'x')).toMatchObject({
      code: status.INTERNAL,
      details: 'internal error',
    });
    expect(errors).toEqual(['call handler failed']);
  });

  it('answers UNIMPLEMENTED for an unknown path', async () => {
    const { port } = await serveMethods([upper]);
    expect(await ask(grpcClient(port), '/test.Upper/Other', 'x')).toMatchObject({
      code: status.UNIMPLEMENTED,
      details: 'unknown method /test.Upper/Other',
    });
  });

  it('aborts the handler when the client no longer waits', async () => {
    let call: HandlerCall | null = null;
    const { port } = await serveMethods([
      unary((_request, opened) => {
        call = opened;
        return new Promise(() => {});
      }),
    ]);
    const client = grpcClient(port);
    const pending = client.makeUnaryRequest(upperPath, asIs, asIs, Buffer.from('x'), () => {});
    await eventually(() => call, { what: 'the handler runs' });
    pending.cancel();
    await eventually(() => call?.signal.aborted, { what: 'the signal aborted' });
  });
});
