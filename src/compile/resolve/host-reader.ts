import type { Endpoint } from '../../model/endpoint.ts';
import { serviceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { RetryPlan } from '../../plan/route.ts';
import type { MergedDestinationRule } from '../../rules/kinds/destination-rule/resolve.ts';
import { everyPort } from '../../rules/kinds/sidecar/resolve.ts';
import { type VirtualService, virtualService } from '../../rules/kinds/virtual-service/index.ts';
import { defaultRetries, resolveRetries } from '../../rules/kinds/virtual-service/resolve-policies.ts';
import type { MeshConfig } from '../../rules/mesh-config.ts';
import type { ClientTraits } from '../client-traits.ts';
import type { TrackedReader } from '../world/world-reader.ts';
import type { ClientFacts } from './client-facts.ts';
import { type Egress, httpProxyEgress, plainEgress } from './egress.ts';
import { createVisibility, type Visibility } from './visibility.ts';

/**
 * Access to the world for resolving one host. It records all reads beyond the host's own name. These are the
 * dependencies of the plan, so that none is missed.
 */
export interface HostReader {
  readonly facts: ClientFacts;
  readonly client: ClientTraits;
  readonly domainSuffix: string;
  mesh(): MeshConfig;
  /** Listener of the calls that this reader sees. Only the services and rules of its hosts are callable. */
  readonly egress: Egress;
  /** Returns a reader for each listener of the clients; this one for clients without listeners. */
  throughListeners(): readonly HostReader[];
  /** Returns the mesh's retries of routes without their own; null for none. */
  defaultRetries(): RetryPlan | null;
  callableService(host: string): Service | null;
  visibleService(host: string): Service | null;
  virtualServices: Visibility['virtualServices'];
  /** Returns the VirtualService of this name; null if there is none. */
  virtualServiceOf(namespace: string, name: string): VirtualService | null;
  /** Returns true if clients in `namespace` see the rule. */
  isExportedTo(rule: VirtualService, namespace: string): boolean;
  destinationRule(service: Service): MergedDestinationRule | null;
  coversCallable(wildcard: string): boolean;
  unknownHosts: Visibility['unknownHosts'];
  /** Returns the endpoints that have not departed. */
  endpoints(service: Service): readonly Endpoint[];
  allEndpoints(service: Service): readonly Endpoint[];
  /** Returns the host, or the host of which it is an alias. Hosts that are aliases of each other have no service. */
  realHost(host: string): string;
  /** Returns the aliases of a host that this scope's proxies may call and that have no rule; sorted. */
  otherNames(host: string): readonly string[];
  /** Returns the service of a route, also by an alias, and records that this scope needs its destinations. */
  referencedService(host: string): Service | null;
  references(): Iterable<string>;
  dependencies(): Iterable<string>;
}

export interface HostReaderOptions {
  readonly world: TrackedReader;
  readonly facts: ClientFacts;
  readonly client: ClientTraits;
}

/** Creates a reader for the plan of `host`. */
export function createHostReader(options: HostReaderOptions, host: string): HostReader {
  const references = new Set<string>();
  const { facts, client, world } = options;
  const readerOf = (of: ClientFacts, egress: Egress): HostReader =>
    createListenerReader({ ...options, facts: of, egress, references, throughListeners }, host);
  const throughListeners = () => {
    if (!client.isProxy || facts.role !== 'sidecar') return [reader];
    const places = facts.egressPlaces();
    const { proxyHttpPort } = world.mesh();
    if (places.length === 1 && places[0] === everyPort && proxyHttpPort === 0) return [reader];
    const own = places.map((place, index) =>
      readerOf(facts.through(index), { place, earlier: places.slice(0, index), routeConfiguration: null }),
    );
    const last = places.findIndex(({ port }) => port === null);
    if (proxyHttpPort === 0 || last === -1) return own;
    return [...own, readerOf(facts.through(last), httpProxyEgress(proxyHttpPort))];
  };
  const reader = readerOf(facts, plainEgress);
  return reader;
}

interface ListenerReaderOptions extends HostReaderOptions, Pick<HostReader, 'egress' | 'throughListeners'> {
  readonly references: Set<string>;
}

function createListenerReader(options: ListenerReaderOptions, host: string): HostReader {
  const { world, facts, client, egress, references, throughListeners } = options;
  const visibility = createVisibility(world, facts);
  const realHost = (from: string): string => {
    const visited = new Set([from]);
    for (const at of visited) {
      const next = visibility.aliasOf(at);
      if (next === null) return at;
      visited.add(next);
    }
    return from;
  };
  return {
    facts,
    client,
    domainSuffix: world.domainSuffix,
    mesh: world.mesh,
    egress,
    throughListeners,
    callableService: visibility.callableService,
    visibleService: visibility.visibleService,
    defaultRetries() {
      const spec = world.mesh().defaultHttpRetryPolicy;
      return spec === undefined ? defaultRetries : resolveRetries(spec);
    },
    virtualServices: visibility.virtualServices,
    virtualServiceOf: (namespace, name) => world.ruleOf(virtualService, namespace, name),
    isExportedTo: visibility.isExportedTo,
    destinationRule: visibility.destinationRule,
    coversCallable: visibility.coversCallable,
    unknownHosts: visibility.unknownHosts,
    endpoints: ({ namespace, hostname }) => world.endpoints(serviceKey(namespace, hostname))?.endpoints ?? [],
    allEndpoints: ({ namespace, hostname }) => world.allEndpoints(serviceKey(namespace, hostname))?.endpoints ?? [],
    realHost,
    otherNames(of) {
      const names = new Set<string>();
      const hosts = new Set([of]);
      for (const at of hosts) {
        for (const { hostname } of world.aliasesOf(at)) {
          hosts.add(hostname);
          const hasRule = visibility.virtualServices(hostname, true).length > 0;
          if (hostname === of || hasRule || !visibility.mayCall(hostname)) continue;
          if (realHost(hostname) === of) names.add(hostname);
        }
      }
      return [...names].sort();
    },
    referencedService(named) {
      const other = realHost(named);
      const callable = visibility.callableService(other);
      if (other !== host || callable === null) references.add(other);
      return callable ?? visibility.visibleService(other);
    },
    references: () => references,
    dependencies: world.dependencies,
  };
}
