import { decisiveSentence } from '../../xds/stream/error-text.ts';
import { isPending } from '../../xds/stream/next.ts';
import type { StreamState, TypeState } from '../../xds/stream/stream.ts';
import { hasName } from '../../xds/stream/uncertain.ts';
import type { Revision } from '../../xds/tables/table.ts';

/** State of a resource, or of a part of it, at one proxy. */
export type ResourceAnswer = 'acknowledged' | 'pending' | 'rejected';

/** Whether the stream has answered all that there is, and rejects nothing. */
export function hasAcknowledgedAll(stream: StreamState): boolean {
  for (const state of stream.types.values()) if (!hasAcknowledgedType(state)) return false;
  return true;
}

function hasAcknowledgedType(state: TypeState): boolean {
  const { interest, inFlight, rejectedResources: held, filters, search, uncertain: unsure } = state;
  if (interest === null) return true;
  const rejectsNothing = held === null && filters === null && search === null && unsure.length === 0;
  return inFlight === null && rejectsNothing && !isPending(state, interest);
}

/**
 * Returns the answer of a proxy to the content that a resource has by revision `since`. Other rules may have changed
 * the resource later: a proxy that acknowledged it in between has that content, whatever it answered afterwards. Null:
 * the proxy is not subscribed to it.
 */
export function answerToResource(state: TypeState, name: string, since: Revision): ResourceAnswer | null {
  const { interest, rejectedResources: allHeld } = state;
  const entry = interest?.get(name);
  if (entry === undefined) return null;
  const held = allHeld?.get(name);
  if (held?.rejectedVersion === entry.resource.version) return held.since >= since ? 'acknowledged' : 'rejected';
  const through = acceptedThrough(state, name);
  if (!isInProgress(state, name, entry))
    return through >= since || !isUnsure(state, name) ? 'acknowledged' : 'rejected';
  // With nothing newer to come it is sent because it was asked for, and the proxy may never have had it.
  return through >= since && entry.changed > state.acknowledged ? 'acknowledged' : 'pending';
}

/** Returns the answer of a proxy to all its resources as of `since`, with the names that it rejects, by type. */
export function answerToAll(
  stream: StreamState,
  since: Revision,
): { answer: ResourceAnswer; rejected: readonly RejectedResources[] } {
  const rejected: RejectedResources[] = [];
  let isOpen = stream.view === null;
  for (const state of stream.types.values()) {
    if (state.interest === null) continue;
    const doubtful = new Set([
      ...(state.rejectedResources?.keys() ?? []),
      ...state.uncertain.flatMap(({ names }) => names),
    ]);
    const answers = new Map([...doubtful].map((name) => [name, answerToResource(state, name, since)]));
    const names = [...doubtful].filter((name) => answers.get(name) === 'rejected');
    if (names.length > 0) rejected.push({ state, names, message: decisiveSentence(state.nack ?? '', names[0] ?? '') });
    isOpen ||= answers.values().some((answer) => answer === 'pending');
    isOpen ||= (state.inFlight !== null || isPending(state, state.interest)) && state.acknowledged < since;
  }
  return { answer: rejected.length > 0 ? 'rejected' : isOpen ? 'pending' : 'acknowledged', rejected };
}

/** Resources of one type that a proxy rejects. */
export interface RejectedResources {
  readonly state: TypeState;
  readonly names: readonly string[];
  /** The decisive words of the proxy. */
  readonly message: string;
  /** They are against Envoy's own constraints: it does not matter who says that. */
  readonly isProven?: boolean;
}

/** Through which revision the proxy is known to have taken this name. */
function acceptedThrough(state: TypeState, name: string): Revision {
  const held = state.rejectedResources?.get(name);
  if (held !== undefined) return Math.min(held.since, state.acknowledged);
  return isUnsure(state, name) && !state.lastAnswerRejected ? 0 : state.acknowledged;
}

/** In a response that the proxy rejected without saying what in it, and not taken since. */
const isUnsure = (state: TypeState, name: string): boolean => state.uncertain.some(({ names }) => hasName(names, name));

/** Whether it is sent and not answered, or is to be sent. A whole set brings what is unsure again, too. */
function isInProgress(
  state: TypeState,
  name: string,
  entry: { readonly changed: Revision; readonly resource: { readonly version: string } },
): boolean {
  const { baseline, inFlight, mustSend: owed } = state;
  const isToBeSent =
    baseline.kind === 'cursor'
      ? entry.changed > baseline.revision
      : baseline.known.versions.get(name) !== entry.resource.version;
  const isSent = inFlight !== null && (hasName(inFlight.updated, name) || (inFlight.whole && isUnsure(state, name)));
  const isSearched = state.search !== null && hasName(state.search.names, name);
  return isSent || isToBeSent || isSearched || owed.some(({ names }) => hasName(names, name));
}
