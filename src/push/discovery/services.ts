import { type NamedType, namedTypeUrls, typeRows, type XdsType, xdsTypes } from '../../proto/resource.ts';
import type { Mode } from '../../xds/wire/response.ts';

/** Discovery service of Envoy's API. */
export interface DiscoveryService {
  /** Name in paths: `envoy.service.cluster.v3.ClusterDiscoveryService`. */
  readonly name: string;
  /** Short name for people: `CDS`. */
  readonly short: string;
  /** The one type that it serves; null: every type, with what docs/protocol.md says of their order. */
  readonly only: (RequestedType & { readonly typeUrl: string }) | null;
  readonly methods: readonly { readonly name: string; readonly mode: Mode }[];
  /** Name of the unary method; null for types without tables. */
  readonly fetch: string | null;
}

/** Requested type: one with tables, one of names, or (both null) one that is not served. */
export interface RequestedType {
  readonly type: XdsType | null;
  readonly named: NamedType | null;
}

/**
 * Returns true if it answers unary requests. It does not for types that leave absent names unanswered, because a unary
 * call cannot wait.
 */
export const isFetched = ({ fetch, only }: DiscoveryService): boolean =>
  fetch !== null && only !== null && only.type !== null && typeRows[only.type].unknown !== 'unanswered';

/** All services, ADS first. */
export const discoveryServices: readonly DiscoveryService[] = [
  {
    name: 'envoy.service.discovery.v3.AggregatedDiscoveryService',
    short: 'ADS',
    only: null,
    methods: [
      { name: 'StreamAggregatedResources', mode: 'sotw' },
      { name: 'DeltaAggregatedResources', mode: 'delta' },
    ],
    fetch: null,
  },
  ...xdsTypes.map(serviceOf),
  {
    short: 'VHDS',
    name: 'envoy.service.route.v3.VirtualHostDiscoveryService',
    ...named('virtual-host'),
    methods: [{ name: 'DeltaVirtualHosts', mode: 'delta' }],
    fetch: null,
  },
];

function serviceOf(type: XdsType): DiscoveryService {
  const { short, service, plural, typeUrl } = typeRows[type];
  return { short, name: service, only: { type, named: null, typeUrl }, ...methodsOf(plural) };
}

function named(type: NamedType): Pick<DiscoveryService, 'only'> {
  return { only: { type: null, named: type, typeUrl: namedTypeUrls[type] } };
}

/** Returns the methods that most services have, by the plural of their type. */
function methodsOf(plural: string): Pick<DiscoveryService, 'methods' | 'fetch'> {
  return {
    methods: [
      { name: `Stream${plural}`, mode: 'sotw' },
      { name: `Delta${plural}`, mode: 'delta' },
    ],
    fetch: `Fetch${plural}`,
  };
}
