import type { MeshView } from '../../compile/contract.ts';
import type { Proxy } from '../../model/proxy.ts';

/**
 * Yields likely sidecars, for a start that knows no proxies: captured Envoys without labels. The first is in the
 * default namespace. One follows for each other namespace with services, those with the most services first. The
 * namespaces are read when the second one is requested.
 */
export function* likelyProxies({
  domainSuffix,
  serviceHosts,
  servicesOf,
}: Pick<MeshView, 'domainSuffix' | 'serviceHosts' | 'servicesOf'>): Generator<Proxy> {
  yield sidecarOf(defaultNamespace, domainSuffix);
  const services = new Map<string, number>();
  for (const host of serviceHosts()) {
    for (const { namespace } of servicesOf(host)) services.set(namespace, (services.get(namespace) ?? 0) + 1);
  }
  services.delete(defaultNamespace);
  const namespaces = [...services].sort(([, a], [, b]) => b - a).map(([namespace]) => namespace);
  for (const namespace of namespaces) yield sidecarOf(namespace, domainSuffix);
}

const defaultNamespace = 'default';

const sidecarOf = (namespace: string, domainSuffix: string): Proxy => ({
  id: `first-compile.${namespace}`,
  role: 'sidecar',
  client: 'envoy',
  name: 'first-compile',
  namespace,
  dnsDomain: `${namespace}.svc.${domainSuffix}`,
  addresses: ['192.0.2.1'], // no workload has it (RFC 5737)
  labels: {},
  cluster: '',
  network: '',
  locality: '',
  interception: 'redirect',
});
