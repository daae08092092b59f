import type { CallReader, ServerCall, UnaryMethod } from './call.ts';
import { frame } from './frame.ts';
import { okStatus, StatusError } from './status.ts';

/** Serves a unary method as a stream of one message each way. `fail` ends the call for whatever the handler threw. */
export function openUnary(method: UnaryMethod, call: ServerCall, fail: (error: unknown) => void): CallReader {
  const abort = new AbortController();
  let request: Uint8Array | null = null;

  const answer = async (bytes: Uint8Array) => {
    const { metadata, peer } = call;
    const response = await method.handle(bytes, { method: call.method, metadata, peer, signal: abort.signal });
    call.writeFramed(frame([response]));
    call.end(okStatus);
  };
  return {
    message(bytes) {
      if (request !== null) throw new StatusError('UNIMPLEMENTED', 'more than one message for a unary method');
      request = bytes;
    },
    halfClosed() {
      if (request === null) throw new StatusError('UNIMPLEMENTED', 'no message for a unary method');
      answer(request).catch(fail);
      request = empty; // the handler alone decides how long the bytes are kept
    },
    drained() {},
    closed() {
      abort.abort();
    },
  };
}

const empty = new Uint8Array(0);
