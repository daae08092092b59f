/** The mesh that all servers serve: `services` services of `endpoints` endpoints each, HTTP on port 80. */
export interface BenchMesh {
  readonly services: number;
  readonly endpoints: number;
}

export const namespace = 'bench';

export const hostOf = (service: number): string =>
  `svc-${String(service).padStart(4, '0')}.${namespace}.svc.cluster.local`;

/** Envoy's name of a service's only cluster, and of its assignment. */
export const clusterOf = (service: number): string => `outbound|80||${hostOf(service)}`;

/** The route configuration of port 80. */
export const routeName = '80';

export interface BenchInstance {
  readonly host: string;
  readonly id: string;
  readonly address: string;
}

/** Yields every instance, each with a unique address in 10.1.0.0/16 and above. */
export function* instancesOf({ services, endpoints }: BenchMesh): Generator<BenchInstance> {
  for (let service = 0; service < services; service++) {
    for (let endpoint = 0; endpoint < endpoints; endpoint++) {
      const number = service * endpoints + endpoint;
      const address = `10.${1 + Math.floor(number / 62_500)}.${Math.floor(number / 250) % 250}.${(number % 250) + 1}`;
      yield { host: hostOf(service), id: `i-${endpoint}`, address };
    }
  }
}

/** Services whose endpoints change; every mesh has them. */
export const changedServices = 100;

/**
 * Returns the unique address of an endpoint after change `number` (below 15,600). All have one length: the bare server
 * writes them into existing messages.
 */
export const changedAddress = (number: number): string =>
  `10.250.${100 + Math.floor(number / 100)}.${100 + (number % 100)}`;

/** The path prefix of the initial route, and its replacements, which all have one length. */
export const firstPrefix = '/bench';
export const changedPrefix = (number: number): string => `/bench-${String(number).padStart(5, '0')}/`;

/** Body of `PUT /registry/v1/…/instances/{id}`. The lease outlasts every run. */
export const benchRegistration = (address: string) => ({
  address,
  ports: [{ name: 'http', port: 8080, protocol: 'http', servicePort: 80 }],
  ttlSeconds: 86_400,
});

/** A rule that puts one route with this prefix before a service's default one. */
export const virtualServiceOf = (service: number, prefix: string) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: `svc-${service}`, namespace },
  spec: {
    hosts: [hostOf(service)],
    http: [
      { match: [{ uri: { prefix } }], route: [{ destination: { host: hostOf(service), port: { number: 80 } } }] },
      { route: [{ destination: { host: hostOf(service), port: { number: 80 } } }] },
    ],
  },
});
