import { assertNever } from '../../lib/assert-never.ts';
import type { CallReader, ServerCall } from '../call.ts';
import { compressedFrame } from '../compression.ts';
import { frame } from '../frame.ts';
import type { ResponseMetadata } from '../metadata.ts';
import { okStatus, RpcError } from '../status.ts';
import type { HandlerCall, HandlerMethod } from './handler.ts';
import { RequestQueue } from './request-queue.ts';

/** Serves a method of one of the four kinds. `fail` ends the call with an error of the handler. */
export function serveHandler(method: HandlerMethod, call: ServerCall, fail: (error: unknown) => void): CallReader {
  const answering = new Answering(method, call);
  const oneRequest = method.type === 'unary' || method.type === 'server-streaming';
  const requests = new RequestQueue(call);
  let taken = 0;

  if (!oneRequest) answering.run(requests, null).catch(fail);
  return {
    message(bytes) {
      taken++;
      if (oneRequest && taken > 1) throw new RpcError('UNIMPLEMENTED', `more than one message for ${method.path}`);
      requests.push(bytes);
    },
    halfClosed() {
      if (oneRequest && taken === 0) throw new RpcError('UNIMPLEMENTED', `no message for ${method.path}`);
      requests.end(null);
      if (oneRequest) takeOne(requests, answering).catch(fail);
    },
    drained: () => answering.drained(),
    closed() {
      answering.abandon();
      requests.end(new RpcError('CANCELLED', 'the call has ended'));
    },
  };
}

async function takeOne(requests: RequestQueue, answering: Answering): Promise<void> {
  const { value } = await requests.next();
  await answering.run(requests, value);
}

/** Runs a handler and writes its answers. */
class Answering {
  readonly #method: HandlerMethod;
  readonly #call: ServerCall;
  readonly #abort = new AbortController();
  #trailers: ResponseMetadata | null = null;
  #compress: boolean;
  /** Set while an answer waits until the client has read others. */
  #roomFor: (() => void) | null = null;

  constructor(method: HandlerMethod, call: ServerCall) {
    this.#method = method;
    this.#call = call;
    this.#compress = method.compress === true && call.acceptsGzip;
  }

  /** Resolves when everything is written. Rejects with the handler's error, unless the call has ended. */
  async run(requests: RequestQueue, request: Uint8Array | null): Promise<void> {
    try {
      for await (const bytes of this.#answers(requests, request ?? nothing)) {
        if (this.#abort.signal.aborted) return;
        await this.#write(bytes);
      }
      this.#call.end(this.#trailers === null ? okStatus : { ...okStatus, metadata: this.#trailers });
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }

  drained(): void {
    this.#roomFor?.();
    this.#roomFor = null;
  }

  abandon(): void {
    this.#abort.abort();
    this.drained();
  }

  #answers(requests: RequestQueue, request: Uint8Array): AsyncIterable<Uint8Array> {
    const method = this.#method;
    const call = this.#handlerCall();
    switch (method.type) {
      case 'unary':
        return one(() => method.handle(request, call));
      case 'server-streaming':
        return method.handle(request, call);
      case 'client-streaming':
        return one(() => method.handle(requests, call));
      case 'bidi-streaming':
        return method.handle(requests, call);
      default:
        return assertNever(method);
    }
  }

  #handlerCall(): HandlerCall {
    const call = this.#call;
    const { method, metadata, peer, identity, acceptsGzip } = call;
    return {
      ...{ method, metadata, peer, identity, acceptsGzip },
      mayLog: () => call.mayLog(),
      signal: this.#abort.signal,
      sendHeaders: ({ metadata: initial, encoding = this.#compress ? 'gzip' : 'identity' }) => {
        this.#compress = encoding === 'gzip' && acceptsGzip;
        this.#sendHeaders(initial);
      },
      setTrailers: (trailers) => {
        this.#trailers = trailers;
      },
    };
  }

  #sendHeaders(metadata: ResponseMetadata = {}): void {
    this.#call.sendHeaders({ metadata, encoding: this.#compress ? 'gzip' : 'identity' });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#sendHeaders();
    const parts = this.#compress && bytes.length >= worthCompressing ? await compressedFrame([bytes]) : frame([bytes]);
    if (this.#call.writeFramed(parts) || this.#abort.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#roomFor = resolve;
    });
  }
}

const nothing = new Uint8Array(0);

/** Below this size, compression saves too little. */
const worthCompressing = 1024;

async function* one(answer: () => Promise<Uint8Array>): AsyncIterable<Uint8Array> {
  yield await answer();
}
