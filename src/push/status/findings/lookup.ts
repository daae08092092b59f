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
  /** Returns the services of a hostname in order of precedence, including those of new ServiceEntries. */
  services(host: string): readonly Service[];
  /** Returns true if a wildcard covers a service. */
  coversService(wildcard: string): boolean;
  /** Returns the subsets of that name that DestinationRules of any namespace define for a host. */
  subsets(host: string, name: string): readonly SubsetSpec[];
  /** Returns the endpoints; null if proxies find them by name or address, so that they are unknown here. */
  endpoints(service: Service): readonly Endpoint[] | null;
  hasGateway(id: string): boolean;
  dependencies(): ReadonlySet<string>;
}

/** Dependency on a Gateway. The other dependencies are those of compiling. */
export const gatewayDep = (id: string): string => `gateway/${id}`;

/** Creates a lookup. `names` are searched in order: rules that are being written, then the rules in effect. */
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
      if (service.resolution !== 'static' || service.aliasOf) return null; // the endpoints of the alias target are called
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

/** Returns true if an endpoint of one of these services has all labels, or if the endpoints are unknown. */
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
