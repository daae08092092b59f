import { compareText } from '../rule.ts';

/** What one source says about one thing: the file adapter and the store may both define the same rule. */
export interface Claim<Value> {
  /** The adapter's name, or `storeSource`. */
  readonly source: string;
  /** Where a person finds it. */
  readonly origin: string;
  /** For precedence: ISO 8601 in one form, then name and namespace. */
  readonly order: readonly string[];
  /** The newest good value of this source; null while it has had none. */
  readonly value: Value | null;
  /** Names the claim among those of its source. */
  readonly id: string;
}

/** The source of what came over HTTP; adapters have their own names. */
export const storeSource = 'store';

/** The claims on one thing, in the order in which they are asked for a good value. */
export type Claims<C extends Claim<unknown>> = readonly C[];

/** Replaces the claim of the same source and id. */
export function withClaim<C extends Claim<unknown>>(claims: Claims<C>, claim: C): Claims<C> {
  return [...withoutClaim(claims, claim), claim].sort(compareClaims);
}

/** Takes the claim of this source and id away. */
export function withoutClaim<C extends Claim<unknown>>(
  claims: Claims<C>,
  { source, id }: { readonly source: string; readonly id: string },
): Claims<C> {
  return claims.filter((one) => one.source !== source || one.id !== id);
}

/** The claim that takes effect: the first that has a good value. */
export const winner = <C extends Claim<unknown>>(claims: Claims<C>): C | null =>
  claims.find((claim) => claim.value !== null) ?? null;

/** The store's first, as an administrator put it there on purpose; then the oldest, as between rules. */
function compareClaims(a: Claim<unknown>, b: Claim<unknown>): number {
  const storeFirst = Number(b.source === storeSource) - Number(a.source === storeSource);
  if (storeFirst !== 0) return storeFirst;
  for (const [index, text] of a.order.entries()) {
    const order = compareText(text, b.order[index] ?? '');
    if (order !== 0) return order;
  }
  return compareText(a.source, b.source);
}
