import type { XdsType } from '../../proto/resource.ts';
import type { Sender } from '../tables/sender.ts';
import type { ResourcePart } from './partition.ts';

/** One version of one part. */
export interface PartVersion {
  readonly type: XdsType;
  /** Of the resource. */
  readonly name: string;
  readonly part: string;
  readonly hash: string;
}

/** A part that was found to be what a client rejects. */
export interface RejectedVersion extends PartVersion {
  /** The version that the client had before; null: none, or unknown. */
  readonly lastGood: ResourcePart | null;
  readonly error: string;
}

/** Findings about rejected parts that outlive the stream on which they were made. */
export interface KnownRejections {
  /** Grows with every finding; 0: there is none, and nobody needs to ask further. */
  readonly size: number;
  /** Whether some client was found to reject this. */
  isKnown(version: PartVersion): boolean;
  /** The version before it that clients took; null: none is known. */
  lastGood(version: PartVersion): ResourcePart | null;
  /**
   * What a client is not to be sent at all, as clients of its kind reject it, or as it did itself before it came with the
   * configuration that it has (`hasConfiguration`).
   */
  knownFor(client: Sender | null, type: XdsType, hasConfiguration: boolean): readonly RejectedVersion[];
}

/** Knows nothing. */
export const noKnownRejections: KnownRejections = {
  size: 0,
  isKnown: () => false,
  lastGood: () => null,
  knownFor: () => [],
};
