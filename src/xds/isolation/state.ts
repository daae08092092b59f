import type { EncodedResource } from '../../proto/resource.ts';
import type { Revision } from '../tables/table.ts';
import type { Response } from '../wire/response.ts';
import type { ResourcePart } from './partition.ts';

/** A part that a client rejects in one version. */
export interface RejectedPart {
  /** The version of it that the client rejects: `Part.hash`. */
  readonly hash: string;
  /** Version that the client is sent in its place; null to omit the part. */
  readonly substitute: ResourcePart | null;
  /** Error text of the client. */
  readonly error: string;
}

/** The parts of one resource that a client rejects, by name. A part that has another version by now is sent as it is. */
export interface Filter {
  readonly rejected: ReadonlyMap<string, RejectedPart>;
  /** The revision acknowledged before the first rejection: nothing later is settled while a part is filtered. */
  readonly since: Revision;
}

/** A part that the client may reject, because it differs from the client's version. */
export interface Suspect {
  readonly name: string;
  readonly part: string;
}

/**
 * Bisection of a rejected response. A trial contains the accepted parts and a group of suspects. A rejected group is halved,
 * down to one part. An accepted group stays.
 */
export interface Search {
  /** The revision of the rejected response. */
  readonly revision: Revision;
  /** True if responses of this type are whole sets. */
  readonly whole: boolean;
  readonly names: readonly string[];
  /** The other names of the rejected response: they are sent again when the search ends. */
  readonly others: readonly string[];
  /** The parts that the client has, by resource; undefined: unknown. */
  readonly accepted: Map<string, ReadonlyMap<string, ResourcePart> | undefined>;
  /** Groups to try, the next one first. */
  groups: readonly (readonly Suspect[])[];
  /** The suspects of the response in flight. */
  trial: readonly Suspect[];
  inFlight: Response | null;
  /** The resources of the response in flight. */
  sent: ReadonlyMap<string, EncodedResource | null>;
  /** Number of trials so far. */
  trials: number;
}
