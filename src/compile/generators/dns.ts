import type { DestinationEndpoints } from '../../plan/destination.ts';
import type { ClusterJson } from '../../proto/json.ts';
import { localityJson, socketAddress } from './json.ts';

type DnsEndpoints = Extract<DestinationEndpoints, { type: 'dns' }>;

/** Generates the discovery of endpoints whose names Envoy resolves. The answers' TTLs decide how often it does. */
export const dnsDiscovery = (name: string, endpoints: DnsEndpoints): Omit<ClusterJson, 'name'> => ({
  type: endpoints.all ? 'STRICT_DNS' : 'LOGICAL_DNS',
  dnsLookupFamily: lookupFamilies[endpoints.families],
  dnsRefreshRate: '60s',
  respectDnsTtl: true,
  loadAssignment: { clusterName: name, endpoints: byLocality(endpoints.targets).map(localityEndpoints) },
});

const lookupFamilies = {
  ipv4: 'V4_ONLY',
  ipv6: 'V6_ONLY',
  dual: 'ALL',
  any: 'V4_PREFERRED',
} as const satisfies Record<DnsEndpoints['families'], ClusterJson['dnsLookupFamily']>;

type Targets = DnsEndpoints['targets'];

function byLocality(targets: Targets): readonly (readonly [locality: string, targets: Targets])[] {
  const groups = Map.groupBy(targets, ({ locality }) => locality);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

function localityEndpoints([locality, targets]: readonly [string, Targets]) {
  const lbEndpoints = targets.map(({ address, port, weight }) => ({
    endpoint: { address: socketAddress(address, port) },
    loadBalancingWeight: weight,
  }));
  if (locality === '') return { lbEndpoints };
  const loadBalancingWeight = targets.reduce((sum, { weight }) => sum + weight, 0);
  return { locality: localityJson(locality), lbEndpoints, loadBalancingWeight };
}
