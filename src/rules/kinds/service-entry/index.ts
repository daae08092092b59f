import type { RuleKind } from '../../rule.ts';
import { type ServiceEntrySpec, serviceEntrySpec } from './schema.ts';

/** A service that no platform knows: outside the mesh, or on machines of its own. */
export const serviceEntry: RuleKind<'ServiceEntry', ServiceEntrySpec> = {
  kind: 'ServiceEntry',
  plural: 'serviceentries',
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: serviceEntrySpec,
};
