import type { Service } from '../../../model/service.ts';
import type { ServiceEntrySpec } from '../../../rules/kinds/service-entry/schema.ts';
import { serviceEntryRegistry } from '../../../rules/kinds/service-entry/translate.ts';
import type { Rule } from '../../../rules/rule.ts';
import type { Finding } from './finding.ts';
import type { FindingsLookup } from './lookup.ts';

/** Finds the hosts of a ServiceEntry that a platform or another namespace already defines. */
export function serviceEntryFindings(
  { spec, metadata }: Rule<string, ServiceEntrySpec>,
  lookup: FindingsLookup,
): readonly Finding[] {
  return spec.hosts.flatMap((text, index): readonly Finding[] => {
    const host = text.toLowerCase().replace(/\.$/, '');
    const [first] = lookup.services(host);
    if (first === undefined || !isAhead(first, metadata.namespace, lookup)) return [];
    const owner = `${first.registry === serviceEntryRegistry ? 'an older ServiceEntry' : `the registry ${first.registry}`}`;
    const isForOthers = first.namespace !== metadata.namespace && first.registry !== 'kubernetes';
    const clients = isForOthers ? ' for clients of other namespaces' : '';
    const message = `spec.hosts[${index}]: ${owner} has ${host} in the namespace ${first.namespace}, which comes first${clients}`;
    return [{ reason: 'Superseded', message }];
  });
}

/** Returns true if the service takes precedence over one of this namespace. Services of one namespace are merged. */
function isAhead(first: Service, namespace: string, { mesh }: FindingsLookup): boolean {
  if (first.namespace === namespace) return first.registry !== serviceEntryRegistry;
  const exportTo = first.exportTo.length === 0 ? mesh.mesh().defaultServiceExportTo : first.exportTo;
  return exportTo.includes('*');
}
