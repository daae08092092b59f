import { anyConnection, type ChainMatch } from '../../plan/listener.ts';

/** A wish for connections of one listener. */
export interface ChainClaim {
  readonly match: ChainMatch;
  /** See `FilterChainPlan`. */
  readonly takesRest: boolean;
  readonly isHttp: boolean;
  /** The oldest claim wins connections that several want in the same way. */
  readonly createdAtMs: number;
  /** Tells claims of one age apart. */
  readonly owner: string;
}

/** The result of a claim. */
export interface DecidedClaim<T> {
  readonly claim: T;
  /** Of the chains that it has; none where all of its connections are others'. */
  readonly matches: readonly ChainMatch[];
  /** Those that have connections which it asked for. */
  readonly lostTo: readonly T[];
}

/**
 * Decides which claim has which connections, so that no two chains of a listener match the same: Envoy would refuse the
 * whole of it. The order of claims makes no difference.
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

/** One of the smallest parts that the matches of a listener are made of: none of them lies within another's. */
interface AtomicClaim<T> {
  readonly claim: T;
  readonly key: string;
  readonly address: string;
  readonly serverName: string;
  readonly protocol: string;
  /** It was not asked for, and is had only where nobody asks for it. */
  readonly isRest: boolean;
}

function atomsOf<T extends ChainClaim>(claim: T): readonly AtomicClaim<T>[] {
  const { port, transport, ...match } = claim.match;
  const protocols = orAny(match.protocols).map((protocol) => ({ protocol, isRest: false }));
  if (claim.takesRest && match.protocols.length > 0) protocols.push({ protocol: any, isRest: true });
  return orAny(match.addresses).flatMap((address) =>
    orAny(match.serverNames).flatMap((serverName) =>
      protocols.map(({ protocol, isRest }) => {
        const key = [port ?? any, address, serverName, transport ?? any, protocol].join('\n');
        return { claim, key, address, serverName, protocol, isRest };
      }),
    ),
  );
}

const any = '';

const orAny = (values: readonly string[]): readonly string[] => (values.length === 0 ? [any] : [...new Set(values)]);

/**
 * Claims with a match come before claims of the rest. HTTP comes first: many services share it, and one TCP service would
 * get the calls of all of them.
 */
const compareAtoms = <T extends ChainClaim>(a: AtomicClaim<T>, b: AtomicClaim<T>): number =>
  Number(a.isRest) - Number(b.isRest) ||
  Number(b.claim.isHttp) - Number(a.claim.isHttp) ||
  a.claim.createdAtMs - b.claim.createdAtMs ||
  (a.claim.owner < b.claim.owner ? -1 : a.claim.owner > b.claim.owner ? 1 : 0);

/** The fewest matches that are met by what is owned, and by nothing else: as a rule one. */
function matchesOf({ match }: ChainClaim, owned: readonly AtomicClaim<ChainClaim>[]): readonly ChainMatch[] {
  const { port, transport } = match;
  const places = groupValues(
    owned,
    ({ address, serverName }) => `${address}\n${serverName}`,
    ({ protocol }) => protocol,
  );
  const byPlace = places.map(({ first, values }) => ({ ...first, protocols: values.includes(any) ? [] : values }));
  const byName = groupValues(
    byPlace,
    ({ address, protocols }) => `${address}\n${protocols.join()}`,
    ({ serverName }) => serverName,
  ).map(({ first, values }) => ({ ...first, serverNames: withoutAny(values) }));
  return groupValues(
    byName,
    ({ serverNames, protocols }) => `${serverNames.join()}\n${protocols.join()}`,
    ({ address }) => address,
  ).map(({ first: { serverNames, protocols }, values }) => {
    const found = { port, addresses: withoutAny(values), serverNames, transport, protocols };
    return isAny(found) ? anyConnection : found;
  });
}

const isAny = ({ port, addresses, serverNames, transport, protocols }: ChainMatch): boolean =>
  port === null && transport === null && addresses.length + serverNames.length + protocols.length === 0;

const withoutAny = (values: readonly string[]): readonly string[] => values.filter((value) => value !== any);

/** The values of items with the same key, in their order. */
function groupValues<T>(items: readonly T[], keyOf: (item: T) => string, valueOf: (item: T) => string) {
  const groups = new Map<string, { readonly first: T; readonly values: string[] }>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), { first: item, values: [valueOf(item)] });
    else group.values.push(valueOf(item));
  }
  return [...groups.values()];
}
