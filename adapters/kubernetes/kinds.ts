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

const core = (apiVersion: string, kind: string, plural: string): WatchedKind => ({
  kind,
  apiVersion,
  plural,
  isNamespaced: kind !== 'Node',
  isEssential: kind !== 'Node',
});

const rule = (apiVersion: string, kind: string, plural: string): WatchedKind => ({
  kind,
  apiVersion,
  plural,
  isNamespaced: true,
  isEssential: false,
});

/** Kinds of services and endpoints. */
export const serviceKinds: readonly WatchedKind[] = [
  core('v1', 'Service', 'services'),
  core('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  core('v1', 'Pod', 'pods'),
  core('v1', 'Node', 'nodes'),
];

/** Istio's kinds, in the versions that its CRDs store. */
export const ruleKinds: readonly WatchedKind[] = [
  rule('networking.istio.io/v1', 'VirtualService', 'virtualservices'),
  rule('networking.istio.io/v1', 'DestinationRule', 'destinationrules'),
  rule('networking.istio.io/v1', 'ServiceEntry', 'serviceentries'),
  rule('networking.istio.io/v1', 'WorkloadEntry', 'workloadentries'),
  rule('networking.istio.io/v1', 'WorkloadGroup', 'workloadgroups'),
  rule('networking.istio.io/v1', 'Gateway', 'gateways'),
  rule('networking.istio.io/v1', 'Sidecar', 'sidecars'),
  rule('networking.istio.io/v1alpha3', 'EnvoyFilter', 'envoyfilters'),
  rule('networking.istio.io/v1beta1', 'ProxyConfig', 'proxyconfigs'),
  rule('security.istio.io/v1', 'PeerAuthentication', 'peerauthentications'),
  rule('security.istio.io/v1', 'RequestAuthentication', 'requestauthentications'),
  rule('security.istio.io/v1', 'AuthorizationPolicy', 'authorizationpolicies'),
  rule('telemetry.istio.io/v1', 'Telemetry', 'telemetries'),
  rule('extensions.istio.io/v1alpha1', 'WasmPlugin', 'wasmplugins'),
];

/** Builds the path of a kind's list, in one namespace or in all (null). */
export function listPath({ apiVersion, plural, isNamespaced }: WatchedKind, namespace: string | null): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return isNamespaced && namespace !== null ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`;
}
