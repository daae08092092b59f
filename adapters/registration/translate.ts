import type { Endpoint, EndpointSet, Workload } from '../../src/model/endpoint.ts';
import { hostname } from '../../src/model/names.ts';
import type { Service } from '../../src/model/service.ts';
import type { Instance, InstancePort } from '../../src/platform/registration.ts';
import type { ServiceRecord, StandingInstance } from './instances.ts';

/** The service of a hostname that instances registered for. */
export const translateService = ({ namespace, host, createdAtMs, ports, vips = [] }: ServiceRecord): Service => ({
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

/** What endpoints say of a list of ports, kept: instances share their list, and so do their endpoints. */
export type PortNumbers = WeakMap<readonly InstancePort[], Endpoint['ports']>;

export const translateEndpoints = (
  service: ServiceRecord,
  instances: readonly StandingInstance[],
  known: PortNumbers,
): EndpointSet => ({
  namespace: service.namespace,
  hostname: hostname(service.host),
  endpoints: instances.map((instance) => translateEndpoint(instance, known)),
});

const translateEndpoint = (instance: StandingInstance, known: PortNumbers): Endpoint => ({
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

/** An instance as something that ServiceEntries may select. */
export const translateWorkload = (instance: StandingInstance): Workload => ({
  namespace: instance.namespace,
  name: workloadName(instance),
  addresses: [instance.address],
  labels: instance.labels,
  locality: instance.locality,
  network: '',
  cluster: '',
  health: 'healthy',
});

/** Ids are unique within a service only. Joined, as the string is kept: that of a template keeps its parts as well. */
export const workloadName = ({ host, id }: Pick<Instance, 'host' | 'id'>): string => [host, id].join('/');
