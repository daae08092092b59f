import { destinationRule, to, virtualService } from '../support/mesh-dir.ts';

/** Addresses in the namespaces of this test. */
export const at = {
  hub: { v4: '10.200.0.1', v6: 'fd00:200::1' },
  client: { v4: '10.200.0.2', v6: 'fd00:200::2' },
  one: { v4: '10.200.0.3', v6: 'fd00:200::3' },
  two: { v4: '10.200.0.4', v6: 'fd00:200::4' },
  /** Addresses of the hub that represent machines outside the mesh. */
  known: '10.201.0.5',
  unknown: '10.201.0.9',
} as const;

/** Addresses that no machine has. */
export const vips = {
  reviews: '10.96.0.20',
  reviews6: 'fd96::20',
  store: '10.96.0.30',
  sick: '10.96.0.40',
  misnamed: '10.96.0.50',
  upgraded: '10.96.0.60',
  plain: '10.96.0.70',
  tls: '10.96.0.80',
} as const;

export const reviews = 'reviews.default.svc.cluster.local';

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number;
}

const service = (name: string, clusterIP: string, ports: readonly Port[]) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { clusterIP, ports },
});

/** The endpoints of a Kubernetes service by readiness. */
const slice = (name: string, ports: readonly Port[], ready: Readonly<Record<string, boolean>>) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: ports.map(({ name: port, port: number, targetPort = number }) => ({ name: port ?? '', port: targetPort })),
  endpoints: Object.entries(ready).map(([address, isReady]) => ({
    addresses: [address],
    conditions: { ready: isReady },
  })),
});

const deployed = (name: string, vip: string, ports: readonly Port[], ready: Readonly<Record<string, boolean>>) => [
  service(name, vip, ports),
  slice(name, ports, ready),
];

const entry = (name: string, spec: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name },
  spec: { resolution: 'STATIC', ...spec },
});

/** A service with two versions, on two machines with two addresses each. */
const reviewsEntry = entry('reviews', {
  hosts: [reviews],
  addresses: [vips.reviews, vips.reviews6],
  location: 'MESH_INTERNAL',
  ports: [
    { name: 'http', number: 9080, protocol: 'HTTP', targetPort: 8080 },
    { name: 'grpc', number: 9090, protocol: 'GRPC', targetPort: 8090 },
  ],
  endpoints: [
    { address: at.one.v4, labels: { version: 'v1' } },
    { address: at.one.v6, labels: { version: 'v1' } },
    { address: at.two.v4, labels: { version: 'v2' } },
    { address: at.two.v6, labels: { version: 'v2' } },
  ],
});

/** Routes to the second version for Jason, and for a tenth of the other requests. */
export const reviewsRoutes = (weights: Readonly<Record<string, number>>) =>
  virtualService(reviews, [
    { match: [{ headers: { 'end-user': { exact: 'jason' } } }], route: to(reviews, { v2: 100 }) },
    { match: [{ headers: { 'end-user': { exact: 'ada' } } }], route: to(reviews, { v1: 100 }) },
    { match: [{ uri: { prefix: '/test.Echo/' } }], route: to(reviews, { v1: 100 }) },
    { route: to(reviews, weights) },
  ]);

export const registryOnly = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'Sidecar',
  metadata: { name: 'client' },
  spec: {
    workloadSelector: { labels: { app: 'client' } },
    outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    egress: [{ hosts: ['*/*'] }],
  },
};

/** Initial contents of the mesh directory, by file. */
export const mesh: Readonly<Record<string, readonly object[]>> = {
  'reviews.yaml': [reviewsEntry, destinationRule(reviews, ['v1', 'v2'])],
  'routes.yaml': [reviewsRoutes({ v1: 90, v2: 10 })],
  'store.yaml': deployed('store', vips.store, [{ name: 'tcp', port: 3306 }], { [at.one.v4]: true }),
  'peers.yaml': deployed('peers', 'None', [{ name: 'tcp', port: 5000 }], { [at.one.v4]: true, [at.two.v4]: true }),
  'sick.yaml': deployed('sick', vips.sick, [{ name: 'http', port: 9040, targetPort: 8080 }], {
    [at.one.v4]: false,
    [at.two.v4]: true,
  }),
  'plain.yaml': deployed('plain', vips.plain, [{ port: 7000 }], { [at.one.v4]: true }),
  'misnamed.yaml': deployed('misnamed', vips.misnamed, [{ name: 'http', port: 8070 }], { [at.one.v4]: true }),
  'upgraded.yaml': [
    ...deployed('upgraded', vips.upgraded, [{ name: 'http', port: 9060, targetPort: 8060 }], { [at.one.v4]: true }),
    {
      ...destinationRule('upgraded.default.svc.cluster.local', []),
      spec: {
        host: 'upgraded.default.svc.cluster.local',
        trafficPolicy: { connectionPool: { http: { h2UpgradePolicy: 'UPGRADE' } } },
      },
    },
  ],
  'outside.yaml': [
    entry('known', {
      hosts: ['known.test'],
      ports: [{ name: 'http', number: 80, protocol: 'HTTP', targetPort: 8081 }],
      endpoints: [{ address: at.known }],
    }),
    entry('tls', {
      hosts: ['tls.test'],
      addresses: [vips.tls],
      ports: [{ name: 'tls', number: 443, protocol: 'TLS', targetPort: 8443 }],
      endpoints: [{ address: at.known }],
    }),
  ],
};
