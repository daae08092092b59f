import type { XdsType } from '../../proto/resource.ts';
import type { Sender } from '../tables/sender.ts';
import type { ResourcePart } from './partition.ts';

/** One version of one part. */
export interface PartVersion {
  readonly type: XdsType;
  /** Name of the resource. */
  readonly name: string;
  readonly part: string;
  readonly hash: string;
}

/** A part version that a client was found to reject. */
export interface RejectedVersion extends PartVersion {
  /** The version that the client had before; null: none, or unknown. */
  readonly lastGood: ResourcePart | null;
  readonly error: string;
}

/** Findings about rejected parts that outlive the stream on which they were made. */
export interface KnownRejections {
  /** Number of findings; 0: none, so that callers need not ask further. */
  readonly size: number;
  /** Returns true if a client rejected this. */
  isKnown(version: PartVersion): boolean;
  /** The version before it that clients accepted; null: unknown. */
  lastGood(version: PartVersion): ResourcePart | null;
  /**
   * Returns the parts not to send to a client. Clients of its kind reject them, or it rejected them itself before it
   * reconnected with its configuration (`hasConfiguration`).
   */
  knownFor(client: Sender | null, type: XdsType, hasConfiguration: boolean): readonly RejectedVersion[];
}

/** Empty findings. */
export const noKnownRejections: KnownRejections = {
  size: 0,
  isKnown: () => false,
  lastGood: () => null,
  knownFor: () => [],
};
