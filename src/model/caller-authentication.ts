/** Workload of a Kubernetes cluster, as a service account token proves it. */
export interface WorkloadIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Pod that the token is bound to; null for a token without a pod. */
  readonly pod: { readonly name: string; readonly uid: string } | null;
}

/** Statement of a node about its workload. */
export interface NodeClaim {
  readonly about: 'namespace' | 'pod' | 'service account';
  /** Field of the node that has it, such as `node.id`. */
  readonly field: string;
  readonly value: string;
}

/** Proof that a call carries. */
export interface CallProof {
  /** Request headers, with names in lower case. */
  readonly metadata: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Identity from a verified client certificate; null without one. */
  readonly identity: object | null;
}

export type CallerVerdict =
  /** `workload` is null for a caller that a certificate identifies. */
  | { readonly type: 'admitted'; readonly workload: WorkloadIdentity | null }
  /** `message` is for people at the client. `unavailable`: the proof cannot be checked now; the client should retry. */
  | { readonly type: 'refused'; readonly reason: 'unauthenticated' | 'unavailable'; readonly message: string };

/** Authenticates callers of discovery services. */
export interface CallerAuthentication {
  /** Checks what a call carries, before its first message is read. */
  authenticate(call: CallProof): Promise<CallerVerdict>;
  /** Returns the difference between a node and the workload that its call proves; null if they agree. */
  claimFault(workload: WorkloadIdentity, claims: readonly NodeClaim[]): string | null;
}
