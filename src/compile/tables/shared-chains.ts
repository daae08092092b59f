import type { ChainClaim } from './chain-matches.ts';
import type { ChainPart } from './chain-parts.ts';

/** Parts with equal chains for equal connections. */
export interface SharedChain extends ChainClaim {
  /** First part by precedence. */
  readonly first: ChainPart;
  readonly parts: readonly ChainPart[];
}

interface ChainGroup {
  first: ChainPart;
  readonly parts: ChainPart[];
}

/** Groups parts into one claim per chain. */
export function sharedChains(parts: readonly ChainPart[]): readonly SharedChain[] {
  const byChain = new Map<string, ChainGroup>();
  let group: ChainGroup | undefined;
  for (const part of parts) {
    // Thousands of services may share a chain: comparing with the previous part saves a lookup.
    if (group === undefined || !isSameChain(part, group.first)) {
      const chain = `${part.body.key} ${part.key}`;
      group = byChain.get(chain) ?? { first: part, parts: [] };
      byChain.set(chain, group);
    }
    group.parts.push(part);
    if (comparePrecedence(part, group.first) < 0) group.first = part;
  }
  return [...byChain.values()].map(({ first, parts: sharing }) => {
    const { match, takesRest, traffic, createdAtMs } = first.plan;
    return {
      first,
      parts: sharing,
      match,
      takesRest,
      isHttp: traffic.type === 'http',
      createdAtMs,
      owner: `${first.unit} ${first.content}`,
    };
  });
}

export const isSameChain = (a: ChainPart, b: ChainPart): boolean => a.body === b.body && a.key === b.key;

const comparePrecedence = (a: ChainPart, b: ChainPart): number =>
  a.plan.createdAtMs - b.plan.createdAtMs || compare(a.unit, b.unit);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
