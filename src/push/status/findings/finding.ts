/**
 * Reasons why a valid rule or a part of it has no effect, most urgent first. The first one is the reason in `status`.
 */
export const findingReasons = [
  'HostNotFound',
  'GatewayNotFound',
  'SubsetNotFound',
  'PortNotFound',
  'ProtocolMismatch',
  'Superseded',
  'NoEndpoints',
  'NotInEffect',
] as const;

export type FindingReason = (typeof findingReasons)[number];

/** Part of a rule without effect in the current mesh. */
export interface Finding {
  readonly reason: FindingReason;
  /** `spec.http[0].route[1].destination: reviews.default.svc.cluster.local has no subset v9`. */
  readonly message: string;
  /** True if the finding applies only while no proxy has a resource of the rule. */
  readonly ifUnused?: true;
}

const references: readonly FindingReason[] = ['HostNotFound', 'GatewayNotFound', 'SubsetNotFound', 'PortNotFound'];

/** Returns true for references to missing objects, whose names are probably misspelled. */
export const isReference = ({ reason, ifUnused }: Finding): boolean => ifUnused !== true && references.includes(reason);

/** Sorts findings by urgency, then in the order of the rule. */
export const byUrgency = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((a, b) => findingReasons.indexOf(a.reason) - findingReasons.indexOf(b.reason));
