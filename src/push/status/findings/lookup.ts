import type { MeshView } from '../../../compile/contract.ts';
import { endpointsDep, ruleDep, serviceDep } from '../../../compile/world/dirty.ts';
import { patternsFor } from '../../../compile/world/host-index.ts';
import { type Endpoint, isCallable } from '../../../model/endpoint.ts';
import { covers, serviceKey } from '../../../model/names.ts';
import type { Service } from '../../../model/service.ts';
import type { SubsetSpec } from '../../../rules/kinds/destination-rule/schema.ts';
import type { RuleNames } from './rule-names.ts';

/** Mesh against which rules are checked. Records all reads, which are the dependencies of the findings. */
export interface FindingsLookup {
  readonly mesh: MeshView;
  /** The services of a hostname, in order of precedence, those included that a ServiceEntry is about to make. */
  services(host: string): readonly Service[];
  /** Whether a wildcard covers some service. */
  coversService(wildcard: string): boolean;
  /** The subsets of that name that DestinationRules give to a host, whatever namespace they are in. */
  subsets(host: string, name: string): readonly SubsetSpec[];
  /** Null: its endpoints are found by name or address, and nobody here knows them. */
  endpoints(service: Service): readonly Endpoint[] | null;
  hasGateway(id: string): boolean;
  dependencies(): ReadonlySet<string>;
}

/** Of a gateway's object; the others are those that compiling has. */
export const gatewayDep = (id: string): string => `gateway/${id}`;

/** `names` are asked in their order; the last ones are of the rules that hold, those before of rules that are being written. */
export function createLookup(mesh: MeshView, names: readonly RuleNames[]): FindingsLookup {
  const dependencies = new Set<string>();
  return {
    mesh,
    services(host) {
      dependencies.add(serviceDep(host));
      const known = mesh.servicesOf(host);
      return known.length > 0 ? known : names.flatMap((one) => one.services(host));
    },
    coversService(wildcard) {
      for (const host of mesh.serviceHosts()) if (covers(wildcard, host)) return true;
      return names.some((one) => one.serviceHosts().some((host) => covers(wildcard, host)));
    },
    subsets(host, name) {
      dependencies.add(ruleDep('DestinationRule', host));
      return patternsFor(host).flatMap((pattern) => names.flatMap((one) => one.subsets(pattern, name)));
    },
    endpoints(service) {
      if (service.resolution !== 'static' || service.aliasOf) return null; // the other name's are called
      const key = serviceKey(service.namespace, service.hostname);
      dependencies.add(endpointsDep(key));
      return mesh.endpoints(key)?.endpoints ?? [];
    },
    hasGateway(id) {
      dependencies.add(gatewayDep(id));
      return names.some((one) => one.hasGateway(id));
    },
    dependencies: () => dependencies,
  };
}

/** Whether some endpoint of one of these services has all of the labels; true where nobody here knows the endpoints. */
export function hasEndpoint(
  lookup: FindingsLookup,
  services: readonly Service[],
  labels: Readonly<Record<string, string>>,
): boolean {
  const wanted = Object.entries(labels);
  return services.some((service) => {
    const endpoints = lookup.endpoints(service);
    return (
      endpoints === null ||
      endpoints.some((one) => isCallable(one) && wanted.every(([name, value]) => one.labels[name] === value))
    );
  });
}
