import type { RequestOutcome } from '../stream/receive.ts';
import type { StreamContext, StreamState } from '../stream/stream.ts';
import { type DeltaRequest, parseDeltaRequest, parseSotwRequest, type SotwRequest } from '../wire/request.ts';
import type { Mode } from '../wire/response.ts';
import { ackCandidate, receiveKnownAck, rememberAck } from './ack-cache.ts';
import { RequestCache } from './request-cache.ts';

/** Bytes that a message may turn out to be. */
export interface Expected {
  readonly parts: readonly Uint8Array[];
  readonly length: number;
}

/**
 * Knowledge of bytes that clients repeat, shared by all streams of a mode. Equal bytes mean the same, so it decides what a
 * request costs and nothing else: `readEverything` takes its place, and every stream hears the same.
 */
export interface Recognition {
  /** The message of this length that may be arriving; null: none is known. `stream` is null before the first message. */
  candidate(stream: StreamState | null, length: number): Expected | null;
  /** Takes a message that equals what `candidate` gave. Null: it has to be read. */
  receive(stream: StreamState, known: Expected, context: StreamContext): RequestOutcome | null;
  /** @throws MalformedMessage */
  read(bytes: Uint8Array): SotwRequest | DeltaRequest;
  /** Learns the bytes of a request that was nothing but an acknowledgement. */
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
