import { mergeSorted } from '../../lib/merge-sorted.ts';
import { clusterOfUnknown, type UnknownHosts } from '../../plan/route.ts';
import type { ContentPool, Pooled } from '../content-pool.ts';
import type { HashedBytes, Writer } from '../writer.ts';
import { createDomainIndex, type DomainIndex } from './domain-index.ts';
import { createHashSum, type HashSum } from './hash-sum.ts';
import {
  type AssembledRoutes,
  type AssemblyPools,
  acquireConfiguration,
  releaseConfiguration,
} from './route-assembly.ts';
import type { Tables } from './tables.ts';
import { namesPorts, type VirtualHost, type VirtualHostPart, virtualHostRecord } from './virtual-hosts.ts';

/** Pools shared by the route tables of all scopes. */
export interface RoutePools extends AssemblyPools {
  readonly records: ContentPool<HashedBytes>;
}

/** Route configurations of a scope, assembled from the virtual hosts of its hosts. */
export interface RouteTable {
  /** Replaces the virtual hosts of one host. */
  replace(before: readonly VirtualHostPart[], after: readonly VirtualHostPart[]): void;
  setUnknownHosts(policy: UnknownHosts): void;
  /** Writes the records whose domains or routes changed and assembles their route configurations. */
  settle(): Generator<undefined, void, undefined>;
  /** Returns the virtual hosts of a route configuration. */
  partsOf(name: string): Iterable<{ readonly part: string; readonly origins: readonly string[] }>;
  /** Returns true if an installed part owns a domain, so that its routes are in effect. */
  has(part: VirtualHostPart): boolean;
  dispose(): void;
}

/** Route configurations on which overlay scopes are based. */
export interface BaseRoutes extends RouteTable {
  get(name: string): Configuration | undefined;
  unknownHosts(): UnknownHosts;
}

/** Route configuration. Between flushes `sorted` has all its virtual hosts. */
export interface Configuration {
  readonly name: string;
  readonly hosts: Map<string, VirtualHost>;
  readonly domains: DomainIndex;
  /** Virtual hosts by name as of the last assembly; then those added and removed since. */
  sorted: readonly VirtualHost[];
  readonly arrived: Set<VirtualHost>;
  readonly gone: Set<VirtualHost>;
  assembled: Pooled<AssembledRoutes> | null;
  /** Sum of the hashes of its records. */
  readonly sum: HashSum;
}

export interface RouteTableOptions {
  readonly tables: Tables;
  readonly pools: RoutePools;
  readonly writer: Pick<Writer, 'routeFrame' | 'unknownHosts'>;
  /** Called when a route configuration was assembled or removed. */
  onAssembled(name: string): void;
}

export function createRouteTable({ tables, pools, writer, onAssembled }: RouteTableOptions): BaseRoutes {
  const configurations = new Map<string, Configuration>();
  const dirtyHosts = new Map<VirtualHost, Configuration>();
  const dirtyConfigurations = new Set<Configuration>();
  let unknownHosts: UnknownHosts = 'forward';

  const configurationOf = (name: string): Configuration => {
    const found = configurations.get(name);
    if (found !== undefined) return found;
    const created = createConfiguration(name);
    configurations.set(name, created);
    return created;
  };
  const markDirty = (configuration: Configuration, hosts: Iterable<VirtualHost>) => {
    dirtyConfigurations.add(configuration);
    for (const host of hosts) dirtyHosts.set(host, configuration);
  };
  const remove = ({ plan }: VirtualHostPart) => {
    const configuration = configurations.get(plan.routeConfiguration);
    const host = configuration?.hosts.get(plan.name);
    if (configuration === undefined || host === undefined) return;
    markDirty(configuration, configuration.domains.unclaim(host));
    configuration.hosts.delete(plan.name);
    if (!configuration.arrived.delete(host)) configuration.gone.add(host);
    dirtyHosts.delete(host);
    if (host.record !== null) {
      configuration.sum.remove(host.record.value.hash);
      pools.records.release(host.record);
    }
  };
  const add = (part: VirtualHostPart) => {
    const configuration = configurationOf(part.plan.routeConfiguration);
    const host: VirtualHost = { part, record: null };
    configuration.hosts.set(part.plan.name, host);
    configuration.arrived.add(host);
    markDirty(configuration, [host, ...configuration.domains.claim(host)]);
  };
  /** Replaces the routes of a virtual host. Its domains are unchanged, so the domain index is not consulted. */
  const update = (before: VirtualHostPart, after: VirtualHostPart) => {
    const configuration = configurationOf(after.plan.routeConfiguration);
    const host = configuration.hosts.get(after.plan.name);
    if (host === undefined) return;
    host.part = after;
    if (before.body !== after.body) markDirty(configuration, [host]);
  };

  const assemble = (configuration: Configuration) => {
    const before = configuration.assembled;
    configuration.assembled = configuration.hosts.size === 0 ? null : assembleConfiguration(configuration);
    if (configuration.assembled !== null) tables.set('route', configuration.assembled.value.resource);
    else {
      tables.delete('route', configuration.name);
      configurations.delete(configuration.name);
    }
    if (before !== null) releaseConfiguration(before, pools);
    onAssembled(configuration.name);
  };
  const assembleConfiguration = (configuration: Configuration): Pooled<AssembledRoutes> => {
    const { name } = configuration;
    const sorted = sortedHosts(configuration);
    const last = configuration.domains.has('*') ? null : writer.unknownHosts(unknownHosts);
    const sum = configuration.sum.clone();
    if (last !== null) sum.add(last.hash);
    const records = () => [...recordsOf(sorted), ...(last === null ? [] : [last])];
    return acquireConfiguration({ name, sum, frame: writer.routeFrame(namesPorts(sorted)) }, records, pools);
  };

  return {
    replace(before, after) {
      for (const part of before) if (!after.some((other) => isSamePlace(part, other))) remove(part);
      for (const part of after) {
        const same = before.find((other) => isSamePlace(part, other));
        if (same === undefined) add(part);
        else update(same, part);
      }
    },
    setUnknownHosts(policy) {
      if (clusterOfUnknown(policy) === clusterOfUnknown(unknownHosts)) return;
      unknownHosts = policy;
      for (const configuration of configurations.values()) markDirty(configuration, []);
    },
    *settle() {
      for (const [host, configuration] of dirtyHosts) {
        writeRecord(host, configuration, pools);
        dirtyHosts.delete(host);
        yield;
      }
      for (const configuration of dirtyConfigurations) {
        assemble(configuration);
        dirtyConfigurations.delete(configuration);
        yield;
      }
    },
    *partsOf(name) {
      for (const { part, record } of configurations.get(name)?.hosts.values() ?? []) {
        if (record !== null) yield { part: part.plan.name, origins: part.plan.origins };
      }
    },
    has: ({ plan }) => (configurations.get(plan.routeConfiguration)?.hosts.get(plan.name)?.record ?? null) !== null,
    get: (name) => configurations.get(name),
    unknownHosts: () => unknownHosts,
    dispose() {
      for (const { hosts, assembled: last } of configurations.values()) {
        for (const { record } of hosts.values()) if (record !== null) pools.records.release(record);
        if (last !== null) releaseConfiguration(last, pools);
      }
      configurations.clear();
    },
  };
}

const createConfiguration = (name: string): Configuration => ({
  name,
  hosts: new Map(),
  domains: createDomainIndex(),
  sorted: [],
  arrived: new Set(),
  gone: new Set(),
  assembled: null,
  sum: createHashSum(),
});

/** Replaces the record of a virtual host. A host that owns no domain has none. */
function writeRecord(host: VirtualHost, configuration: Configuration, { records }: Pick<RoutePools, 'records'>): void {
  const domains = configuration.domains.owned(host);
  const before = host.record;
  host.record = domains.length === 0 ? null : virtualHostRecord(host.part, domains, records);
  if (host.record !== null) configuration.sum.add(host.record.value.hash);
  if (before === null) return;
  configuration.sum.remove(before.value.hash);
  records.release(before);
}

/** Records of the virtual hosts that have one, in order. */
export const recordsOf = (hosts: readonly VirtualHost[]): readonly HashedBytes[] =>
  hosts.flatMap(({ record }) => (record === null ? [] : [record.value]));

/** Merges new hosts into the sorted list, which costs less than sorting thousands of hosts again. */
function sortedHosts(configuration: Configuration): readonly VirtualHost[] {
  const { sorted, arrived, gone } = configuration;
  const left = gone.size === 0 ? sorted : sorted.filter((host) => !gone.has(host));
  configuration.sorted = mergeSorted(left, [...arrived].sort(byName), byName);
  arrived.clear();
  gone.clear();
  return configuration.sorted;
}

export const byName = (a: VirtualHost, b: VirtualHost): number => (a.part.plan.name < b.part.plan.name ? -1 : 1);

/** Returns true if two parts are equal for the domain index. */
const isSamePlace = ({ plan: a }: VirtualHostPart, { plan: b }: VirtualHostPart): boolean =>
  a.name === b.name &&
  a.routeConfiguration === b.routeConfiguration &&
  a.createdAtMs === b.createdAtMs &&
  a.ownDomain === b.ownDomain &&
  (a.domains === b.domains || a.domains.join() === b.domains.join());
