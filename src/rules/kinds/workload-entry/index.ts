import { pathFinder } from '../../present-paths.ts';
import type { RuleKind } from '../../rule.ts';
import { textColumn } from '../shared/columns.ts';
import { type WorkloadEntrySpec, workloadEntrySpec } from './schema.ts';
import { uncallableReason } from './translate.ts';

/** A workload outside Kubernetes that ServiceEntries can select. */
export const workloadEntry: RuleKind<'WorkloadEntry', WorkloadEntrySpec> = {
  kind: 'WorkloadEntry',
  plural: 'workloadentries',
  singular: 'workloadentry',
  shortNames: ['we'],
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  scope: 'namespaced',
  readsLabels: true,
  about: 'A workload outside Kubernetes that ServiceEntries can select.',
  spec: workloadEntrySpec,
  columns: [
    textColumn('Address', 'address', { about: 'Address of the workload.' }),
    textColumn('Locality', 'locality', { about: 'Its region, zone and subzone.', wide: true }),
    textColumn('Network', 'network', { about: 'The network of its address.', wide: true }),
    textColumn('Account', 'serviceAccount', { about: 'The service account of the workload.', wide: true }),
  ],
  pending: pendingWorkloadFields,
};

/** Returns fields without effect; all of them without an address that a proxy can call. */
function pendingWorkloadFields(spec: WorkloadEntrySpec): readonly string[] {
  return uncallableReason(spec) === null ? findPending(spec) : ['spec'];
}

/** Fields that are stored but do not change the configuration of proxies. */
export const pendingFieldsOfWorkloads = ['serviceAccount'];

const findPending = pathFinder(pendingFieldsOfWorkloads);
