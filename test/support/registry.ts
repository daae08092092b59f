import { silentLogger } from '../../src/lib/logger.ts';
import type { Endpoint, EndpointSet, Workload } from '../../src/model/endpoint.ts';
import { hostname } from '../../src/model/names.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { Service } from '../../src/model/service.ts';
import type { ShardContents } from '../../src/platform/adapter.ts';
import type { Registry } from '../../src/registry/contract.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';

/** A registry on a clock that stands still. */
export function testRegistry(snapshotDir: string | null = null): { registry: Registry; clock: FakeClock } {
  const clock = fakeClock();
  return { registry: createRegistry({ clock, log: silentLogger, snapshotDir }), clock };
}

export const service = (host: string, fields: Partial<Service> = {}): Service => ({
  hostname: hostname(host),
  namespace: 'default',
  name: host,
  registry: 'test',
  createdAtMs: 1_000,
  ports: [{ name: 'http', number: 80, protocol: 'http' }],
  vips: [],
  aliases: [],
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

export const contents = (fields: Partial<ShardContents>): ShardContents => ({
  services: [],
  endpoints: [],
  workloads: [],
  objects: [],
  ...fields,
});

/** Changes as short lines, for reading. */
export const story = (registry: Registry): readonly string[] =>
  registry.takeChanges().map((change) => {
    if (change.type === 'service') return `service ${change.service.hostname} of ${change.service.registry}`;
    if (change.type === 'service-removed') return `gone ${change.key}`;
    return `endpoints ${change.set.hostname}: ${change.set.endpoints.map(({ address }) => address).join(' ') || 'none'}`;
  });
