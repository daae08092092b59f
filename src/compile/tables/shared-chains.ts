import type { ChainClaim } from './chain-matches.ts';
import type { ChainPart } from './chain-parts.ts';

/** Parts with equal chains for equal connections. */
export interface SharedChain extends ChainClaim {
  /** First part by precedence. */
  readonly first: ChainPart;
  /** Filters of the chain: those of the part that has the most. */
  readonly body: ChainPart['body'];
  readonly parts: readonly ChainPart[];
}

interface ChainGroup {
  first: ChainPart;
  fullest: ChainPart;
  readonly parts: ChainPart[];
}

/** Groups parts into one claim per chain. */
export function sharedChains(parts: readonly ChainPart[]): readonly SharedChain[] {
  const byChain = new Map<string, ChainGroup>();
  let group: ChainGroup | undefined;
  for (const part of parts) {
    // Thousands of services may share a chain: comparing with the previous part saves a lookup.
    if (group === undefined || !isSameChain(part, group.first)) {
      const chain = `${routesOf(part) ?? part.body.key} ${part.key}`;
      group = byChain.get(chain) ?? { first: part, fullest: part, parts: [] };
      byChain.set(chain, group);
    }
    group.parts.push(part);
    if (comparePrecedence(part, group.first) < 0) group.first = part;
    if (compareFilters(part, group.fullest) > 0) group.fullest = part;
  }
  return [...byChain.values()].map(({ first, fullest, parts: sharing }) => {
    const { match, takesRest, isForUnknown, traffic, createdAtMs } = first.plan;
    return {
      first,
      body: fullest.body,
      parts: sharing,
      match,
      takesRest,
      isForUnknown,
      isHttp: traffic.type === 'http',
      createdAtMs,
      owner: `${first.unit} ${first.content}`,
    };
  });
}

/** Reports whether parts are one chain. Those of one route configuration are, whatever filters they need. */
export const isSameChain = (a: ChainPart, b: ChainPart): boolean =>
  a.key === b.key && (a.body === b.body || (routesOf(a) !== null && routesOf(a) === routesOf(b)));

const routesOf = ({ plan: { traffic } }: ChainPart): string | null =>
  traffic.type === 'http' ? `routes ${traffic.routeConfiguration}` : null;

/** Compares the numbers of filters. Equal numbers are equal filters: only dynamic DNS adds one. */
const compareFilters = ({ plan: { traffic: a } }: ChainPart, { plan: { traffic: b } }: ChainPart): number =>
  a.type === 'http' && b.type === 'http' ? a.filters.length - b.filters.length : 0;

const comparePrecedence = (a: ChainPart, b: ChainPart): number =>
  a.plan.createdAtMs - b.plan.createdAtMs || compare(a.unit, b.unit);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
