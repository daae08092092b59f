import { expect, test } from 'vitest';
import { parseFile } from '../../../adapters/file/documents.ts';
import { listing } from '../../../adapters/file/mesh.ts';
import { createKubernetesView, problemOf } from '../../../adapters/kubernetes/translate-view.ts';

/** Translates documents and returns the contents and the rejections. */
async function translated(yaml: string) {
  const view = createKubernetesView({ domainSuffix: 'cluster.local', cluster: 'c1', network: '' });
  const { objects, mistakes } = await parseFile('test.yaml', yaml);
  const refused = objects.flatMap((object) => {
    const problem = problemOf(view.put(object));
    return problem === null ? [] : [problem];
  });
  return {
    ...listing(view.takeChanges()),
    refused: [...mistakes.map(({ message }) => message), ...refused],
    view,
    objects,
  };
}

const reviews = (spec: string, metadata = '') => `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop, creationTimestamp: 2026-01-01T00:00:00Z, labels: { app: reviews }${metadata} }
spec: ${spec}
`;

const slice = (endpoint: string) => `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-x, namespace: shop, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
endpoints: [${endpoint}]
ports: [{ name: http, port: 9080 }]
`;

const pod = (labels: string) => `
---
apiVersion: v1
kind: Pod
metadata: { name: reviews-1, namespace: shop, labels: ${labels} }
spec: { nodeName: node-1 }
status: { podIP: 10.1.0.1 }
`;

test('a Service', async () => {
  const { services } = await translated(
    reviews(
      '{ clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }] }',
      ", annotations: { networking.istio.io/exportTo: '., shop' }",
    ),
  );
  expect(services).toEqual([
    {
      hostname: 'reviews.shop.svc.cluster.local',
      namespace: 'shop',
      name: 'reviews',
      registry: 'kubernetes',
      createdAtMs: Date.UTC(2026, 0, 1),
      ports: [{ name: 'http', number: 80, protocol: 'http' }],
      vips: ['10.96.0.1'],
      aliases: [],
      aliasOf: null,
      resolution: 'static',
      headless: false,
      exportTo: ['.', 'shop'],
      external: false,
      labels: { app: 'reviews' },
    },
  ]);
});

for (const { port, want } of [
  { port: 'name: http-web', want: 'http' },
  { port: 'name: http2', want: 'http2' },
  { port: 'name: grpc-web-x', want: 'grpc-web' },
  { port: 'name: grpc', want: 'grpc' },
  { port: 'name: mongo', want: 'tcp' },
  { port: 'name: web', want: 'unknown' },
  { port: 'name: httpx', want: 'unknown' },
  { port: 'name: tcp, appProtocol: kubernetes.io/h2c', want: 'http2' },
  { port: 'name: http, appProtocol: HTTPS', want: 'https' },
  { port: 'name: http, protocol: UDP', want: 'udp' },
  { port: 'name: http, appProtocol: example.com/mine', want: 'http' },
]) {
  test(`a port with ${port} has the protocol ${want}`, async () => {
    const { services } = await translated(reviews(`{ ports: [{ port: 80, ${port} }] }`));
    expect(services[0]?.ports[0]?.protocol).toBe(want);
  });
}

test('the selector of a Service is kept with the ports of its workloads', async () => {
  const { services } = await translated(
    reviews('{ selector: { app: a }, ports: [{ name: http, port: 80, targetPort: web }, { name: http, port: 81 }] }'),
  );
  expect(services[0]?.selector).toEqual({ labels: { app: 'a' }, targetPorts: { http: 'web', 81: 81 } });
});

test('an SCTP port is dropped without affecting the rest of its Service', async () => {
  const { services } = await translated(
    reviews('{ ports: [{ name: http, port: 80 }, { name: sig, port: 80, protocol: SCTP }] }'),
  );
  expect(services[0]?.ports).toEqual([{ name: 'http', number: 80, protocol: 'http' }]);
});

test('a headless Service, and an ExternalName', async () => {
  const headless = await translated(reviews('{ clusterIP: None, ports: [{ port: 80 }] }'));
  expect(headless.services).toMatchObject([{ headless: true, vips: [], ports: [{ name: '' }], aliasOf: null }]);
  const other = await translated(
    reviews('{ type: ExternalName, externalName: Api.example.com., ports: [{ name: https, port: 443 }] }'),
  );
  expect(other.services).toMatchObject([{ aliasOf: 'api.example.com', ports: [], vips: [] }]);
  expect(other.endpoints).toMatchObject([{ endpoints: [] }]);
});

test('a second port of one name is served under its number, at the port that the Service defines', async () => {
  const { endpoints } = await translated(
    reviews(
      '{ ports: [{ name: http, port: 80 }, { name: http, port: 81, targetPort: 9081 }, { name: http, port: 82 }] }',
    ) + slice('{ addresses: [10.1.0.1] }'),
  );
  expect(endpoints[0]?.endpoints).toMatchObject([{ ports: { http: 9080, 81: 9081, 82: 82 } }]);
});

test('an endpoint is matched to its Pod by address in any notation', async () => {
  const { endpoints } = await translated(
    reviews('{ ports: [{ name: http, port: 80 }] }') +
      slice('{ addresses: ["FD00:0::1"] }') +
      pod('{ v: v6 }').replace('10.1.0.1', '"fd00::0:1"'),
  );
  expect(endpoints[0]?.endpoints).toMatchObject([{ address: 'fd00::1', labels: { v: 'v6' } }]);
});

for (const { conditions, want } of [
  { conditions: '{}', want: 'healthy' },
  { conditions: '{ ready: true }', want: 'healthy' },
  { conditions: '{ ready: false, serving: true }', want: 'unhealthy' },
  { conditions: '{ ready: false, serving: true, terminating: true }', want: 'draining' },
  { conditions: '{ ready: false, serving: false, terminating: true }', want: 'unhealthy' },
  { conditions: '{ ready: false, terminating: true }', want: 'unhealthy' },
  { conditions: '{ ready: true, serving: true, terminating: true }', want: 'healthy' }, // publishNotReadyAddresses
]) {
  test(`an endpoint with conditions ${conditions} is ${want}`, async () => {
    const { endpoints } = await translated(
      reviews('{ ports: [{ name: http, port: 80 }] }') + slice(`{ addresses: [10.1.0.1], conditions: ${conditions} }`),
    );
    expect(endpoints[0]?.endpoints).toMatchObject([{ address: '10.1.0.1', ports: { http: 9080 }, health: want }]);
  });
}

test('an endpoint has the labels of its Pod and the locality of its node, in any order of arrival', async () => {
  const node = `
---
apiVersion: v1
kind: Node
metadata: { name: node-1, labels: { topology.kubernetes.io/region: r, topology.kubernetes.io/zone: z } }
`;
  const service = reviews('{ ports: [{ name: http, port: 80 }] }');
  for (const endpoint of [
    '{ addresses: [10.1.0.1], nodeName: node-1, targetRef: { kind: Pod, name: reviews-1 } }',
    '{ addresses: [10.1.0.1], nodeName: node-1 }',
  ]) {
    for (const yaml of [
      service + slice(endpoint) + pod('{ v: v1 }') + node,
      `${node}${pod('{ v: v1 }')}${slice(endpoint)}---${service}`,
    ]) {
      const { endpoints } = await translated(yaml);
      expect(endpoints[0]?.endpoints).toMatchObject([
        { labels: { v: 'v1' }, locality: 'r/z', workload: { namespace: 'shop', name: 'reviews-1' }, cluster: 'c1' },
      ]);
    }
  }
});

test('a Pod whose labels change updates only its endpoints', async () => {
  const endpoint = '{ addresses: [10.1.0.1], targetRef: { kind: Pod, name: reviews-1 } }';
  const { view } = await translated(
    reviews('{ ports: [{ name: http, port: 80 }] }') + slice(endpoint) + pod('{ v: v1 }'),
  );
  const { objects } = await parseFile('pod.yaml', pod('{ v: v2 }'));
  for (const object of objects) view.put(object);
  expect(view.takeChanges()).toMatchObject([
    { type: 'endpoints', set: { endpoints: [{ labels: { v: 'v2' } }] } },
    { type: 'workload', workload: { labels: { v: 'v2' } } },
  ]);
  for (const object of objects) view.remove(object);
  expect(view.takeChanges()).toMatchObject([
    { type: 'endpoints', set: { endpoints: [{ labels: {} }] } },
    { type: 'workload-removed', name: 'reviews-1' },
  ]);
});

test('a Pod changes nothing of services whose slices no longer have its address, or were removed', async () => {
  const { view } = await translated(
    reviews('{ ports: [{ name: http, port: 80 }] }') + slice('{ addresses: [10.1.0.1], nodeName: node-1 }'),
  );
  const put = async (yaml: string) => {
    for (const object of (await parseFile('test.yaml', yaml)).objects) view.put(object);
    return view.takeChanges().map(({ type }) => type);
  };
  expect(await put(pod('{ v: v1 }'))).toEqual(['endpoints', 'workload']);
  expect(await put(slice('{ addresses: [10.1.0.2] }'))).toEqual(['endpoints']);
  expect(await put(pod('{ v: v2 }'))).toEqual(['workload']);
});

test('rules and mesh configuration are passed on; an object without a creation time gets a constant one', async () => {
  const { objects: kubernetes, refused } = await translated(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: v }
spec: { hosts: [reviews] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: "trustDomain: example.org" }
---
apiVersion: v1
kind: Secret
metadata: { name: s }
`);
  expect(kubernetes).toHaveLength(3);
  expect(refused).toEqual(['objects of kind Secret are not read; it has no effect here']);
});

test('an error names the invalid field', async () => {
  const { refused } = await translated(`${reviews('{ ports: [{ port: 80000 }] }')}---\nkind: Service\n`);
  expect(refused[0]).toContain('apiVersion');
  expect(refused[1]).toMatch(/^spec\.ports\[0\]\.port: /);
});
