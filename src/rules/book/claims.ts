import { compareText } from '../rule.ts';

/** A value for one thing from one source. The file adapter and the store may both define the same rule. */
export interface Claim<Value> {
  /** The adapter's name, or `storeSource`. */
  readonly source: string;
  /** File and document, or `store`, for messages to people. */
  readonly origin: string;
  /** Sort key for precedence: creation time as ISO 8601 in one form, then name and namespace. */
  readonly order: readonly string[];
  /** The newest valid value of this source; null while it has had none. */
  readonly value: Value | null;
  /** Identifies the claim among those of its source. */
  readonly id: string;
}

/** Source of objects that came over HTTP. Adapters have other names. */
export const storeSource = 'store';

/** The claims on one thing, in order of precedence. */
export type Claims<C extends Claim<unknown>> = readonly C[];

/** Replaces the claim of the same source and id. */
export function withClaim<C extends Claim<unknown>>(claims: Claims<C>, claim: C): Claims<C> {
  return [...withoutClaim(claims, claim), claim].sort(compareClaims);
}

/** Removes the claim of this source and id. */
export function withoutClaim<C extends Claim<unknown>>(
  claims: Claims<C>,
  { source, id }: { readonly source: string; readonly id: string },
): Claims<C> {
  return claims.filter((one) => one.source !== source || one.id !== id);
}

/** Returns the claim in effect: the first with a valid value. */
export const winner = <C extends Claim<unknown>>(claims: Claims<C>): C | null =>
  claims.find((claim) => claim.value !== null) ?? null;

/** Orders the store's claim first, as an administrator created it on purpose; then the oldest first, as for rules. */
function compareClaims(a: Claim<unknown>, b: Claim<unknown>): number {
  const storeFirst = Number(b.source === storeSource) - Number(a.source === storeSource);
  if (storeFirst !== 0) return storeFirst;
  for (const [index, text] of a.order.entries()) {
    const order = compareText(text, b.order[index] ?? '');
    if (order !== 0) return order;
  }
  return compareText(a.source, b.source);
}
