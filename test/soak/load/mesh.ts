import type { Random } from './random.ts';

export const namespaces = ['red', 'green', 'blue'] as const;

export interface MeshSize {
  readonly services: number;
  readonly instances: number;
}

export interface SoakService {
  readonly namespace: string;
  readonly host: string;
}

/** One item of a batch of the registration API. */
export interface SoakInstance extends SoakService {
  readonly id: string;
  readonly address: string;
  readonly ports: readonly { name: string; port: number; protocol: string; servicePort: number }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly ttlSeconds: number;
}

export function serviceAt(number: number): SoakService {
  const namespace = namespaces[number % namespaces.length] ?? namespaces[0];
  return { namespace, host: `svc-${number}.${namespace}.svc.cluster.local` };
}

/** The initial address of an instance. A client with this address is that workload. */
export const addressAt = (service: number, instance: number): string =>
  `10.${10 + instance}.${service >> 8}.${service & 255}`;

export function instanceAt(service: number, instance: number, changed: Partial<SoakInstance> = {}): SoakInstance {
  return {
    ...serviceAt(service),
    id: `i-${instance}`,
    address: addressAt(service, instance),
    ports: portsAt(service, 'http'),
    labels: { app: `svc-${service}`, version: instance % 2 === 0 ? 'v1' : 'v2' },
    weight: 1,
    ttlSeconds: 86_400,
    ...changed,
  };
}

/** Returns the ports of a service. One service in ten is TCP, on a separate port. */
export function portsAt(service: number, protocol: 'http' | 'http2' | 'grpc'): SoakInstance['ports'] {
  if (service % 10 === 9) return [{ name: 'tcp', port: 9_000, protocol: 'tcp', servicePort: 20_000 + service }];
  return [{ name: 'main', port: 8_080, protocol, servicePort: 8_000 + (service % 4) }];
}

/** Returns names of a few assignments, some of unknown services. */
export function someAssignments(random: Random, services: number): readonly string[] {
  return Array.from({ length: 1 + random.below(5) }, () => {
    const service = random.below(services + 5);
    return `outbound|${portsAt(service, 'http')[0]?.servicePort}||${serviceAt(service).host}`;
  });
}

export function* soakInstancesOf({ services, instances }: MeshSize): Generator<SoakInstance> {
  for (let service = 0; service < services; service++) {
    for (let instance = 0; instance < instances; instance++) yield instanceAt(service, instance);
  }
}

/**
 * Returns a random object of the rules API. Kinds and names are few, so that objects are replaced and deleted again.
 */
export function randomRule(random: Random, services: number): SoakRule {
  const number = random.below(Math.min(services, 60));
  const { host, namespace } = serviceAt(number);
  const metadata = { name: `soak-${number}`, namespace };
  const port = { number: portsAt(number, 'http')[0]?.servicePort ?? 80 };
  const [apiVersion, random100] = ['networking.istio.io/v1', random.below(100)];
  const http = { destination: { host, port }, weight: 1 + random.below(99) };
  switch (random.of(['VirtualService', 'VirtualService', 'DestinationRule', 'ServiceEntry', 'Sidecar', 'Policy'])) {
    case 'DestinationRule': {
      const subsets = ['v1', 'v2'].map((version) => ({ name: version, labels: { version } }));
      const trafficPolicy = { connectionPool: { tcp: { maxConnections: 1 + random100 } } };
      return { apiVersion, kind: 'DestinationRule', metadata, spec: { host, trafficPolicy, subsets } };
    }
    case 'ServiceEntry': {
      const ports = [{ name: 'http', number: 7_000 + (number % 3), protocol: 'HTTP' }];
      const endpoints = [{ address: `10.99.${number}.${random100}` }, { address: `10.98.${number}.${random100}` }];
      const spec = {
        hosts: [`entry-${number}.test`],
        location: 'MESH_EXTERNAL',
        resolution: 'STATIC',
        ports,
        endpoints,
      };
      return { apiVersion, kind: 'ServiceEntry', metadata, spec };
    }
    case 'Sidecar': {
      const labels = { version: random.of(['v1', 'v2']) };
      const hosts = [`${namespace}/*`, `*/${serviceAt(random100 % services).host}`];
      return { apiVersion, kind: 'Sidecar', metadata, spec: { workloadSelector: { labels }, egress: [{ hosts }] } };
    }
    case 'Policy': {
      const spec = { action: 'DENY', rules: [{ to: [{ operation: { paths: [`/secret-${random100}`] } }] }] };
      return { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata, spec };
    }
    default: {
      const match = [{ uri: { prefix: `/v${random100}` } }];
      const routes = [
        { match, route: [http], timeout: `${1 + random100}s` },
        { route: [{ destination: { host, port } }] },
      ];
      return { apiVersion, kind: 'VirtualService', metadata, spec: { hosts: [host], http: routes } };
    }
  }
}

export interface SoakRule {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
}

const plurals: Readonly<Record<string, string>> = {
  VirtualService: 'virtualservices',
  DestinationRule: 'destinationrules',
  ServiceEntry: 'serviceentries',
  Sidecar: 'sidecars',
  AuthorizationPolicy: 'authorizationpolicies',
};

export const pathOf = ({ apiVersion, kind, metadata }: SoakRule): string =>
  `/apis/${apiVersion}/namespaces/${metadata.namespace}/${plurals[kind]}/${metadata.name}`;
