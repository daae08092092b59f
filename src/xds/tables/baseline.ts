import type { EncodedResource } from '../../proto/resource.ts';
import type { Revision } from './table.ts';

/** A client's versions of one type by name. Immutable, and shared between streams in the same state. */
export interface KnownVersions {
  /** Unique id, part of cache keys. */
  readonly id: number;
  /** The version of each name; '' when it is not known. */
  readonly versions: ReadonlyMap<string, string>;
  /** Old bytes, as far as known: state-of-the-world sets still contain deferred removals. */
  readonly resources: ReadonlyMap<string, EncodedResource>;
  /** True if several streams may have this baseline. Results for a single stream are not cached. */
  readonly shared: boolean;
}

/**
 * Record of what a stream was sent. A cursor means everything that the interest had at that revision (0: nothing). A map is
 * used after a resume, after a change of scope, or when the tables have forgotten the time since.
 */
export type Baseline =
  | { readonly kind: 'cursor'; readonly revision: Revision }
  | { readonly kind: 'map'; readonly known: KnownVersions };

export const isShared = (baseline: Baseline): boolean => baseline.kind === 'cursor' || baseline.known.shared;

export const cursorAt = (revision: Revision): Baseline => ({ kind: 'cursor', revision });

/** Part of cache keys: equal keys, equal baselines. */
export const baselineKey = (baseline: Baseline): string =>
  baseline.kind === 'cursor' ? `${baseline.revision}` : `m${baseline.known.id}`;
