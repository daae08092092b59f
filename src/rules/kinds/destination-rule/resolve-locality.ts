import type { Service } from '../../../model/service.ts';
import type { LocalityPlan } from '../../../plan/destination.ts';
import type { MeshConfig } from '../../mesh-config.ts';
import type { PortPolicy } from './policy-schema.ts';

type LocalitySpec = NonNullable<MeshConfig['localityLbSetting']>;

/**
 * Resolves the preferences of endpoints: those of a rule, else of the service, else of the mesh, each as a whole.
 * Failover of rules and mesh needs outlier detection: without it, clients would not notice that a locality fails.
 */
export function resolveLocality(
  { loadBalancer, outlierDetection }: PortPolicy,
  { prefersNear }: Pick<Service, 'prefersNear'>,
  mesh: Pick<MeshConfig, 'localityLbSetting'>,
): LocalityPlan | null {
  const ofRule = loadBalancer?.localityLbSetting;
  if (ofRule === undefined && prefersNear !== undefined) {
    return { type: 'failover', labels: nearLabels[prefersNear], byLocality: null };
  }
  const setting: LocalitySpec = ofRule ?? mesh.localityLbSetting ?? {};
  if (setting.enabled === false) return null;
  const { distribute = [], failover = [], failoverPriority = [] } = setting;
  if (distribute.length > 0) {
    return {
      type: 'shares',
      rules: distribute.map(({ from = '', to = {} }) => ({ from, to: Object.entries(to) })),
    };
  }
  if (outlierDetection === undefined) return null;
  const regions = failover.map(({ from = '', to = '' }) => ({ from, to }));
  const isByLabels = failoverPriority.length > 0;
  return {
    type: 'failover',
    labels: failoverPriority,
    byLocality: isByLabels && regions.length === 0 ? null : { regions },
  };
}

const zoneLabels = ['topology.istio.io/network', 'topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];

/** Labels that near endpoints share with the client. */
export const nearLabels: Readonly<Record<NonNullable<Service['prefersNear']>, readonly string[]>> = {
  zone: zoneLabels,
  node: [...zoneLabels, 'topology.istio.io/subzone', 'kubernetes.io/hostname'],
};

/**
 * Returns true if the weights of localities must count: a rule shares out requests, or has its own order of
 * localities.
 */
export function weighsLocalities(plan: LocalityPlan | null): boolean {
  if (plan === null) return false;
  return plan.type === 'shares' || plan.labels.length > 0 || (plan.byLocality?.regions.length ?? 0) > 0;
}
