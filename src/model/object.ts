/**
 * Unvalidated configuration object in Kubernetes' format: a rule or the mesh configuration. Adapters pass these on;
 * src/rules interprets them.
 */
export interface RawObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    /** Time in ISO 8601 with seconds or milliseconds. */
    readonly creationTimestamp: string;
  };
  readonly spec: unknown;
  /** Source for people: `routes.yaml#2` (file and document, counted from 1). */
  readonly origin: string;
}
