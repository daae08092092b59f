import { type NamedType, namedTypeUrls, typeRows, type XdsType, xdsTypes } from '../../proto/resource.ts';
import type { Mode } from '../../xds/wire/response.ts';

/** A discovery service of Envoy's API. */
export interface DiscoveryService {
  /** As in paths: `envoy.service.cluster.v3.ClusterDiscoveryService`. */
  readonly name: string;
  /** For people: `CDS`. */
  readonly short: string;
  /** The one type that it serves; null: every type, with what ADR 1 says of their order. */
  readonly only: (RequestedType & { readonly typeUrl: string }) | null;
  readonly methods: readonly { readonly name: string; readonly mode: Mode }[];
  /** The unary method. Of types without tables it is not served: there is nothing to wait with. */
  readonly fetch: string | null;
}

/** Type that a request asks for: one with tables, one of names, or (both null) one that is not served. */
export interface RequestedType {
  readonly type: XdsType | null;
  readonly named: NamedType | null;
}

/**
 * Whether it answers single requests: not where a name that does not exist is not answered, as there is nothing to wait with,
 * nor of virtual hosts.
 */
export const isFetched = ({ fetch, only }: DiscoveryService): boolean =>
  fetch !== null && only !== null && only.type !== null && typeRows[only.type].unknown !== 'unanswered';

/** Every service that is served, ADS first. */
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

/** The methods that most services have, by the plural of their type. */
function methodsOf(plural: string): Pick<DiscoveryService, 'methods' | 'fetch'> {
  return {
    methods: [
      { name: `Stream${plural}`, mode: 'sotw' },
      { name: `Delta${plural}`, mode: 'delta' },
    ],
    fetch: `Fetch${plural}`,
  };
}
