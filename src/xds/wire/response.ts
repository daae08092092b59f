import type { XdsType } from '../../proto/resource.ts';
import type { NameSet } from '../tables/names.ts';
import type { Revision } from '../tables/table.ts';

export type Mode = 'sotw' | 'delta';

/** A message for the transport. */
export interface Outgoing {
  /** Bytes in parts, to be written one after another. Large parts are shared with other messages. */
  readonly parts: readonly Uint8Array[];
  readonly byteLength: number;
  /** Bytes with the framing of the transport, made when first sent. */
  framed: readonly Uint8Array[] | null;
}

/** Identity of a response for people. */
export interface ResponseLabel {
  readonly nonce: string;
  /** Version: SotW's `version_info`, delta's `system_version_info`. It decides nothing. */
  readonly version: string;
  /** Names subscribed when it was built: it says nothing about others. Null: all. */
  readonly subscribed: NameSet | null;
}

/** A response for one or many streams, encoded once. */
export interface Response extends Outgoing {
  readonly type: XdsType;
  readonly nonce: string;
  /** An object of its own, which may be kept longer than the response. */
  readonly label: ResponseLabel;
  /** The newest revision that it contains. */
  readonly revision: Revision;
  /** Revision of its newest change, for clients that had the one before; null: it answers a subscription. */
  readonly changeRevision: Revision | null;
  /** True for a whole set: the client drops everything else. */
  readonly whole: boolean;
  /** Names that it sends because they are new, changed or requested. */
  readonly updated: readonly string[];
  /** Subset of `updated`, sent whatever the client may have: newly requested, or sent again. */
  readonly mustSend: readonly string[];
  /** Names that it removes. */
  readonly removed: readonly string[];
  /** True if it adds names that the client did not have. */
  readonly addsNames: boolean;
  /** Known acknowledgements of this response. */
  readonly knownAcks: KnownAck[];
}

/** Bytes of an acknowledgement: equal bytes on another stream need no parsing. */
export interface KnownAck {
  /** Its bytes. Acknowledgements of other responses share the names. */
  readonly parts: readonly Uint8Array[];
  /** Length of all parts together, in bytes. */
  readonly length: number;
  /** Interest of the subscription that it repeats. */
  readonly interestId: number;
}
