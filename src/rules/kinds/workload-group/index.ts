import { pathFinder } from '../../present-paths.ts';
import type { RuleKind } from '../../rule.ts';
import { textColumn } from '../shared/columns.ts';
import { type WorkloadGroupSpec, workloadGroupSpec } from './schema.ts';

/** Istio's WorkloadGroup: the template of workloads that register themselves. */
export const workloadGroup: RuleKind<'WorkloadGroup', WorkloadGroupSpec> = {
  kind: 'WorkloadGroup',
  plural: 'workloadgroups',
  singular: 'workloadgroup',
  shortNames: ['wg'],
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  scope: 'namespaced',
  about: 'Common settings of workloads outside Kubernetes that register themselves, and their probes.',
  spec: workloadGroupSpec,
  columns: [
    textColumn('Account', 'template.serviceAccount', { about: 'The service account of the workloads.' }),
    textColumn('Network', 'template.network', { about: 'The network of the workloads.', wide: true }),
    textColumn('Locality', 'template.locality', { about: 'Their region, zone and subzone.', wide: true }),
  ],
  pending: pathFinder(['probe', 'template.address']),
};
