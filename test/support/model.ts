import type { Endpoint, EndpointSet, Workload } from '../../src/model/endpoint.ts';
import { hostname } from '../../src/model/names.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { Service } from '../../src/model/service.ts';

/* Builders for values of the model, with ordinary values for everything that a test leaves out. */

/** A service with one HTTP port 80 and exactly this name. */
export const service = (host: string, fields: Partial<Service> = {}): Service => ({
  hostname: hostname(host),
  namespace: 'default',
  name: host,
  registry: 'test',
  createdAtMs: 1_000,
  ports: [{ name: 'http', number: 80, protocol: 'http' }],
  vips: [],
  aliases: [],
  aliasOf: null,
  resolution: 'static',
  headless: false,
  exportTo: [],
  external: false,
  labels: {},
  ...fields,
});

export const endpoint = (address: string, fields: Partial<Endpoint> = {}): Endpoint => ({
  address,
  ports: { http: 8080 },
  labels: {},
  weight: 1,
  locality: '',
  network: '',
  cluster: '',
  health: 'healthy',
  workload: null,
  ...fields,
});

export const endpointSet = (host: string, ...endpoints: readonly Endpoint[]): EndpointSet => ({
  namespace: 'default',
  hostname: hostname(host),
  endpoints,
});

export const workload = (name: string, fields: Partial<Workload> = {}): Workload => ({
  namespace: 'default',
  name,
  addresses: ['10.9.0.1'],
  labels: {},
  locality: '',
  network: '',
  cluster: '',
  health: 'healthy',
  ...fields,
});

export const rawObject = (kind: string, name: string, spec: unknown = {}): RawObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace: 'default', labels: {}, annotations: {}, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec,
  origin: 'test.yaml#1',
});
