import type { Endpoint, EndpointSet, Workload } from '../../src/model/endpoint.ts';
import { hostname } from '../../src/model/names.ts';
import type { Service } from '../../src/model/service.ts';
import type { Instance } from '../../src/platform/registration.ts';
import type { ServiceRecord, StandingInstance } from './instances.ts';

/** The service of a hostname that instances registered for. */
export const translateService = ({ namespace, host, createdAtMs, ports }: ServiceRecord): Service => ({
  hostname: hostname(host),
  namespace,
  name: host,
  registry: 'registration',
  createdAtMs,
  ports: ports.map(({ name, port, servicePort, protocol }) => ({ name, number: servicePort ?? port, protocol })),
  vips: [],
  aliases: [],
  resolution: 'static',
  headless: false,
  exportTo: [],
  external: false,
  labels: {},
});

export const translateEndpoints = (service: ServiceRecord, instances: readonly StandingInstance[]): EndpointSet => ({
  namespace: service.namespace,
  hostname: hostname(service.host),
  endpoints: instances.map(translateEndpoint),
});

const translateEndpoint = (instance: StandingInstance): Endpoint => ({
  address: instance.address,
  ports: Object.fromEntries(instance.ports.map(({ name, port }) => [name, port])),
  labels: instance.labels,
  weight: instance.weight,
  locality: instance.locality,
  network: '',
  cluster: '',
  health: 'healthy',
  workload: { namespace: instance.namespace, name: workloadName(instance) },
});

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

/** Ids are unique within a service only. */
export const workloadName = ({ host, id }: Pick<Instance, 'host' | 'id'>): string => `${host}/${id}`;
