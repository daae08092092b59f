import type { Service } from '../../../model/service.ts';
import type { ServiceEntrySpec } from '../../../rules/kinds/service-entry/schema.ts';
import { serviceEntryRegistry } from '../../../rules/kinds/service-entry/translate.ts';
import type { Rule } from '../../../rules/rule.ts';
import type { Finding } from './finding.ts';
import type { FindingsLookup } from './lookup.ts';

/** Hosts of a ServiceEntry that a service of a platform, or of another namespace, has already. */
export function serviceEntryFindings(
  { spec, metadata }: Rule<string, ServiceEntrySpec>,
  lookup: FindingsLookup,
): readonly Finding[] {
  return spec.hosts.flatMap((text, index): readonly Finding[] => {
    const host = text.toLowerCase().replace(/\.$/, '');
    const [first] = lookup.services(host);
    if (first === undefined || !isAhead(first, metadata.namespace, lookup)) return [];
    const owner = `${first.registry === serviceEntryRegistry ? 'an older ServiceEntry' : `the registry ${first.registry}`}`;
    const message = `spec.hosts[${index}]: ${owner} has ${host} in the namespace ${first.namespace}, which comes first`;
    return [{ reason: 'Superseded', message }];
  });
}

/** Whether the service is seen in place of one of this namespace. Of one namespace the merged service is there. */
function isAhead(first: Service, namespace: string, { mesh }: FindingsLookup): boolean {
  if (first.namespace === namespace) return first.registry !== serviceEntryRegistry;
  const exportTo = first.exportTo.length === 0 ? mesh.mesh().defaultServiceExportTo : first.exportTo;
  return exportTo.includes('*');
}
