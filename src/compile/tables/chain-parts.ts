import { isDeepStrictEqual } from 'node:util';
import { contentHash } from '../../lib/hash.ts';
import type { FilterChainPlan, ListenerFrame } from '../../plan/listener.ts';
import type { Pooled } from '../content-pool.ts';
import type { HashedBytes, ListenerFrameBytes, Writer, WriterPools } from '../writer.ts';
import { withOrigins } from './part-error.ts';

/**
 * Claim of one unit to connections of a listener, with its encoded filters. The match is written once it is decided.
 */
export interface ChainPart {
  readonly type: 'chain';
  /** Unit of the claim; empty for the layer itself. */
  readonly unit: string;
  /** Name of the listener. */
  readonly name: string;
  readonly plan: FilterChainPlan;
  readonly frame: Pooled<ListenerFrameBytes>;
  readonly body: Pooled<HashedBytes>;
  /** Key within the unit. */
  readonly key: string;
  /** Hash of all properties; identifies the part within the listener. */
  readonly content: string;
}

/** Encodes a chain. Throws if Envoy would reject the chain or its listener, and retains nothing then. */
export function encodeChain(plan: FilterChainPlan, unit: string, writer: Writer): ChainPart {
  const { frame, body } = withOrigins(plan, () => writer.chain(plan));
  const { name, match, takesRest, isForUnknown, takesAnyAddress, createdAtMs, origins } = plan;
  const key = `${plan.listener.name} ${JSON.stringify([match, takesRest, isForUnknown])}`;
  const rest = [unit, key, name, takesAnyAddress, createdAtMs, origins, frame.key, body.key];
  const content = contentHash(JSON.stringify(rest));
  return { type: 'chain', unit, name: plan.listener.name, plan, frame, body, key, content };
}

export function retainChain(part: ChainPart, { frames, chains }: WriterPools): ChainPart {
  frames.retain(part.frame);
  chains.retain(part.body);
  return part;
}

export function releaseChain({ frame, body }: ChainPart, { frames, chains }: WriterPools): void {
  frames.release(frame);
  chains.release(body);
}

/** Creates a lookup of chains by equal plans. */
export function knownChains(parts: readonly (ChainPart | { readonly type: 'target' })[]) {
  const byListener = new Map<string, ChainPart[]>();
  for (const part of parts) {
    if (part.type === 'target') continue;
    const others = byListener.get(part.name);
    if (others === undefined) byListener.set(part.name, [part]);
    else others.push(part);
  }
  const hasSameTraffic = comparedOnce<FilterChainPlan['traffic']>();
  const hasSameOrigins = comparedOnce<FilterChainPlan['origins']>();
  const hasSameMatch = comparedOnce<FilterChainPlan['match']>();
  const isSame = (a: FilterChainPlan, b: FilterChainPlan) =>
    isSameFrame(a.listener, b.listener) &&
    a.name === b.name &&
    a.takesRest === b.takesRest &&
    a.isForUnknown === b.isForUnknown &&
    a.takesAnyAddress === b.takesAnyAddress &&
    a.createdAtMs === b.createdAtMs &&
    hasSameMatch(a.match, b.match) &&
    hasSameTraffic(a.traffic, b.traffic) &&
    hasSameOrigins(a.origins, b.origins);
  return {
    find: (plan: FilterChainPlan): ChainPart | null =>
      byListener.get(plan.listener.name)?.find((part) => isSame(part.plan, plan)) ?? null,
  };
}

const isSameFrame = (a: ListenerFrame, b: ListenerFrame): boolean =>
  a.name === b.name &&
  a.direction === b.direction &&
  a.port === b.port &&
  a.bindsToPort === b.bindsToPort &&
  a.transparent === b.transparent &&
  a.binds.join() === b.binds.join();

/** Creates a deep comparison that caches its last pair: the chains of a port share their values. */
function comparedOnce<T extends object>(): (a: T, b: T) => boolean {
  let last: { readonly a: T; readonly b: T; readonly isSame: boolean } | null = null;
  return (a, b) => {
    if (last?.a !== a || last.b !== b) last = { a, b, isSame: a === b || isDeepStrictEqual(a, b) };
    return last.isSame;
  };
}
