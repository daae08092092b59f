import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';

const asIs = (bytes: Buffer) => bytes;

/** Creates a grpc-js client. It closes when the test ends. */
function clientOf(port: number): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  });
  onTestFinished(() => client.close());
  return client;
}

export interface Messages<I extends DescMessage, O extends DescMessage> {
  readonly request: I;
  readonly response: O;
}

/** Makes one unary call. Resolves with its answer, or with the status of its failure. */
export function callOnce<I extends DescMessage, O extends DescMessage>(
  port: number,
  path: string,
  { request, response, init, token }: Messages<I, O> & { readonly init: MessageInitShape<I>; readonly token?: string },
): Promise<MessageShape<O> | ServiceError> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const bytes = Buffer.from(toBinary(request, create(request, init)));
  return new Promise((resolve) => {
    clientOf(port).makeUnaryRequest(path, asIs, asIs, bytes, metadata, (error, answer) => {
      resolve(error ?? fromBinary(response, answer ?? Buffer.alloc(0)));
    });
  });
}

export interface OpenCall<I extends DescMessage, O extends DescMessage> {
  readonly heard: readonly MessageShape<O>[];
  readonly ended: Promise<StatusObject>;
  say(init: MessageInitShape<I>): void;
  halfClose(): void;
}

/** Opens a bidirectional call. It is cancelled when the test ends. */
export function openCall<I extends DescMessage, O extends DescMessage>(
  port: number,
  path: string,
  { request, response }: Messages<I, O>,
): OpenCall<I, O> {
  const stream = clientOf(port).makeBidiStreamRequest<Buffer, Buffer>(path, asIs, asIs);
  onTestFinished(() => stream.cancel());
  const heard: MessageShape<O>[] = [];
  stream.on('data', (bytes: Buffer) => heard.push(fromBinary(response, bytes)));
  stream.on('error', () => {}); // `ended` reports the error
  const ended = new Promise<StatusObject>((resolve) => stream.on('status', resolve));
  return {
    heard,
    ended,
    say: (init) => void stream.write(Buffer.from(toBinary(request, create(request, init)))),
    halfClose: () => void stream.end(),
  };
}
