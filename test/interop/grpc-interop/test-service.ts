import { setTimeout as delay } from 'node:timers/promises';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { HandlerCall, HandlerMethod } from '../../../src/rpc/handlers/handler.ts';
import { binaryValues } from '../../../src/rpc/request-metadata.ts';
import { protoFile } from '../../../src/rpc/services/messages.ts';
import { RpcError, type StatusCode, statusCodes } from '../../../src/rpc/status.ts';
import { testMessages } from './messages.ts';

const messages = protoFile(testMessages);
const path = (method: string) => `/grpc.testing.TestService/${method}`;

/**
 * Implements `grpc.testing.TestService` for the public interop clients
 * (https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md).
 */
export function testService(): readonly HandlerMethod[] {
  return [
    { type: 'unary', path: path('EmptyCall'), handle: async () => new Uint8Array(0) },
    { type: 'unary', path: path('UnaryCall'), handle: unaryCall },
    { type: 'server-streaming', path: path('StreamingOutputCall'), handle: streamingOutputCall },
    { type: 'client-streaming', path: path('StreamingInputCall'), handle: streamingInputCall },
    { type: 'bidi-streaming', path: path('FullDuplexCall'), handle: fullDuplexCall },
  ];
}

const simpleRequest = messages.message('SimpleRequest');
const simpleResponse = messages.message('SimpleResponse');

async function unaryCall(bytes: Uint8Array, call: HandlerCall): Promise<Uint8Array> {
  const request = simpleRequest.decode(bytes);
  const compress = isTrue(object(request.response_compressed).value);
  call.sendHeaders({ metadata: initialEcho(call), encoding: compress ? 'gzip' : 'identity' });
  call.setTrailers(trailingEcho(call));
  throwStatus(request.response_status);
  return simpleResponse.encode({ payload: payload(request.response_size) });
}

const outputRequest = messages.message('StreamingOutputCallRequest');
const outputResponse = messages.message('StreamingOutputCallResponse');

async function* streamingOutputCall(bytes: Uint8Array, call: HandlerCall): AsyncGenerator<Uint8Array> {
  const request = outputRequest.decode(bytes);
  throwStatus(request.response_status);
  for (const parameters of list(request.response_parameters)) {
    const { size, interval_us: intervalUs = 0 } = object(parameters);
    if (Number(intervalUs) > 0) await delay(Number(intervalUs) / 1000, undefined, { signal: call.signal });
    yield outputResponse.encode({ payload: payload(size) });
  }
}

const inputRequest = messages.message('StreamingInputCallRequest');
const inputResponse = messages.message('StreamingInputCallResponse');

async function streamingInputCall(requests: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let size = 0;
  for await (const bytes of requests) {
    const { body = '' } = object(inputRequest.decode(bytes).payload);
    size += Buffer.from(String(body), 'base64').length;
  }
  return inputResponse.encode({ aggregated_payload_size: size });
}

async function* fullDuplexCall(requests: AsyncIterable<Uint8Array>, call: HandlerCall): AsyncGenerator<Uint8Array> {
  call.sendHeaders({ metadata: initialEcho(call) });
  call.setTrailers(trailingEcho(call));
  for await (const bytes of requests) yield* streamingOutputCall(bytes, call);
}

const initialName = 'x-grpc-test-echo-initial';
const trailingName = 'x-grpc-test-echo-trailing-bin';

function initialEcho({ metadata }: HandlerCall): Record<string, string> {
  const value = metadata[initialName];
  return typeof value === 'string' ? { [initialName]: value } : {};
}

function trailingEcho({ metadata }: HandlerCall): Record<string, readonly Uint8Array[]> {
  const values = binaryValues(metadata, trailingName);
  return values.length === 0 ? {} : { [trailingName]: values };
}

function throwStatus(wanted: JsonValue | undefined): void {
  const { code = 0, message = '' } = object(wanted);
  const name = Object.entries(statusCodes).find(([, number]) => number === code)?.[0] ?? 'UNKNOWN';
  if (code !== 0) throw new RpcError(name as StatusCode, String(message)); // a key of statusCodes
}

const payload = (size: JsonValue | undefined) => ({ body: Buffer.alloc(Number(size ?? 0)).toString('base64') });
const isTrue = (value: JsonValue | undefined): boolean => value === true;
const list = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

function object(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
