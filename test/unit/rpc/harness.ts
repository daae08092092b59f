import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { type ChannelOptions, Client, credentials } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { type Logger, silentLogger } from '../../../src/lib/logger.ts';
import type { CallReader, CloseReason, ServerCall, StreamingMethod } from '../../../src/rpc/call.ts';
import type { ExpectedMessage } from '../../../src/rpc/expected-message.ts';
import { frame } from '../../../src/rpc/frame.ts';
import type { RpcMethod } from '../../../src/rpc/handlers/handler.ts';
import type { Limits } from '../../../src/rpc/limits.ts';
import type { CutOff, RpcObserver } from '../../../src/rpc/observer.ts';
import { createRpcServer, type RpcServer } from '../../../src/rpc/server.ts';
import { okStatus } from '../../../src/rpc/status.ts';
import type { RpcTls } from '../../../src/rpc/tls.ts';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';

export interface Served {
  readonly server: RpcServer;
  readonly clock: FakeClock;
  readonly port: number;
  /** Messages of logged errors. */
  readonly errors: readonly string[];
  /** Reasons for which connections and calls were ended, in order. */
  readonly cutOffs: readonly CutOff[];
  /** Messages logged as information. */
  readonly infos: readonly string[];
  /** Status codes of ended calls. */
  readonly ended: readonly string[];
  /** Returns the number of dropped log lines. */
  droppedLines(): number;
}

/** Starts a server on a free port of 127.0.0.1. It closes when the test ends. */
export async function serveMethods(
  services: readonly RpcMethod[],
  limits: Partial<Limits> = {},
  { tls, random = () => 0.5 }: { readonly tls?: RpcTls; readonly random?: () => number } = {},
): Promise<Served> {
  const clock = fakeClock();
  const errors: string[] = [];
  const cutOffs: CutOff[] = [];
  const infos: string[] = [];
  const log: Logger = {
    ...silentLogger,
    error: (_facts, message) => errors.push(message),
    info: (_facts, message) => infos.push(message),
  };
  const ended: string[] = [];
  let droppedLines = 0;
  const observer: RpcObserver = {
    cutOff: (reason) => cutOffs.push(reason),
    ended: (code) => ended.push(code),
    logLineDropped: () => droppedLines++,
  };
  const options = { services, limits, clock, elapsed: clock.now, log, observer, random };
  const server = createRpcServer(tls === undefined ? options : { ...options, tls });
  const { port } = await server.listen('127.0.0.1', 0);
  onTestFinished(() => server.close());
  return { server, clock, port, errors, infos, cutOffs, ended, droppedLines: () => droppedLines };
}

/** Events of one call in order, and the call. */
export interface RecordedCall {
  readonly call: ServerCall;
  readonly messages: string[];
  readonly recognised: ExpectedMessage[];
  readonly closed: CloseReason[];
  readonly events: string[];
}

export interface Recorder extends StreamingMethod {
  /** One for each opened call. */
  readonly heard: readonly RecordedCall[];
}

export interface RecorderOptions {
  readonly path?: string;
  /** Answers every message with itself and ends when the client does. Default true. */
  readonly echo?: boolean;
  readonly expectedMessage?: (length: number) => ExpectedMessage | null;
  /** Runs before a message is recorded; may throw. */
  readonly onMessage?: (text: string, call: ServerCall) => void;
  readonly onOpen?: (call: ServerCall) => void;
}

export const echoPath = '/test.Echo/Stream';

/** A streaming method that records its events. */
export function recorder({ path = echoPath, echo = true, ...options }: RecorderOptions = {}): Recorder {
  const heard: RecordedCall[] = [];
  const open = (call: ServerCall): CallReader => {
    options.onOpen?.(call);
    const record: RecordedCall = { call, messages: [], recognised: [], closed: [], events: [] };
    heard.push(record);
    return {
      message(bytes) {
        const text = Buffer.from(bytes).toString('latin1');
        options.onMessage?.(text, call);
        record.messages.push(text);
        record.events.push('message');
        if (echo) call.writeFramed(frame([Buffer.from(text, 'latin1')]));
      },
      expectedMessage: (length) => options.expectedMessage?.(length) ?? null,
      recognised(known) {
        record.recognised.push(known);
        record.events.push('recognised');
      },
      halfClosed() {
        record.events.push('halfClosed');
        if (echo) call.end(okStatus);
      },
      drained: () => record.events.push('drained'),
      closed(reason) {
        record.closed.push(reason);
        record.events.push('closed');
      },
    };
  };
  return { type: 'streaming', path, open, heard };
}

/** A grpc-js client. It closes when the test ends. */
export function grpcClient(port: number, options: ChannelOptions = {}): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

/** An HTTP/2 connection without gRPC, destroyed when the test ends. Its errors are expected. */
export function rawClient(port: number, options: ClientSessionOptions = {}): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`, options);
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

export const grpcHeaders: OutgoingHttpHeaders = {
  ':method': 'POST',
  ':path': echoPath,
  'content-type': 'application/grpc',
};

/** The server's complete answer on one stream. */
export interface StreamAnswer {
  headers: Record<string, unknown>;
  trailers: Record<string, unknown>;
  body: Buffer;
  /** Whether headers and trailers arrived as one block without a body. */
  trailersOnly: boolean;
}

/** Resolves when the stream is closed, for any reason. */
export function answerOf(stream: ClientHttp2Stream): Promise<StreamAnswer> {
  const chunks: Buffer[] = [];
  const answer: StreamAnswer = { headers: {}, trailers: {}, body: Buffer.alloc(0), trailersOnly: false };
  stream.on('response', (headers) => {
    answer.headers = headers;
    answer.trailersOnly = 'grpc-status' in headers;
  });
  stream.on('trailers', (trailers) => {
    answer.trailers = trailers;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => {});
  return new Promise((resolve) => {
    stream.on('close', () => resolve({ ...answer, body: Buffer.concat(chunks) }));
  });
}

export const framed = (text: string): Buffer => Buffer.concat(frame([Buffer.from(text, 'latin1')]));
