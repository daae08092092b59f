import type { RuleKind } from '../../rule.ts';
import { type WorkloadEntrySpec, workloadEntrySpec } from './schema.ts';

/** A workload outside Kubernetes, for ServiceEntries to select. */
export const workloadEntry: RuleKind<'WorkloadEntry', WorkloadEntrySpec> = {
  kind: 'WorkloadEntry',
  plural: 'workloadentries',
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: workloadEntrySpec,
};
