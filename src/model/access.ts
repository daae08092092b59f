/** What a request needs leave for. */
export type Need =
  /** Health: anybody may ask. */
  | { readonly type: 'nothing' }
  /** Which kinds there are, and their schemas. */
  | { readonly type: 'describe' }
  /** Rules, debug views and metrics, of all namespaces. */
  | { readonly type: 'read' }
  /** Configuration of sidecars, fetched over REST. */
  | { readonly type: 'discover' }
  /** Namespace: empty for objects of the cluster; null where the body names them, which are asked for one by one then. */
  | { readonly type: 'write-rules'; readonly namespace: string | null }
  | { readonly type: 'read-registrations'; readonly namespace: string }
  /** Namespace: null as above. */
  | { readonly type: 'register'; readonly namespace: string | null }
  | { readonly type: 'admin' };

/** A request at one of the HTTP doors, before its body is read. */
export interface Asked {
  readonly need: Need;
  readonly method: string;
  readonly url: string;
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The peer's address. */
  readonly remote: string;
}

/** The sender of a request. */
export interface Caller {
  /** Proved, not claimed; null where nobody has to prove anything. */
  readonly identity: string | null;
  /** Why not; null if it may. */
  whyNot(need: Need): string | null;
}

/** Why a request is not let in. */
export const doorReasons = ['host', 'origin', 'content-type', 'unauthenticated', 'forbidden'] as const;

export type DoorReason = (typeof doorReasons)[number];

export type Verdict =
  | { readonly type: 'admitted'; readonly caller: Caller }
  /** `message` is for people and says what to do. `caller` is null for one that proved nothing. */
  | {
      readonly type: 'refused';
      readonly reason: DoorReason;
      readonly message: string;
      readonly caller: Caller | null;
    };
