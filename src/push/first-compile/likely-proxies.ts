import type { MeshView } from '../../compile/contract.ts';
import type { Proxy } from '../../model/proxy.ts';

/**
 * Sidecars that a mesh is likely to have, for a start that knows of none: Envoys whose traffic is captured, without labels. First one of
 * the namespace of clients that name none; then, by what the mesh holds when it is asked for, one of each other namespace
 * that has services, those with the most first.
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
  addresses: ['192.0.2.1'], // of no workload (RFC 5737)
  labels: {},
  cluster: '',
  network: '',
  locality: '',
  interception: 'redirect',
});
