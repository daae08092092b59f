/** Kind of object that is listed and watched. */
export interface WatchedKind {
  readonly kind: string;
  /** `v1`, `networking.istio.io/v1`. */
  readonly apiVersion: string;
  /** Name in paths. */
  readonly plural: string;
  readonly isNamespaced: boolean;
  /** Without these there is no mesh: where they are denied at the start, the shard does not count as synced. */
  readonly isEssential: boolean;
}

/** Kinds of services and endpoints. */
export const serviceKinds: readonly WatchedKind[] = [
  { apiVersion: 'v1', kind: 'Service', plural: 'services', isNamespaced: true, isEssential: true },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    isNamespaced: true,
    isEssential: true,
  },
  { apiVersion: 'v1', kind: 'Pod', plural: 'pods', isNamespaced: true, isEssential: true },
  { apiVersion: 'v1', kind: 'Node', plural: 'nodes', isNamespaced: false, isEssential: false },
];

const optional = (apiVersion: string, kind: string, plural: string): WatchedKind => ({
  apiVersion,
  kind,
  plural,
  isNamespaced: true,
  isEssential: false,
});

/** Kind whose labels select, and name a network. */
export const namespaces: WatchedKind = { ...optional('v1', 'Namespace', 'namespaces'), isNamespaced: false };

/** Kind of the mesh configuration: one ConfigMap. */
export const configMaps = optional('v1', 'ConfigMap', 'configmaps');

/** Kind of what holds kubeconfigs and credentials. */
export const secrets = optional('v1', 'Secret', 'secrets');

/** Istio's kinds, in the versions that its CRDs store. */
export const watchedRuleKinds: readonly WatchedKind[] = [
  optional('networking.istio.io/v1', 'VirtualService', 'virtualservices'),
  optional('networking.istio.io/v1', 'DestinationRule', 'destinationrules'),
  optional('networking.istio.io/v1', 'ServiceEntry', 'serviceentries'),
  optional('networking.istio.io/v1', 'WorkloadEntry', 'workloadentries'),
  optional('networking.istio.io/v1', 'WorkloadGroup', 'workloadgroups'),
  optional('networking.istio.io/v1', 'Gateway', 'gateways'),
  optional('networking.istio.io/v1', 'Sidecar', 'sidecars'),
  optional('networking.istio.io/v1alpha3', 'EnvoyFilter', 'envoyfilters'),
  optional('networking.istio.io/v1beta1', 'ProxyConfig', 'proxyconfigs'),
  optional('security.istio.io/v1', 'PeerAuthentication', 'peerauthentications'),
  optional('security.istio.io/v1', 'RequestAuthentication', 'requestauthentications'),
  optional('security.istio.io/v1', 'AuthorizationPolicy', 'authorizationpolicies'),
  optional('telemetry.istio.io/v1', 'Telemetry', 'telemetries'),
  optional('extensions.istio.io/v1alpha1', 'WasmPlugin', 'wasmplugins'),
  optional('extensions.istio.io/v1alpha1', 'TrafficExtension', 'trafficextensions'),
];

/** Builds the path of a kind's list, in one namespace or in all (null). */
export function listPath({ apiVersion, plural, isNamespaced }: WatchedKind, namespace: string | null): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return isNamespaced && namespace !== null ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`;
}
