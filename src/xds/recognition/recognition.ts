import type { RequestOutcome } from '../stream/receive.ts';
import type { StreamContext, StreamState } from '../stream/stream.ts';
import { type DeltaRequest, parseDeltaRequest, parseSotwRequest, type SotwRequest } from '../wire/request.ts';
import type { Mode } from '../wire/response.ts';
import { ackCandidate, receiveKnownAck, rememberAck } from './ack-cache.ts';
import { RequestCache } from './request-cache.ts';

/** Bytes to compare with an arriving message. */
export interface Expected {
  readonly parts: readonly Uint8Array[];
  readonly length: number;
}

/**
 * Recognition of bytes that clients repeat, shared by all streams of a mode. It changes the cost of requests only: with
 * `parseEverything` in its place, every stream is sent the same.
 */
export interface Recognition {
  /** Returns a known message of this length; null: none. `stream` is null before the first message. */
  candidate(stream: StreamState | null, length: number): Expected | null;
  /** Applies a message that equals a result of `candidate`. Null: it must be parsed. */
  receive(stream: StreamState, known: Expected, context: StreamContext): RequestOutcome | null;
  /** @throws MalformedMessage */
  read(bytes: Uint8Array): SotwRequest | DeltaRequest;
  /** Caches the bytes of a request that was nothing but an ACK. */
  rememberAck(
    stream: StreamState,
    acknowledged: RequestOutcome & { readonly kind: 'acknowledged' },
    bytes: Uint8Array,
  ): void;
}

export function recognition(mode: Mode): Recognition {
  const requests = new RequestCache(mode);
  return {
    candidate: (stream, length) =>
      (stream === null ? null : ackCandidate(stream, length)) ?? requests.candidate(length),
    receive: receiveKnownAck,
    read: (bytes) => requests.read(bytes),
    rememberAck: (stream, { response, type }, bytes) => rememberAck(response, stream.types.get(type), bytes),
  };
}

/** Recognises nothing. */
export const parseEverything = (mode: Mode): Recognition => ({
  candidate: () => null,
  receive: () => null,
  read: mode === 'sotw' ? parseSotwRequest : parseDeltaRequest,
  rememberAck: () => {},
});
