import { anyConnection, type ChainMatch } from '../../plan/listener.ts';

/** Claim to connections of one listener. */
export interface ChainClaim {
  readonly match: ChainMatch;
  /** See `FilterChainPlan`. */
  readonly takesRest: boolean;
  /** See `FilterChainPlan`. */
  readonly isForUnknown: boolean;
  readonly isHttp: boolean;
  /** Creation time. The oldest of equal claims gets the connections. */
  readonly createdAtMs: number;
  /** Identity of the claimant; orders claims of equal age. */
  readonly owner: string;
}

/** Result of a claim. */
export interface DecidedClaim<T> {
  readonly claim: T;
  /** Matches of its chains; empty if other claims get all of its connections. */
  readonly matches: readonly ChainMatch[];
  /** Claims that get connections which this one requested explicitly. */
  readonly lostTo: readonly T[];
}

/**
 * Assigns connections to claims, so that no two chains of a listener have equal matches: Envoy would reject the
 * listener. The order of the claims makes no difference.
 */
export function decideMatches<T extends ChainClaim>(claims: readonly T[]): readonly DecidedClaim<T>[] {
  const owners = new Map<string, AtomicClaim<T>>();
  for (const atom of claims.flatMap(atomsOf)) {
    const best = owners.get(atom.key);
    if (best === undefined || compareAtoms(atom, best) < 0) owners.set(atom.key, atom);
  }
  return claims.map((claim) => {
    const atoms = atomsOf(claim);
    const owned = atoms.filter(({ key }) => owners.get(key)?.claim === claim);
    const lost = atoms.filter(({ key, isRest }) => !isRest && owners.get(key)?.claim !== claim);
    const winners = new Set(lost.flatMap(({ key }) => owners.get(key)?.claim ?? []));
    return { claim, matches: matchesOf(claim, owned), lostTo: [...winners] };
  });
}

/** Claim to one atomic match. Matches of a listener consist of atomic matches, none of which lies within another. */
interface AtomicClaim<T> {
  readonly claim: T;
  readonly key: string;
  readonly address: string;
  readonly source: string;
  readonly serverName: string;
  readonly protocol: string;
  /** True for connections that the claim takes only if no other claim requests them. */
  readonly isRest: boolean;
}

function atomsOf<T extends ChainClaim>(claim: T): readonly AtomicClaim<T>[] {
  const { port, transport, ...match } = claim.match;
  const protocols = orAny(match.protocols).map((protocol) => ({ protocol, isRest: false }));
  if (claim.takesRest && match.protocols.length > 0) protocols.push({ protocol: any, isRest: true });
  return orAny(match.addresses).flatMap((address) =>
    orAny(match.sources).flatMap((source) =>
      orAny(match.serverNames).flatMap((serverName) =>
        protocols.map(({ protocol, isRest }) => {
          const key = [port ?? any, address, source, serverName, transport ?? any, protocol].join('\n');
          return { claim, key, address, source, serverName, protocol, isRest: isRest || claim.isForUnknown };
        }),
      ),
    ),
  );
}

const any = '';

const orAny = (values: readonly string[]): readonly string[] => (values.length === 0 ? [any] : [...new Set(values)]);

/**
 * Orders claims to one atomic match. Explicit requests come before `takesRest`, and both before `isForUnknown`. HTTP
 * comes first, because many services share it: a TCP service would receive the calls of all of them.
 */
const compareAtoms = <T extends ChainClaim>(a: AtomicClaim<T>, b: AtomicClaim<T>): number =>
  Number(a.claim.isForUnknown) - Number(b.claim.isForUnknown) ||
  Number(a.isRest) - Number(b.isRest) ||
  Number(b.claim.isHttp) - Number(a.claim.isHttp) ||
  a.claim.createdAtMs - b.claim.createdAtMs ||
  (a.claim.owner < b.claim.owner ? -1 : a.claim.owner > b.claim.owner ? 1 : 0);

/** Returns the fewest matches that cover exactly the owned atoms, usually one. */
function matchesOf({ match }: ChainClaim, owned: readonly AtomicClaim<ChainClaim>[]): readonly ChainMatch[] {
  const { port, transport } = match;
  const places = groupValues(
    owned,
    ({ address, source, serverName }) => `${address}\n${source}\n${serverName}`,
    ({ protocol }) => protocol,
  );
  const byPlace = places.map(({ first, values }) => ({ ...first, protocols: values.includes(any) ? [] : values }));
  const byName = groupValues(
    byPlace,
    ({ address, source, protocols }) => `${address}\n${source}\n${protocols.join()}`,
    ({ serverName }) => serverName,
  ).map(({ first, values }) => ({ ...first, serverNames: withoutAny(values) }));
  const bySource = groupValues(
    byName,
    ({ address, serverNames, protocols }) => `${address}\n${serverNames.join()}\n${protocols.join()}`,
    ({ source }) => source,
  ).map(({ first, values }) => ({ ...first, sources: withoutAny(values) }));
  return groupValues(
    bySource,
    ({ sources, serverNames, protocols }) => `${sources.join()}\n${serverNames.join()}\n${protocols.join()}`,
    ({ address }) => address,
  ).map(({ first: { sources, serverNames, protocols }, values }) => {
    const found = { port, addresses: withoutAny(values), sources, serverNames, transport, protocols };
    return isAny(found) ? anyConnection : found;
  });
}

const isAny = ({ port, addresses, sources, serverNames, transport, protocols }: ChainMatch): boolean =>
  port === null &&
  transport === null &&
  [addresses, sources, serverNames, protocols].every((values) => values.length === 0);

const withoutAny = (values: readonly string[]): readonly string[] => values.filter((value) => value !== any);

/** Groups the values of items by key, in their order. */
function groupValues<T>(items: readonly T[], keyOf: (item: T) => string, valueOf: (item: T) => string) {
  const groups = new Map<string, { readonly first: T; readonly values: string[] }>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), { first: item, values: [valueOf(item)] });
    else group.values.push(valueOf(item));
  }
  return [...groups.values()];
}
