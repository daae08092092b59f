import type { XdsType } from '../../proto/resource.ts';
import type { NameSet } from '../tables/names.ts';
import type { Revision } from '../tables/table.ts';

export type Mode = 'sotw' | 'delta';

/** A message as the transport takes it. */
export interface Outgoing {
  /** In parts to be written one after another. Large parts are shared with other messages. */
  readonly parts: readonly Uint8Array[];
  readonly byteLength: number;
  /** For the transport: `parts` with its framing, made when first sent. */
  framed: readonly Uint8Array[] | null;
}

/** What people know a response by. */
export interface ResponseLabel {
  readonly nonce: string;
  /** SotW's `version_info`; delta's `system_version_info`. It decides nothing. */
  readonly version: string;
  /** The names that were subscribed to when it was made: of others it says nothing. Null: everything. */
  readonly subscribed: NameSet | null;
}

/** A response as it goes to one stream or to many: encoded once, sent as it is. */
export interface Response extends Outgoing {
  readonly type: XdsType;
  readonly nonce: string;
  /** An object of its own, which may be kept longer than the response. */
  readonly label: ResponseLabel;
  /** The newest revision that it tells of. */
  readonly revision: Revision;
  /** The newest change that it brings to clients that had the one before; null: it answers a subscription. */
  readonly changeRevision: Revision | null;
  /** Whether it is all that the client is to have: what it does not hold goes. */
  readonly whole: boolean;
  /** The names whose resources it brings because they are new, changed or asked for. */
  readonly updated: readonly string[];
  /** Of these, names that it brings whatever the client may have: they were asked for anew, or are told again. */
  readonly mustSend: readonly string[];
  /** The names that it takes away. */
  readonly removed: readonly string[];
  /** Whether it brings names that the client did not have. */
  readonly addsNames: boolean;
  /** Acknowledgements of this response as clients write them. */
  readonly knownAcks: KnownAck[];
}

/** Equal bytes on another stream are the same acknowledgement and need no parsing. */
export interface KnownAck {
  /** Its bytes. What repeats the subscription is shared with the acknowledgements of other responses. */
  readonly parts: readonly Uint8Array[];
  /** Of all parts together, in bytes. */
  readonly length: number;
  /** Of the subscription that it repeats. */
  readonly interestId: number;
}
