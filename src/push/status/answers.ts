import { decisiveSentence } from '../../xds/stream/error-text.ts';
import { isPending } from '../../xds/stream/next.ts';
import type { StreamState, TypeState } from '../../xds/stream/stream.ts';
import { hasName } from '../../xds/stream/uncertain.ts';
import type { Revision } from '../../xds/tables/table.ts';

/** Answer of one proxy to a resource or a part of it. */
export type ResourceAnswer = 'acknowledged' | 'pending' | 'rejected';

/** Returns true if the stream has acknowledged everything and rejects nothing. */
export function hasAcknowledgedAll(stream: StreamState): boolean {
  for (const state of stream.types.values()) if (!hasAcknowledgedType(state)) return false;
  return true;
}

function hasAcknowledgedType(state: TypeState): boolean {
  const { interest, inFlight, rejectedResources, filters, search, uncertain } = state;
  if (interest === null) return true;
  const rejectsNothing = rejectedResources === null && filters === null && search === null && uncertain.length === 0;
  return inFlight === null && rejectsNothing && !isPending(state, interest);
}

/**
 * Returns the answer of a proxy to the content that a resource has by revision `since`. Other rules may have changed
 * the resource later: a proxy that acknowledged it in between has that content, whatever it answered afterwards. Null:
 * the proxy is not subscribed to it.
 */
export function answerToResource(state: TypeState, name: string, since: Revision): ResourceAnswer | null {
  const { interest, rejectedResources } = state;
  const entry = interest?.get(name);
  if (entry === undefined) return null;
  const rejected = rejectedResources?.get(name);
  if (rejected?.rejectedVersion === entry.resource.version)
    return rejected.since >= since ? 'acknowledged' : 'rejected';
  const through = acceptedThrough(state, name);
  if (!isInProgress(state, name, entry))
    return through >= since || !isUncertain(state, name) ? 'acknowledged' : 'rejected';
  // Without a newer version it is sent on request, and the proxy may never have had it.
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
    const suspects = new Set([
      ...(state.rejectedResources?.keys() ?? []),
      ...state.uncertain.flatMap(({ names }) => names),
    ]);
    const answers = new Map([...suspects].map((name) => [name, answerToResource(state, name, since)]));
    const names = [...suspects].filter((name) => answers.get(name) === 'rejected');
    if (names.length > 0)
      rejected.push({ state, names, message: decisiveSentence(state.answers.error ?? '', names[0] ?? '') });
    isOpen ||= answers.values().some((answer) => answer === 'pending');
    isOpen ||= (state.inFlight !== null || isPending(state, state.interest)) && state.acknowledged < since;
  }
  return { answer: rejected.length > 0 ? 'rejected' : isOpen ? 'pending' : 'acknowledged', rejected };
}

/** Resources of one type that a proxy rejects. */
export interface RejectedResources {
  readonly state: TypeState;
  readonly names: readonly string[];
  /** Decisive sentence of the proxy's error text. */
  readonly message: string;
  /** True for violations of Envoy's own constraints, which need no trust in the proxy. */
  readonly isProven?: boolean;
}

/** Returns the last revision through which the proxy is known to have accepted this name. */
function acceptedThrough(state: TypeState, name: string): Revision {
  const rejected = state.rejectedResources?.get(name);
  if (rejected !== undefined) return Math.min(rejected.since, state.acknowledged);
  return isUncertain(state, name) && !state.answers.isRejected ? 0 : state.acknowledged;
}

/**
 * Returns true if a rejected response contained the name, the error named no resource, and no later response was
 * accepted.
 */
const isUncertain = (state: TypeState, name: string): boolean =>
  state.uncertain.some(({ names }) => hasName(names, name));

/** Returns true if it is in flight or will be sent. A full set contains uncertain resources again. */
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
  const isSent = inFlight !== null && (hasName(inFlight.updated, name) || (inFlight.whole && isUncertain(state, name)));
  const isSearched = state.search !== null && hasName(state.search.names, name);
  return isSent || isToBeSent || isSearched || owed.some(({ names }) => hasName(names, name));
}
