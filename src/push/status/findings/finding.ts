/** Why a valid rule, or a part of it, does nothing. In the order of their urgency: the first is the reason in `status`. */
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

/** Something that a rule says and that does nothing in the mesh as it is. */
export interface Finding {
  readonly reason: FindingReason;
  /** `spec.http[0].route[1].destination: reviews.default.svc.cluster.local has no subset v9`. */
  readonly message: string;
  /** Holds only while no proxy is served anything of the rule. */
  readonly ifUnused?: true;
}

const references: readonly FindingReason[] = ['HostNotFound', 'GatewayNotFound', 'SubsetNotFound', 'PortNotFound'];

/** References that lead nowhere: somebody who writes them probably mistyped a name. */
export const isReference = ({ reason, ifUnused }: Finding): boolean => ifUnused !== true && references.includes(reason);

/** The most urgent first; else in the order in which the rule says them. */
export const byUrgency = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((a, b) => findingReasons.indexOf(a.reason) - findingReasons.indexOf(b.reason));
