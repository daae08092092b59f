import type { EncodedResource } from '../../proto/resource.ts';
import type { Revision } from './table.ts';

/** What a client has of one type, name by name. Shared between streams in the same state; never changed once made. */
export interface KnownVersions {
  /** Unique; part of cache keys. */
  readonly id: number;
  /** The version of each name; '' when it is not known. */
  readonly versions: ReadonlyMap<string, string>;
  /** Old bytes, as far as known: a state-of-the-world set goes on carrying what is withheld. */
  readonly resources: ReadonlyMap<string, EncodedResource>;
  /** Whether several streams may have it as their baseline: what is made for one stream alone is not cached. */
  readonly shared: boolean;
}

/**
 * What a stream has been sent. A cursor says: everything that the interest held at that revision (0: nothing). A map is
 * for when that cannot be said: after a resume, a change of scope, or when tables forgot what happened since.
 */
export type Baseline =
  | { readonly kind: 'cursor'; readonly revision: Revision }
  | { readonly kind: 'map'; readonly known: KnownVersions };

export const isShared = (baseline: Baseline): boolean => baseline.kind === 'cursor' || baseline.known.shared;

export const cursorAt = (revision: Revision): Baseline => ({ kind: 'cursor', revision });

/** Part of cache keys: equal keys, equal baselines. */
export const baselineKey = (baseline: Baseline): string =>
  baseline.kind === 'cursor' ? `${baseline.revision}` : `m${baseline.known.id}`;
