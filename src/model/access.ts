/** Permission that a request needs. */
export type Need =
  /** Health checks need no permission. */
  | { readonly type: 'nothing' }
  /** List of kinds and their schemas. */
  | { readonly type: 'describe' }
  /** Rules, debug views and metrics of all namespaces. */
  | { readonly type: 'read' }
  /** Configuration of sidecars, fetched over REST. */
  | { readonly type: 'discover' }
  /**
   * Namespace: empty for cluster-scoped objects; null if the body names namespaces, which are then checked one by one.
   */
  | { readonly type: 'write-rules'; readonly namespace: string | null }
  | { readonly type: 'read-registrations'; readonly namespace: string }
  /** Namespace: null as above. */
  | { readonly type: 'register'; readonly namespace: string | null }
  | { readonly type: 'admin' };

/** HTTP request before its body is read. */
export interface AccessRequest {
  readonly need: Need;
  readonly method: string;
  readonly url: string;
  /** Headers with names in lower case, as Node provides them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Address of the client. */
  readonly remote: string;
}

/** Sender of a request. */
export interface HttpCaller {
  /** Authenticated identity; null if no authentication is required. */
  readonly identity: string | null;
  /** Returns the reason why the caller lacks a permission, or null if it has it. */
  reasonAgainst(need: Need): string | null;
}

/** Reasons for rejecting a request. */
export const refusalReasons = ['host', 'origin', 'content-type', 'unauthenticated', 'forbidden'] as const;

export type RefusalReason = (typeof refusalReasons)[number];

export type AccessVerdict =
  | { readonly type: 'admitted'; readonly caller: HttpCaller }
  /** Rejection. `message` is for people and names the remedy. `caller` is null if the request is unauthenticated. */
  | {
      readonly type: 'refused';
      readonly reason: RefusalReason;
      readonly message: string;
      readonly caller: HttpCaller | null;
    };
