import type { ShardChange, ShardContents } from '../../src/adapter-contract/adapter.ts';
import type { Addresses } from '../../src/dns/addresses.ts';
import type { Governance } from '../../src/dubbo/governance/governance.ts';
import { objectChanges } from '../../src/dubbo/governance/object-changes.ts';
import type { Provider } from '../../src/dubbo/provider.ts';
import { ipVersion } from '../../src/lib/ip.ts';
import { type Endpoint, type EndpointSet, isCallable } from '../../src/model/endpoint.ts';
import type { Hostname } from '../../src/model/names.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { Service, ServicePort } from '../../src/model/service.ts';

/** One instance of one service, as a node tells of it. */
export interface CatalogEntry {
  readonly hostname: Hostname;
  readonly aliases: readonly Hostname[];
  /** Ports of the service that this instance serves. */
  readonly ports: readonly ServicePort[];
  /** Labels of the service, of which its hostname was made. */
  readonly labels: Readonly<Record<string, string>>;
  readonly endpoint: Endpoint;
  /** Provider to which rules of Dubbo apply, or null. */
  readonly provider: Provider | null;
}

export interface CatalogOptions {
  readonly namespace: string;
  /**
   * Time for which the endpoints of a service stay after its last node is gone. A provider that makes its node anew, or
   * registers again, is never missing.
   */
  readonly holdMs: number;
  /** Addresses of endpoints that have a host name. */
  readonly addresses: Pick<Addresses, 'use' | 'of'>;
  readonly governance: Governance;
}

/** Services and endpoints that nodes became. It holds no timers: `takeChanges` is given the time. */
export interface Catalog {
  /** Replaces all entries of a source (a node). A folder is what lasts while its services have no instances. */
  put(source: string, folder: string, entries: readonly CatalogEntry[]): void;
  remove(source: string): void;
  /** Notes that addresses of host names changed that entries of these sources have. */
  resolved(sources: readonly string[]): void;
  /** Forgets services that have no instance, and had theirs only in this folder. */
  removeFolder(folder: string): void;
  /** Returns the changes since the last call. */
  takeChanges(nowMs: number): readonly ShardChange[];
  /** Returns the time in milliseconds at which `takeChanges` has to be called without another change, or null. */
  nextAtMs(): number | null;
  /** Returns everything as it was last taken. */
  contents(): ShardContents;
}

interface KnownService {
  readonly bySource: Map<string, readonly CatalogEntry[]>;
  readonly folders: Set<string>;
  /** Ports by name. They stay while the service does, so that no instance's end takes a port away. */
  readonly ports: Map<string, ServicePort>;
  service: Service | null;
  endpoints: EndpointSet | null;
  /** Rules of the mesh that rules of Dubbo became. */
  objects: readonly RawObject[];
  /** Time until which the endpoints are held, or null. */
  heldUntilMs: number | null;
}

export function createCatalog({ namespace, holdMs, addresses, governance }: CatalogOptions): Catalog {
  const services = new Map<Hostname, KnownService>();
  const sources = new Map<string, { readonly folder: string; readonly hostnames: ReadonlySet<Hostname> }>();
  const dirty = new Set<Hostname>();
  const held = new Set<Hostname>();

  function knownService(hostname: Hostname): KnownService {
    const known = services.get(hostname) ?? {
      bySource: new Map(),
      folders: new Set(),
      ports: new Map(),
      service: null,
      endpoints: null,
      objects: [],
      heldUntilMs: null,
    };
    services.set(hostname, known);
    return known;
  }

  function unlink(source: string): void {
    for (const hostname of sources.get(source)?.hostnames ?? []) {
      services.get(hostname)?.bySource.delete(source);
      dirty.add(hostname);
    }
    sources.delete(source);
  }

  function changesOf(hostname: Hostname, nowMs: number): readonly ShardChange[] {
    const known = services.get(hostname);
    if (known === undefined) return [];
    const entries = [...known.bySource.values()].flat();
    const located = entries.flatMap(atEachAddress);
    if (located.length === 0 && isHeld(hostname, known, nowMs)) return [];
    known.heldUntilMs = null;
    held.delete(hostname);
    if (entries.length === 0 && known.folders.size === 0) {
      services.delete(hostname);
      governance.forget(hostname);
      const removed = objectChanges(known.objects, []);
      return known.service === null ? removed : [...removed, { type: 'service-removed', namespace, hostname }];
    }
    const service = serviceOf(hostname, known, entries);
    const isNew = known.service !== service;
    known.service = service;
    const { endpoints, objects } = governedParts(located, service, governance);
    known.endpoints = { namespace, hostname, endpoints };
    const changed = objectChanges(known.objects, objects);
    known.objects = objects;
    return [
      ...(isNew ? [{ type: 'service', service } as const] : []),
      { type: 'endpoints', set: known.endpoints } as const,
      ...changed,
    ];
  }

  /** Repeats an instance at a host name for each address of that name. */
  const atEachAddress = (entry: CatalogEntry): readonly CatalogEntry[] =>
    ipVersion(entry.endpoint.address) === 0
      ? addresses.of(entry.endpoint.address).map((address) => ({ ...entry, endpoint: { ...entry.endpoint, address } }))
      : [entry];

  /** Holds the last endpoints for a while when no node is left, or none with a known address. */
  function isHeld(hostname: Hostname, known: KnownService, nowMs: number): boolean {
    if (!(known.endpoints?.endpoints.some(isCallable) ?? false)) return false;
    known.heldUntilMs ??= nowMs + holdMs;
    if (nowMs >= known.heldUntilMs) return false;
    held.add(hostname);
    return true;
  }

  function serviceOf(hostname: Hostname, known: KnownService, entries: readonly CatalogEntry[]): Service {
    const before = known.service;
    const portCount = known.ports.size;
    for (const { ports } of entries)
      for (const port of ports) if (!known.ports.has(port.name)) known.ports.set(port.name, port);
    const first = entries[0];
    if (before !== null && portCount === known.ports.size) return before;
    return {
      hostname,
      namespace,
      name: hostname,
      registry: 'zookeeper',
      createdAtMs: 0, // nothing in ZooKeeper that survives says when a service was first there
      ports: [...known.ports.values()].sort((a, b) => a.number - b.number),
      vips: [],
      aliases: before?.aliases ?? first?.aliases ?? [],
      aliasOf: null,
      resolution: 'static',
      headless: false,
      exportTo: [],
      external: false,
      labels: before?.labels ?? first?.labels ?? {},
    };
  }

  return {
    put(source, folder, entries) {
      unlink(source);
      addresses.use(source, hostNames(entries));
      for (const [hostname, own] of Map.groupBy(entries, (entry) => entry.hostname)) {
        const known = knownService(hostname);
        known.bySource.set(source, own);
        known.folders.add(folder);
        dirty.add(hostname);
      }
      sources.set(source, { folder, hostnames: new Set(entries.map(({ hostname }) => hostname)) });
    },
    remove(source) {
      unlink(source);
      addresses.use(source, []);
    },
    resolved(changed) {
      for (const source of changed) for (const hostname of sources.get(source)?.hostnames ?? []) dirty.add(hostname);
    },
    removeFolder(folder) {
      for (const [hostname, known] of services) if (known.folders.delete(folder)) dirty.add(hostname);
    },
    takeChanges(nowMs) {
      const isConcerned = governance.takeConcerned();
      if (isConcerned !== null)
        for (const [hostname, { bySource }] of services)
          if (isConcerned(providersOf([...bySource.values()].flat()))) dirty.add(hostname);
      for (const hostname of held) if ((services.get(hostname)?.heldUntilMs ?? 0) <= nowMs) dirty.add(hostname);
      const changes = [...dirty].flatMap((hostname) => changesOf(hostname, nowMs));
      dirty.clear();
      return changes;
    },
    nextAtMs() {
      let next: number | null = null;
      for (const hostname of held) {
        const until = services.get(hostname)?.heldUntilMs ?? null;
        if (until !== null && (next === null || until < next)) next = until;
      }
      return next;
    },
    contents: () => ({
      services: [...services.values()].flatMap(({ service }) => service ?? []),
      endpoints: [...services.values()].flatMap(({ endpoints }) => endpoints ?? []),
      workloads: [],
      objects: [...services.values()].flatMap(({ objects }) => objects),
    }),
  };
}

const hostNames = (entries: readonly CatalogEntry[]): readonly string[] => [
  ...new Set(entries.flatMap(({ endpoint: { address } }) => (ipVersion(address) === 0 ? [address] : []))),
];

const providersOf = (entries: readonly CatalogEntry[]): readonly Provider[] => [
  ...new Set(entries.flatMap(({ provider }) => provider ?? [])),
];

/** Applies rules of Dubbo to the instances of a service. */
function governedParts(entries: readonly CatalogEntry[], service: Service, governance: Governance) {
  const { namespace, hostname, ports } = service;
  const providers = providersOf(entries);
  const governed = governance.apply(hostname, { namespace, hostname, ports, providers });
  if (governed === null) return { endpoints: distinct(entries), objects: [] };
  const byProvider = new Map(providers.map((provider, index) => [provider, governed.endpoints[index]]));
  const ruled = entries.map((entry) => {
    const endpoint = entry.provider === null ? undefined : byProvider.get(entry.provider);
    if (endpoint === undefined) return entry;
    const { address, origin } = entry.endpoint;
    return { ...entry, endpoint: { ...endpoint, address, ...(origin === undefined ? {} : { origin }) } };
  });
  return { endpoints: distinct(ruled), objects: governed.objects };
}

/** Removes endpoints that several nodes tell of, such as those of a provider before and after its restart. */
function distinct(entries: readonly CatalogEntry[]): readonly Endpoint[] {
  const byPlace = new Map<string, CatalogEntry>();
  for (const entry of entries) {
    const place = JSON.stringify([entry.endpoint.address, entry.endpoint.ports]);
    const known = byPlace.get(place);
    if (known === undefined || isBetter(entry, known)) byPlace.set(place, entry);
  }
  return [...byPlace.values()].map(({ endpoint }) => endpoint);
}

/** Prefers an endpoint that may be called, then the one that was registered later, then any, but always the same. */
function isBetter(a: CatalogEntry, b: CatalogEntry): boolean {
  const [callable, otherCallable] = [a, b].map(({ endpoint }) => isCallable(endpoint));
  if (callable !== otherCallable) return callable === true;
  const [time = 0, otherTime = 0] = [a, b].map(({ provider }) => Number(provider?.parameters.get('timestamp')) || 0);
  return time === otherTime ? JSON.stringify(a.endpoint) < JSON.stringify(b.endpoint) : time > otherTime;
}
