import { isWildcard } from '../../../model/names.ts';
import type { Service } from '../../../model/service.ts';
import { qualifiedHost } from '../../../rules/fields.ts';
import type { DestinationRule } from '../../../rules/kinds/destination-rule/index.ts';
import type { TrafficPolicySpec } from '../../../rules/kinds/destination-rule/policy-schema.ts';
import type { Finding } from './finding.ts';
import { type FindingsLookup, hasEndpoint } from './lookup.ts';

/** Finds the parts of a DestinationRule that refer to nothing. */
export function destinationRuleFindings(
  { spec, metadata }: DestinationRule,
  lookup: FindingsLookup,
): readonly Finding[] {
  const host = qualifiedHost(spec.host, metadata.namespace, lookup.mesh.domainSuffix);
  if (isWildcard(host)) {
    if (lookup.coversService(host)) return [];
    return [{ reason: 'HostNotFound', message: `spec.host: ${host} covers no service` }];
  }
  const services = lookup.services(host);
  if (services.length === 0) return [{ reason: 'HostNotFound', message: `spec.host: there is no service ${host}` }];
  const subsets = spec.subsets ?? [];
  return [
    ...portFindings(spec.trafficPolicy, 'spec.trafficPolicy', services),
    ...subsets.flatMap(({ trafficPolicy }, index) =>
      portFindings(trafficPolicy, `spec.subsets[${index}].trafficPolicy`, services),
    ),
    ...subsets.flatMap(({ name, labels = {} }, index): readonly Finding[] => {
      if (hasEndpoint(lookup, services, labels)) return [];
      const wanted = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
      const which = wanted.length === 0 ? 'that is well' : `with the labels ${wanted.join(', ')}`;
      const message = `spec.subsets[${index}]: ${host} has no endpoint ${which}, which subset ${name} asks for`;
      return [{ reason: 'NoEndpoints', message }];
    }),
  ];
}

function portFindings(
  policy: TrafficPolicySpec | undefined,
  path: string,
  services: readonly Service[],
): readonly Finding[] {
  return (policy?.portLevelSettings ?? []).flatMap(({ port: { number } }, index): readonly Finding[] => {
    if (services.some(({ ports }) => ports.some((port) => port.number === number))) return [];
    const message = `${path}.portLevelSettings[${index}].port: ${services[0]?.hostname ?? ''} has no port ${number}`;
    return [{ reason: 'PortNotFound', message }];
  });
}
