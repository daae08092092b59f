import { pathFinder } from '../../present-paths.ts';
import type { RuleKind } from '../../rule.ts';
import { textColumn } from '../shared/columns.ts';
import { type WorkloadEntrySpec, workloadEntrySpec } from './schema.ts';
import { uncallableReason } from './translate.ts';

/** A workload outside Kubernetes, for ServiceEntries to select. */
export const workloadEntry: RuleKind<'WorkloadEntry', WorkloadEntrySpec> = {
  kind: 'WorkloadEntry',
  plural: 'workloadentries',
  singular: 'workloadentry',
  shortNames: ['we'],
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  scope: 'namespaced',
  about: 'A workload outside Kubernetes, for ServiceEntries to select.',
  spec: workloadEntrySpec,
  columns: [
    textColumn('Address', 'address', { about: 'Where the workload listens.' }),
    textColumn('Locality', 'locality', { about: 'Its region, zone and subzone.', wide: true }),
    textColumn('Network', 'network', { about: 'The network that its address is in.', wide: true }),
    textColumn('Account', 'serviceAccount', { about: 'The service account that it runs as.', wide: true }),
  ],
  pending: pendingWorkloadFields,
};

/** Without an address that a proxy can call, the whole workload has no effect. */
function pendingWorkloadFields(spec: WorkloadEntrySpec): readonly string[] {
  return uncallableReason(spec) === null ? findPending(spec) : ['spec'];
}

/** What is kept of a workload but changes nothing that proxies are told. */
export const pendingFieldsOfWorkloads = ['network', 'serviceAccount'];

const findPending = pathFinder(pendingFieldsOfWorkloads);
