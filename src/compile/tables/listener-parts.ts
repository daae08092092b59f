import { anyConnection } from '../../plan/listener.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import type { Pooled } from '../content-pool.ts';
import type { DecidedChain, Writer, WriterPools } from '../writer.ts';
import { type DecidedClaim, decideMatches } from './chain-matches.ts';
import { type ChainPart, releaseChain } from './chain-parts.ts';
import { listenerProblems } from './listener-problems.ts';
import { isSameChain, type SharedChain, sharedChains } from './shared-chains.ts';
import { type TargetPart, targetWinner } from './target-parts.ts';

/** Claim of one unit on a listener. */
export type ListenerPart = ChainPart | TargetPart;

/** Listener decided among all parts of its name. */
export interface DecidedListener {
  /** Resource, to be released; null if there is no listener. */
  readonly resource: Pooled<EncodedResource> | null;
  readonly problems: readonly PlanProblem[];
  /** Returns true if a part is in effect. */
  has(part: ListenerPart): boolean;
}

export const noListener: DecidedListener = { resource: null, problems: [], has: () => false };

/** Decides which parts are in effect, and assembles the listener. */
export function decideListener(
  name: string,
  parts: readonly ListenerPart[],
  { writer, pools }: { readonly writer: Pick<Writer, 'listener'>; readonly pools: Pick<WriterPools, 'listeners'> },
): DecidedListener {
  const winner = targetWinner(parts.filter((part) => part.type === 'target'));
  if (winner !== undefined) {
    return {
      resource: pools.listeners.retain(winner.resource),
      problems: [],
      has: ({ content }) => content === winner.content,
    };
  }
  const decided = decideMatches(sharedChains(parts.filter((part) => part.type === 'chain')));
  const [first] = decided;
  if (first === undefined) return noListener;
  const { plan, frame } = first.claim.first;
  const effective = decided.filter(({ matches }) => matches.length > 0);
  return {
    resource: writer.listener({ plan: plan.listener, bytes: frame }, inOrder(decided)),
    problems: listenerProblems(name, decided),
    has: (part) => part.type === 'chain' && effective.some(({ claim }) => isSameChain(part, claim.first)),
  };
}

export function releaseListenerPart(part: ListenerPart, pools: WriterPools): void {
  if (part.type === 'chain') releaseChain(part, pools);
  else pools.listeners.release(part.resource);
}

/**
 * Sorts chains: the layer's own ones first, then by match, the one without conditions last. Envoy does not depend on
 * the order.
 */
function inOrder(decided: readonly DecidedClaim<SharedChain>[]): readonly DecidedChain[] {
  const chains = decided.flatMap(({ claim: { first, body }, matches }) =>
    matches.map((match) => ({ match, body, isOwn: first.unit === '' })),
  );
  if (chains.length === 1) return chains;
  const placed = chains.map((chain) => ({ chain, text: JSON.stringify(chain.match) }));
  placed.sort(
    ({ chain: a, text: first }, { chain: b, text: second }) =>
      Number(a.match === anyConnection) - Number(b.match === anyConnection) ||
      Number(b.isOwn) - Number(a.isOwn) ||
      (a.match.port ?? 0) - (b.match.port ?? 0) ||
      (first < second ? -1 : first > second ? 1 : 0),
  );
  return placed.map(({ chain }) => chain);
}
