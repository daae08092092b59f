import { expect, test } from 'vitest';
import type { Proxy } from '../../../src/model/proxy.ts';
import {
  endpointOf,
  type KubernetesEvent,
  pod,
  put,
  removed,
  service,
  slice,
  testView,
} from '../../support/kubernetes-view.ts';
import { compiledWorld, proxy, rule } from '../../support/world.ts';

/** A cluster from its objects to what its proxies are sent. */
function compiledCluster() {
  const cluster = testView();
  const world = compiledWorld();
  return {
    world,
    happen(...events: readonly KubernetesEvent[]) {
      cluster.happen(...events);
      world.apply(...cluster.takeMerged());
    },
  };
}

const a = '10.1.0.1';
const proxyOf = (name: string): Proxy =>
  proxy({ id: `sidecar~${a}~${name}.shop~shop.svc.cluster.local`, name, namespace: 'shop', addresses: [a] });

test("a Pod that gets the address of another is served its own services, also while the other's are still listed", () => {
  const { world, happen } = compiledCluster();
  const accepted = (name: string) => world.names('cluster', proxyOf(name)).filter((one) => one.startsWith('inbound|'));
  const [web, api] = [
    { name: 'http', port: 8080 },
    { name: 'http', port: 9090 },
  ];
  happen(
    put(service('web', { ports: [web] })),
    put(service('api', { ports: [api] })),
    put(pod('web-0', { ip: a })),
    put(slice('web-1', [endpointOf('web-0', a)], { ports: { http: 8080 } })),
  );
  expect(accepted('web-0')).toContain('inbound|8080||');
  happen(
    put(pod('api-0', { ip: a, app: 'api' })),
    put(slice('api-1', [endpointOf('api-0', a)], { service: 'api', ports: { http: 9090 } })),
  );
  expect(accepted('api-0')).toContain('inbound|9090||');
  happen(removed(pod('web-0', { ip: a })), put(slice('web-1', [])));
  expect(accepted('api-0')).toContain('inbound|9090||');
  expect(world.json('endpoint', 'outbound|9090||api.shop.svc.cluster.local', proxyOf('api-0'))).toMatchObject({
    endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: a } } } }] }],
  });
});

test('an ExternalName that is a destination leads where it points now, and nowhere stops nothing else', () => {
  const { world, happen } = compiledCluster();
  const alias = (externalName: string) =>
    put(service('books', { type: 'ExternalName', clusterIP: null, externalName }));
  const ofShop = proxy({ namespace: 'shop' });
  /** The cluster of each route of crane.test. */
  const routes = () => {
    const { virtualHosts } = world.json('route', '80', ofShop) as unknown as { virtualHosts: VirtualHost[] }; // its schema
    const crane = virtualHosts.find(({ name }) => name === 'crane.test:80');
    return crane?.routes.map(({ route, directResponse }) => route?.cluster ?? directResponse?.status);
  };
  happen(put(service('one')), put(service('two')), alias('one.shop.svc.cluster.local'));
  const http = [
    { match: [{ uri: { prefix: '/books' } }], route: [{ destination: { host: 'books.shop.svc.cluster.local' } }] },
    { route: [{ destination: { host: 'two.shop.svc.cluster.local' } }] },
  ];
  world.apply(rule('VirtualService', 'shop/crane', { hosts: ['crane.test'], http }));
  const [one, two] = ['outbound|80||one.shop.svc.cluster.local', 'outbound|80||two.shop.svc.cluster.local'];
  expect(routes()).toEqual([one, two]);
  happen(alias('two.shop.svc.cluster.local'));
  expect(routes()).toEqual([two, two]);
  for (const wrong of ['nowhere.example', '10.0.0.1', 'not a name', '']) {
    happen(alias(wrong));
    expect(routes()?.[1]).toBe(two);
    expect(world.problems()).toEqual({
      'VirtualService/shop/crane': [expect.stringMatching(/^spec.http\[0\].route\[0\]/)],
    });
  }
  happen(alias('one.shop.svc.cluster.local'));
  expect(routes()).toEqual([one, two]);
  expect(world.problems()).toEqual({});
});

interface VirtualHost {
  readonly name: string;
  readonly routes: readonly {
    readonly route?: { readonly cluster: string };
    readonly directResponse?: { readonly status: number };
  }[];
}
