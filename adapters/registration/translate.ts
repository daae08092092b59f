import type { Endpoint, EndpointSet, Workload } from '../../src/model/endpoint.ts';
import { hostname } from '../../src/model/names.ts';
import type { Service } from '../../src/model/service.ts';
import type { Instance, InstancePort } from './contract.ts';
import type { ServiceRecord, StoredInstance } from './instances.ts';

/** Builds the service of a hostname that has registered instances. */
export const translateRecord = ({ namespace, host, createdAtMs, ports, vips = [] }: ServiceRecord): Service => ({
  hostname: hostname(host),
  namespace,
  name: host,
  registry: 'registration',
  createdAtMs,
  ports: ports.map(({ name, port, servicePort, protocol }) => ({ name, number: servicePort ?? port, protocol })),
  vips,
  aliases: [],
  aliasOf: null,
  resolution: 'static',
  headless: false,
  exportTo: [],
  external: false,
  labels: {},
});

/** Cache of port numbers by list of ports. Instances with equal ports share both. */
export type PortNumbers = WeakMap<readonly InstancePort[], Endpoint['ports']>;

export const translateInstances = (
  service: ServiceRecord,
  instances: readonly StoredInstance[],
  known: PortNumbers,
): EndpointSet => ({
  namespace: service.namespace,
  hostname: hostname(service.host),
  endpoints: instances
    .filter(({ registry }) => registry === undefined)
    .map((instance) => translateEndpoint(instance, known)),
});

const translateEndpoint = (instance: StoredInstance, known: PortNumbers): Endpoint => ({
  address: instance.address,
  ports: numbersOf(instance.ports, known),
  labels: instance.labels,
  weight: instance.weight,
  locality: instance.locality,
  network: '',
  cluster: '',
  health: 'healthy',
  workload: { namespace: instance.namespace, name: workloadName(instance) },
});

function numbersOf(ports: readonly InstancePort[], known: PortNumbers): Endpoint['ports'] {
  const numbers = known.get(ports) ?? Object.fromEntries(ports.map(({ name, port }) => [name, port]));
  known.set(ports, numbers);
  return numbers;
}

/** Converts an instance to a workload, which ServiceEntries may select. */
export const translateWorkload = (instance: StoredInstance): Workload => ({
  namespace: instance.namespace,
  name: workloadName(instance),
  addresses: [instance.address],
  labels: instance.labels,
  locality: instance.locality,
  network: '',
  cluster: '',
  health: 'healthy',
});

/**
 * Builds a workload name, because ids are unique only within a service. `join` makes one flat string; a template would
 * retain its parts.
 */
export const workloadName = ({ host, id }: Pick<Instance, 'host' | 'id'>): string => [host, id].join('/');
