import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LoadClient, startLoadClient } from '../bench/load-client.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { sendJson } from '../support/http.ts';
import { virtualService } from '../support/mesh-dir.ts';
import { servicesServed } from '../support/served.ts';

const instance = (host: string) => `/registry/v1/namespaces/shop/services/${host}/instances/one`;
const registered = (address: string) => ({
  address,
  ports: [{ name: 'http', port: 8080, protocol: 'http', servicePort: 80 }],
  ttlSeconds: 600,
});

/** The bench's load client uses grpc-go in Envoy's order, and checks every resource. */
for (const mode of ['sotw', 'delta'] as const) {
  describeWith(['xdsload'], `fifty streams of grpc-go over ${mode}`, () => {
    let controlPlane: ControlPlane;
    let client: LoadClient;

    beforeAll(async () => {
      controlPlane = await startControlPlane();
      const hosts = Array.from({ length: 20 }, (_, index) => `svc-${index}.test`);
      for (const host of hosts) await sendJson(controlPlane.httpPort, 'PUT', instance(host), registered('10.1.1.1'));
      await servicesServed(controlPlane.httpPort, hosts.length);
      client = await startLoadClient({ mode, xdsPort: controlPlane.xdsPort, streams: 50, validate: true });
    });
    afterAll(async () => {
      await client?.stop();
      await controlPlane?.stop();
    });

    it('get every cluster, assignment, listener and route', () => {
      expect(client.edsNames).toBe(20);
      expect(client.rdsNames).toEqual(['80']);
    });

    it('all receive a changed endpoint', async () => {
      const change = () => sendJson(controlPlane.httpPort, 'PUT', instance('svc-3.test'), registered('10.2.2.2'));
      const before = await client.receivedBytes();
      await client.change('eds', 'outbound|80||svc-3.test', '10.2.2.2', async () => void (await change()));
      // One small assignment each. Any other resource would exceed this limit.
      expect((await client.receivedBytes()) - before).toBeLessThan(50 * 1_000);
    });

    it('all receive a changed rule', async () => {
      const rule = virtualService('svc-3.test', [
        { match: [{ uri: { prefix: '/marked/' } }], route: [{ destination: { host: 'svc-3.test' } }] },
        { route: [{ destination: { host: 'svc-3.test' } }] },
      ]);
      const path = '/apis/networking.istio.io/v1/namespaces/shop/virtualservices';
      const inShop = { ...rule, metadata: { ...rule.metadata, namespace: 'shop' } };
      await client.change(
        'rds',
        '80',
        '/marked/',
        async () => void (await sendJson(controlPlane.httpPort, 'POST', path, inShop)),
      );
    });
  });
}
