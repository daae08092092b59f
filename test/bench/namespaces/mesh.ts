import { type BenchMesh, instancesOf, virtualServiceOf } from '../mesh.ts';
import type { NamespacedInstance } from '../servers/binnacle.ts';

/** Services assigned to namespaces in turn. All services are visible to all namespaces. */
export interface NamespacedMesh extends BenchMesh {
  readonly namespaces: number;
}

/** Returns the name of a namespace as xdsload builds it. */
export const namespaceName = (number: number): string => `ns-${String(number).padStart(3, '0')}`;

const namespaceOf = ({ namespaces }: NamespacedMesh, service: number): string => namespaceName(service % namespaces);

const hostOf = (mesh: NamespacedMesh, service: number): string =>
  `svc-${String(service).padStart(4, '0')}.${namespaceOf(mesh, service)}.svc.cluster.local`;

export const namespacedInstances = (mesh: NamespacedMesh): readonly NamespacedInstance[] =>
  [...instancesOf(mesh)].map((instance, number) => {
    const service = Math.floor(number / mesh.endpoints);
    return { ...instance, namespace: namespaceOf(mesh, service), host: hostOf(mesh, service) };
  });

/** The changing rule: one route with this prefix for one service, visible to all namespaces. */
export function changingRule(mesh: NamespacedMesh, prefix: string) {
  const service = Math.floor(mesh.services / 2);
  const host = hostOf(mesh, service);
  const { spec, metadata, ...rest } = virtualServiceOf(service, prefix);
  const route = [{ destination: { host, port: { number: 80 } } }];
  return {
    ...rest,
    metadata: { ...metadata, namespace: namespaceOf(mesh, service) },
    spec: { hosts: [host], http: spec.http.map((one) => ({ ...one, route })) },
  };
}
