/** Key of one service that one workload calls. */
export interface SubscriptionKey {
  /** Namespace of the workload. */
  readonly namespace: string;
  /** Id of the workload, unique in its namespace. */
  readonly workload: string;
  /** Hostname of the service that it calls, in lower case. */
  readonly host: string;
}

/** Service that a workload has said to call. */
export interface SubscriptionRequest extends SubscriptionKey {
  /** IP address of the workload; null if it gave none. */
  readonly address: string | null;
  /** Lifetime without a heartbeat; null for the adapter's default. */
  readonly ttlSeconds: number | null;
}

/** Current subscription. Times are milliseconds since the Unix epoch. */
export interface Subscription extends SubscriptionRequest {
  readonly ttlSeconds: number;
  readonly subscribedAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * Services that workloads call. Writes resolve when they would survive a crash, and reject with STORE_UNAVAILABLE, and
 * change nothing, if they cannot be persisted. All methods wait until the book is loaded.
 */
export interface SubscriptionBook {
  /** Adds or changes a subscription. An unchanged one is a heartbeat. */
  put(requested: SubscriptionRequest): Promise<{ readonly subscription: Subscription; readonly isNew: boolean }>;
  /** Removes the subscriptions of a workload to a service, or to all. Returns the number of removed ones. */
  remove(namespace: string, workload: string, host?: string): Promise<number>;
  /** Renews all subscriptions of a workload. Returns their number. */
  heartbeat(namespace: string, workload: string): Promise<number>;
  /** Returns the subscriptions that match all given fields, by namespace, workload and host. */
  list(match: Partial<SubscriptionKey>): Promise<readonly Subscription[]>;
}
