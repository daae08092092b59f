import { contentHash } from '../../lib/hash.ts';
import type { TargetPlan } from '../../plan/listener.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import type { Pooled } from '../content-pool.ts';
import type { Writer } from '../writer.ts';
import { withOrigins } from './part-error.ts';

/** Claim of one host to a name that clients resolve. One of several hosts gets it. */
export interface TargetPart {
  readonly type: 'target';
  /** Host of the claim. */
  readonly unit: string;
  readonly name: string;
  readonly plan: TargetPlan;
  readonly resource: Pooled<EncodedResource>;
  /** Hash of all properties. */
  readonly content: string;
}

export function encodeTarget(plan: TargetPlan, unit: string, writer: Writer): TargetPart {
  const resource = withOrigins(plan, () => writer.target(plan));
  const content = contentHash(JSON.stringify([unit, plan, resource.value.version]));
  return { type: 'target', unit, name: plan.name, plan, resource, content };
}

/** Returns the part that gets the name: that of a host of exactly this name, else the oldest alias. */
export const targetWinner = (parts: readonly TargetPart[]): TargetPart | undefined =>
  parts.reduce<TargetPart | undefined>(
    (best, part) => (best === undefined || compareParts(part, best) < 0 ? part : best),
    undefined,
  );

const compareParts = ({ unit: a, plan: first }: TargetPart, { unit: b, plan: second }: TargetPart): number =>
  Number(first.isAlias) - Number(second.isAlias) ||
  first.createdAtMs - second.createdAtMs ||
  (a < b ? -1 : a > b ? 1 : 0);
