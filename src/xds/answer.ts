import type { EncodedResource } from '../proto/resource.ts';
import type { Response } from './response.ts';
import type { Held, StreamState, TypeState, World } from './stream.ts';

/** The client took the response in flight. */
export function acknowledge(state: TypeState, response: Response, world: World): void {
  state.inFlight = null;
  state.acknowledged = response.revision;
  state.rejected = false;
  if (state.unsure !== null) for (const name of response.brought) state.unsure.delete(name);
  if (state.held !== null) dropSettled(state, state.held);
  const { report } = state;
  report.ackedNonce = response.nonce;
  report.ackedVersion = response.version;
  report.ackedAtMs = world.now();
  report.nack = null;
}

/**
 * The client rejected the response in flight. The resources that the error names are held. Of the whole response it is
 * unknown what the client took, so that the next full comparison sends it again.
 *
 * @returns the names that are held, for the log and for tracing them to their rules.
 */
export function reject(stream: StreamState, state: TypeState, response: Response, error: string): readonly string[] {
  state.inFlight = null;
  state.rejected = true;
  state.report.nack = error;
  const rejected = response.brought.filter((name) => mentions(error, name));
  state.held ??= new Map();
  for (const name of rejected) hold(stream, state, state.held, name);
  state.unsure ??= new Set();
  for (const name of response.brought) state.unsure.add(name);
  if (state.baseline.kind === 'map') forgetVersions(state, response.brought);
  return rejected;
}

function hold(stream: StreamState, state: TypeState, held: Map<string, Held>, name: string): void {
  const current = state.interest?.get(name)?.resource;
  if (current === undefined) return;
  held.set(name, { rejectedVersion: current.version, keep: lastAcknowledged(stream, state, name) });
}

function lastAcknowledged(stream: StreamState, state: TypeState, name: string): EncodedResource | null {
  const earlier = state.held?.get(name);
  if (earlier !== undefined) return earlier.keep;
  if (state.acknowledged === 0 || stream.view === null) return null;
  for (const table of stream.view[state.type]) {
    const resource = table.resourceAt(name, state.acknowledged);
    if (resource !== null) return resource;
  }
  return null;
}

/** What is held stays so until it changes: a resource with another version is let go. */
function dropSettled(state: TypeState, held: Map<string, Held>): void {
  for (const [name, { rejectedVersion }] of held) {
    if (state.interest?.get(name)?.resource.version !== rejectedVersion) held.delete(name);
  }
  if (held.size === 0) state.held = null;
}

function forgetVersions(state: TypeState, names: readonly string[]): void {
  if (state.baseline.kind !== 'map') return;
  const { having } = state.baseline;
  const versions = new Map(having.versions);
  for (const name of names) if (versions.has(name)) versions.set(name, '');
  state.baseline = { kind: 'map', having: { ...having, versions } };
}

/** Whether an error speaks of this name, and not only of a longer one that contains it. */
function mentions(error: string, name: string): boolean {
  for (let at = error.indexOf(name); at >= 0; at = error.indexOf(name, at + 1)) {
    const before = error.slice(0, at);
    const after = error.slice(at + name.length);
    if (!/[\w|.-]$/.test(before) && !/^(\w|[|.-]+\w)/.test(after)) return true;
  }
  return false;
}
