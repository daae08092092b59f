/**
 * A Kubernetes-shaped configuration object as it came in, not validated: a rule or the mesh configuration.
 * Adapters pass these on; the rules room decides what they mean.
 */
export interface RawObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    /** ISO 8601 with seconds or milliseconds. */
    readonly creationTimestamp: string;
  };
  readonly spec: unknown;
  /** Where a person finds it: `routes.yaml#2` (file and document, counted from 1). */
  readonly origin: string;
}
