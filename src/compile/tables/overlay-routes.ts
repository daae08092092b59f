import type { HashedBytes } from '../writer.ts';
import { createHashSum } from './hash-sum.ts';
import type { OverlayTables } from './overlay-tables.ts';
import { acquireConfiguration, largeBytes, releaseConfiguration } from './route-assembly.ts';
import { type Edit, edited, indexOf, layoutOf } from './route-layout.ts';
import {
  type BaseRoutes,
  byName,
  type Configuration,
  type RouteTable,
  type RouteTableOptions,
  recordsOf,
} from './route-table.ts';
import {
  compareClaims,
  namesPorts,
  type VirtualHost,
  type VirtualHostPart,
  virtualHostRecord,
} from './virtual-hosts.ts';

/** Route configurations of a scope that differ from those of its base by some virtual hosts. */
export interface OverlayRoutes extends Pick<RouteTable, 'replace' | 'settle' | 'partsOf' | 'has' | 'dispose'> {
  /** Hides the virtual hosts of a host in the base: `after` replaces `before`. */
  shadow(before: readonly VirtualHostPart[], after: readonly VirtualHostPart[]): void;
  /** Called when the base has assembled a route configuration. */
  baseChanged(name: string): void;
}

export interface OverlayRoutesOptions extends Omit<RouteTableOptions, 'onAssembled'> {
  readonly tables: OverlayTables;
  readonly base: BaseRoutes;
}

/** Difference between a route configuration and that of the base. */
interface Difference {
  readonly own: Map<string, VirtualHostPart>;
  /** Names of virtual hosts of the base that do not count here. */
  readonly shadowed: Set<string>;
  /** Last assembly; null before the first one. */
  made: Made | null;
}

interface Made {
  /** Virtual hosts of the base that are absent here. */
  readonly gone: ReadonlySet<VirtualHost>;
  /** Virtual hosts of the base with other domains here. */
  readonly rewritten: ReadonlyMap<VirtualHost, VirtualHost>;
  /** Virtual hosts of the scope, sorted by name. */
  readonly added: readonly VirtualHost[];
  readonly assembled: ReturnType<typeof acquireConfiguration> | null;
}

export function createOverlayRoutes({ tables, pools, writer, base }: OverlayRoutesOptions): OverlayRoutes {
  const differences = new Map<string, Difference>();
  const dirty = new Set<string>();

  const differenceOf = (name: string): Difference => {
    const known = differences.get(name) ?? { own: new Map(), shadowed: new Set(), made: null };
    differences.set(name, known);
    dirty.add(name);
    return known;
  };
  const put = (name: string): void => {
    const difference = differences.get(name);
    if (difference === undefined) return;
    const before = difference.made;
    const isAsBase = difference.own.size + difference.shadowed.size === 0;
    difference.made = isAsBase ? null : make(name, difference);
    const assembled = difference.made?.assembled ?? null;
    if (assembled !== null) tables.set('route', assembled.value.resource);
    else tables.delete('route', name);
    tables.hide('route', name, !isAsBase && assembled === null);
    if (isAsBase) differences.delete(name);
    if (before !== null) release(before);
  };
  const make = (name: string, difference: Difference): Made => {
    const below = base.get(name);
    const { gone, rewritten, added, isWhole } = applyDifference(below, difference);
    for (const host of [...rewritten.values(), ...added]) {
      host.record = host.domains.length === 0 ? null : virtualHostRecord(host.part, host.domains, pools.records);
    }
    const replacement = { gone, rewritten, added };
    if ((below?.hosts.size ?? 0) - gone.size + added.length === 0) return { ...replacement, assembled: null };
    const last = isWhole ? null : writer.unknownHosts(base.unknownHosts());
    const sum = below?.sum.clone() ?? createHashSum();
    for (const { record } of [...gone, ...rewritten.keys()]) if (record !== null) sum.remove(record.value.hash);
    for (const { record } of [...added, ...rewritten.values()]) if (record !== null) sum.add(record.value.hash);
    if (last !== null) sum.add(last.hash);
    const body = () =>
      editsOf(below, replacement, last) ?? [
        ...recordsOf(replaceIn(below?.sorted ?? [], replacement)),
        ...(last === null ? [] : [last]),
      ];
    const frame = writer.routeFrame(namesPorts(below === undefined ? added : [...added, ...below.sorted.slice(0, 1)]));
    return { ...replacement, assembled: acquireConfiguration({ name, sum, frame }, body, pools) };
  };
  const release = ({ rewritten, added, assembled }: Made) => {
    for (const { record } of [...rewritten.values(), ...added]) if (record !== null) pools.records.release(record);
    if (assembled !== null) releaseConfiguration(assembled, pools);
  };
  /** Returns the virtual hosts of a configuration that differs from the base. */
  const allOf = (name: string, made: Made) => replaceIn(base.get(name)?.sorted ?? [], made);

  return {
    replace(before, after) {
      for (const { plan } of before) differenceOf(plan.routeConfiguration).own.delete(plan.name);
      for (const part of after) differenceOf(part.plan.routeConfiguration).own.set(part.plan.name, part);
    },
    shadow(before, after) {
      for (const { plan } of before) differenceOf(plan.routeConfiguration).shadowed.delete(plan.name);
      for (const { plan } of after) differenceOf(plan.routeConfiguration).shadowed.add(plan.name);
    },
    baseChanged(name) {
      if (differences.has(name)) dirty.add(name);
    },
    *settle() {
      for (const name of dirty) {
        put(name);
        dirty.delete(name);
        yield;
      }
    },
    *partsOf(name) {
      const made = differences.get(name)?.made ?? null;
      if (made === null) return yield* base.partsOf(name);
      for (const { part, record } of allOf(name, made)) {
        if (record !== null) yield { part: part.plan.name, origins: part.plan.origins };
      }
    },
    has(part) {
      const { routeConfiguration, name } = part.plan;
      const made = differences.get(routeConfiguration)?.made ?? null;
      const below = base.get(routeConfiguration)?.hosts.get(name);
      const own = made?.added.find((host) => host.part.plan.name === name);
      if (made === null || own !== undefined) return own === undefined ? base.has(part) : own.record !== null;
      return below !== undefined && !made.gone.has(below) && (made.rewritten.get(below) ?? below).record !== null;
    },
    dispose() {
      for (const { made } of differences.values()) if (made !== null) release(made);
      differences.clear();
    },
  };
}

/** Virtual host whose record is written for this scope, with its domains. */
interface WrittenVirtualHost extends VirtualHost {
  readonly domains: readonly string[];
}

/**
 * Decides the owners of affected domains, as an index of the whole configuration would. Affected are the domains
 * claimed by virtual hosts of the scope, and those of shadowed ones. All others are equal in the base.
 */
function applyDifference(below: Configuration | undefined, { own, shadowed }: Pick<Difference, 'own' | 'shadowed'>) {
  const gone = new Set([...shadowed].flatMap((name) => below?.hosts.get(name) ?? []));
  const isLeft = (host: VirtualHost): boolean => !gone.has(host);
  const added: readonly VirtualHost[] = [...own.values()].map((part) => ({ part, record: null }));
  const claims = new Map<string, VirtualHost[]>();
  for (const { part } of [...added, ...gone]) {
    for (const domain of part.plan.domains) {
      if (!claims.has(domain)) claims.set(domain, (below?.domains.claimsOf(domain) ?? []).filter(isLeft));
    }
  }
  for (const host of added) for (const domain of host.part.plan.domains) claims.get(domain)?.push(host);
  const owners = new Map<string, VirtualHost | undefined>();
  const moved = new Set<VirtualHost>();
  for (const [domain, hosts] of claims) {
    const owner = hosts.reduce<VirtualHost | undefined>(
      (first, host) => (first === undefined || compareClaims(domain, host, first) < 0 ? host : first),
      undefined,
    );
    owners.set(domain, owner);
    const ownerBelow = below?.domains.ownerOf(domain);
    if (owner === ownerBelow) continue;
    for (const host of [owner, ownerBelow])
      if (host !== undefined && below?.hosts.get(host.part.plan.name) === host) moved.add(host);
  }
  const write = (host: VirtualHost): WrittenVirtualHost => ({
    part: host.part,
    record: null,
    domains: host.part.plan.domains.filter(
      (domain) => (owners.has(domain) ? owners.get(domain) : below?.domains.ownerOf(domain)) === host,
    ),
  });
  const rewritten = new Map([...moved].filter(isLeft).map((host) => [host, write(host)]));
  const ownWritten = added.map(write).sort(byName);
  return {
    gone,
    rewritten,
    added: ownWritten,
    isWhole: owners.has('*') ? owners.get('*') !== undefined : (below?.domains.has('*') ?? false),
  };
}

type Replacement = Pick<Made, 'gone' | 'rewritten' | 'added'>;

/**
 * Returns the bytes of a large route configuration of the base with some virtual hosts replaced; null if it is not
 * large. Thousands of virtual hosts stay as they are, and many scopes each replace a few. `last` comes after all of
 * them.
 */
function editsOf(below: Configuration | undefined, { gone, rewritten, added }: Replacement, last: HashedBytes | null) {
  const layout = below === undefined ? null : layoutOf(below);
  if (layout === null) return null;
  const { starts, sorted } = layout;
  const end = starts.at(-1) ?? 0;
  const startOf = (index: number) => starts[index] ?? end;
  const edits: (Edit & { readonly index: number })[] = [];
  for (const host of [...gone, ...rewritten.keys()]) {
    const index = indexOf(sorted, host.part.plan.name);
    const bytes = rewritten.get(host)?.record?.value.bytes ?? null;
    edits.push({ index: index + 0.5, from: startOf(index), to: startOf(index + 1), bytes });
  }
  for (const { part, record } of added) {
    const index = indexOf(sorted, part.plan.name);
    if (record !== null) edits.push({ index, from: startOf(index), to: startOf(index), bytes: record.value.bytes });
  }
  edits.sort((a, b) => a.index - b.index);
  const chunks = edited(layout, [...edits, { from: end, to: layout.length, bytes: last?.bytes ?? null }]);
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0) < largeBytes ? null : chunks;
}

/** Returns the virtual hosts of the base with some of them replaced. */
function replaceIn(sorted: readonly VirtualHost[], { gone, rewritten, added }: Replacement): readonly VirtualHost[] {
  const all: VirtualHost[] = [];
  let next = 0;
  for (const host of sorted) {
    for (let own = added[next]; own !== undefined && byName(own, host) < 0; own = added[++next]) all.push(own);
    if (!gone.has(host)) all.push(rewritten.get(host) ?? host);
  }
  for (const own of added.slice(next)) all.push(own);
  return all;
}
