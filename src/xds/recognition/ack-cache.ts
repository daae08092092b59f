import { fieldHead, lengthOf, stringField } from '../../proto/wire.ts';
import { acknowledge } from '../stream/answer.ts';
import type { RequestOutcome } from '../stream/receive.ts';
import type { StreamContext, StreamState, TypeState } from '../stream/stream.ts';
import type { NameSet } from '../tables/names.ts';
import type { KnownAck, Response } from '../wire/response.ts';
import { readFields } from '../wire/wire-reader.ts';

/*
 * In state of the world, an acknowledgement repeats all names of the subscription: 94 KB for a thousand clusters, from
 * every stream, for every change. Equal bytes mean the same. So the bytes of one stream's acknowledgement are compared with
 * those of the others as they arrive, which are then neither buffered nor parsed (figures: ADR 9). The acknowledgement of
 * the next response differs only in version and nonce: it is predicted, and shares all other bytes.
 */

/** Returns a known acknowledgement of this length, to compare with the arriving bytes; null: none. */
export function ackCandidate(stream: StreamState, length: number): KnownAck | null {
  const { lastSent } = stream;
  const likely = lastSent === null ? null : ackCandidateOf(lastSent, length, stream);
  if (likely !== null) return likely;
  for (const state of stream.inOrder) {
    const known = state === null || state === lastSent ? null : ackCandidateOf(state, length, stream);
    if (known !== null) return known;
  }
  return null;
}

function ackCandidateOf(state: TypeState, length: number, { mode }: StreamState): KnownAck | null {
  if (state.inFlight === null) return null;
  if (mode === 'sotw') predictAck(state, state.inFlight);
  for (const known of state.inFlight.knownAcks) {
    if (known.length === length && known.interestId === state.interest?.id) return known;
  }
  return null;
}

/** Applies a request whose bytes equal `known`, a result of `ackCandidate`. Null: answered already; parse it. */
export function receiveKnownAck(stream: StreamState, known: object, context: StreamContext): RequestOutcome | null {
  const { lastSent } = stream;
  if (lastSent !== null && isAnswer(lastSent, known)) return acknowledged(stream, lastSent, context);
  for (const state of stream.inOrder)
    if (state !== null && isAnswer(state, known)) return acknowledged(stream, state, context);
  return null;
}

/** Returns true if these bytes acknowledge the response in flight. */
function isAnswer({ inFlight }: TypeState, known: object): boolean {
  return inFlight?.knownAcks.some((one) => one === known) === true;
}

function acknowledged(stream: StreamState, state: TypeState, context: StreamContext): RequestOutcome | null {
  const response = state.inFlight;
  if (response === null) return null;
  acknowledge(stream, state, response, context);
  return { kind: 'acknowledged', type: state.type, response, atMs: state.answers.ackedAtMs, isAckOnly: true };
}

/**
 * Caches the bytes of a request that is nothing but an ACK, so that other streams need not parse them. Bytes far longer than
 * the names are not cached: all predictions for this subscription would repeat the excess.
 */
export function rememberAck(response: Response, state: TypeState | undefined, bytes: Uint8Array): void {
  if (state === undefined || state.interest === null || response.knownAcks.length >= maxKnownAcks) return;
  if (bytes.length > maxOtherBytes + namesLength(state.names)) return;
  if (response.knownAcks.some(({ parts, length }) => length === bytes.length && Buffer.concat(parts).equals(bytes)))
    return;
  const own = Uint8Array.from(bytes); // it was a view of the socket's buffer
  response.knownAcks.push({ parts: [own], length: own.length, interestId: state.interest.id });
  if (own.length >= minPredictedBytes) state.interest.acknowledgement = own;
}

/** Limit of variants: clients of different builds order names differently. */
const maxKnownAcks = 4;

/** Below this size, parsing costs no more than predicting. */
const minPredictedBytes = 1_024;

/** Limit of the bytes besides names: version, type URL, nonce and a wildcard, with their tags. */
const maxOtherBytes = 512;

/** Length of the names in a request, with their tags. */
function namesLength(set: NameSet): number {
  let length = namesLengths.get(set);
  if (length === undefined) {
    length = 0;
    for (const name of set.names) {
      const bytes = Buffer.byteLength(name);
      length += fieldHead(3, bytes).length + bytes;
    }
    namesLengths.set(set, length);
  }
  return length;
}

const namesLengths = new WeakMap<NameSet, number>();

/** Predicts the acknowledgement of a response from an earlier one with the same subscription. Once per response. */
function predictAck({ interest }: TypeState, response: Response): void {
  const earlier = interest?.acknowledgement ?? null;
  if (interest === null || earlier === null || response.knownAcks.length > 0) return;
  const parts: Uint8Array[] = [];
  let copied = 0;
  const replace = (field: { number: number; start: number; end: number }, value: string) => {
    parts.push(earlier.subarray(copied, field.start), stringField(field.number, value));
    copied = field.end;
  };
  readFields(earlier, (field) => {
    if (field.number === 1) replace(field, response.label.version);
    else if (field.number === 5) replace(field, response.nonce);
  });
  parts.push(earlier.subarray(copied));
  response.knownAcks.push({ parts, length: lengthOf(parts), interestId: interest.id });
}
