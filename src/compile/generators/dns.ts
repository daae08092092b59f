import type { ClientPlace, DestinationEndpoints, DnsTarget } from '../../plan/destination.ts';
import type { ClusterJson } from '../../proto/json.ts';
import { extension, localityJson, socketAddress } from './json.ts';
import { arrange, byLocality, type EndpointGroup, maxWeight, weightOf } from './localities.ts';

type DnsEndpoints = Extract<DestinationEndpoints, { type: 'dns' }>;
type LookupFamilies = DnsEndpoints['families'];

/**
 * Generates the discovery of the endpoint that a call names. Addresses are looked up by a filter of the listener, which
 * finds the cache by its name.
 */
export const dynamicDnsDiscovery = (families: LookupFamilies): Omit<ClusterJson, 'name'> => ({
  lbPolicy: 'CLUSTER_PROVIDED',
  clusterType: {
    name: 'envoy.clusters.dynamic_forward_proxy',
    typedConfig: extension('envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig', {
      dnsCacheConfig: dnsCache(families),
      allowInsecureClusterOptions: true, // a rule decides about TLS to the server
    }),
  },
});

/** Generates the cache that all destinations and filters with these families share. */
export const dnsCache = (families: LookupFamilies) => ({
  name: `dynamic-dns-${families}`,
  dnsLookupFamily: lookupFamilies[families],
});

/** Generates the discovery of endpoints whose names Envoy resolves. The answers' TTLs decide how often it does. */
export const dnsDiscovery = (name: string, endpoints: DnsEndpoints, place: ClientPlace): Omit<ClusterJson, 'name'> => ({
  type: endpoints.all ? 'STRICT_DNS' : 'LOGICAL_DNS',
  dnsLookupFamily: lookupFamilies[endpoints.families],
  dnsRefreshRate: '60s',
  respectDnsTtl: true,
  loadAssignment: {
    clusterName: name,
    endpoints: arrange(byLocality(endpoints.targets), endpoints.locality, place).map(localityEndpoints),
  },
});

const lookupFamilies = {
  ipv4: 'V4_ONLY',
  ipv6: 'V6_ONLY',
  dual: 'ALL',
  any: 'V4_PREFERRED',
} as const satisfies Record<LookupFamilies, ClusterJson['dnsLookupFamily']>;

function localityEndpoints({ locality, endpoints, weight, priority }: EndpointGroup<DnsTarget>) {
  const lbEndpoints = endpoints.map((target) => ({
    endpoint: { address: socketAddress(target.address, target.port) },
    ...(target.isHealthy ? {} : { healthStatus: 'UNHEALTHY' as const }),
    loadBalancingWeight: weightOf(target),
  }));
  const order = priority === 0 ? {} : { priority };
  if (locality === '') return { lbEndpoints, ...order };
  return {
    locality: localityJson(locality),
    lbEndpoints,
    loadBalancingWeight: Math.min(weight, maxWeight),
    ...order,
  };
}
