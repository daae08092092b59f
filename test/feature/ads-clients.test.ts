import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mode } from '../../src/xds/wire/response.ts';
import { type AdsOptions, type AdsStream, openAds, sidecarId } from '../support/ads-client.ts';
import { endpointAddresses } from '../support/ads-resources.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { sendJson } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry } from '../support/mesh-dir.ts';
import { meshTypes } from '../support/mesh-types.ts';

const sidecars = '/apis/networking.istio.io/v1/namespaces/red/sidecars';
const clusterOf = (host: string) => `outbound|8000||${host}`;
/** Builds a service that only its own namespace may see. */
const privateTo = (namespace: string) => {
  const { metadata, spec, ...rest } = serviceEntry(`${namespace}.test`, 8000, [{ port: 1 }]);
  return { ...rest, metadata: { ...metadata, namespace }, spec: { ...spec, exportTo: ['.'] } };
};
const instances = '/registry/v1/namespaces/default/services/large.test/instances';
const instance = (address: string, port: number) => ({
  address,
  ports: [{ name: 'http', port, protocol: 'http', servicePort: 8000 }],
  ttlSeconds: 600,
});

for (const mode of ['sotw', 'delta'] satisfies Mode[]) {
  describe(`several ${mode} clients`, () => {
    let mesh: MeshDir;
    let controlPlane: ControlPlane;

    const services = ['one.test', 'two.test', 'large.test', 'red.test', 'blue.test'];
    /** Connects a client and waits until it has all its resources. */
    async function configured(options: AdsOptions = {}): Promise<AdsStream> {
      const stream = openAds(controlPlane.xdsPort, { mode, follow: true, ...options });
      await Promise.all([stream.subscribe('cluster'), stream.subscribe('listener')]);
      await eventually(
        () =>
          [...stream.has.cluster.keys()]
            .filter((name) => name.endsWith('.test'))
            .every((name) => stream.has.endpoint.has(name)) && stream.has.route.has('8000'),
        { what: 'its first configuration' },
      );
      return stream;
    }
    const sees = (stream: AdsStream) => services.filter((host) => stream.has.cluster.has(clusterOf(host)));

    beforeAll(async () => {
      mesh = await createMeshDir();
      await mesh.write(
        'services.yaml',
        serviceEntry('one.test', 8000, [{ port: 1 }]),
        serviceEntry('two.test', 8000, [{ port: 2 }]),
        privateTo('red'),
        privateTo('blue'),
      );
      controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
      const put = Array.from({ length: 1_000 }, (_, n) => ({
        namespace: 'default',
        host: 'large.test',
        id: `i${n}`,
        ...instance(`10.1.${n >> 8}.${n & 255}`, 80),
      }));
      await sendJson(controlPlane.httpPort, 'POST', '/registry/v1/batch', { put });
    });
    afterAll(async () => {
      await controlPlane?.stop();
      await mesh?.delete();
    });

    it('a client that does not read costs no queue, delays nobody, and then gets the newest state', async () => {
      const changes = 200;
      const fast = await configured();
      const slow = await configured();
      const last = `10.1.0.0:${10_000 + changes}`;
      const hasLast = (stream: AdsStream) =>
        endpointAddresses(stream.has.endpoint.get(clusterOf('large.test'))).includes(last);
      const pushes = async () => (await controlPlane.metric('binnacle_pushes_total{type="endpoint"}')) ?? 0;
      const [pushedBefore, fastBefore, slowBefore] = [await pushes(), fast.responses.length, slow.responses.length];

      slow.pause();
      for (let n = 1; n <= changes; n++) {
        await sendJson(controlPlane.httpPort, 'PUT', `${instances}/i0`, instance('10.1.0.0', 10_000 + n));
      }
      await eventually(() => hasLast(fast), { what: 'the last change at the fast client', timeoutMs: 2_000 });
      const toFast = fast.responses.length - fastBefore;
      expect(toFast).toBeGreaterThan(changes / 4);
      // The slow client's transport has only the response that is not acknowledged yet.
      expect((await pushes()) - pushedBefore - toFast).toBeLessThanOrEqual(1);
      expect(slow.responses.length).toBe(slowBefore);

      slow.resume();
      await eventually(() => hasLast(slow), { what: 'the last change at the slow client' });
      expect(slow.responses.length - slowBefore).toBeLessThanOrEqual(2);
    });

    it('a hundred clients with equal subscriptions get equal bytes, encoded once', async () => {
      const work = () =>
        Promise.all(
          ['resources_encoded', 'hosts_compiled'].map((part) =>
            controlPlane.metric(`binnacle_flush_work_total{part="${part}"}`),
          ),
        );
      const layers = () => controlPlane.metric('binnacle_layers');
      const first = await configured();
      const before = [await work(), await layers()];
      const others = await Promise.all(
        Array.from({ length: 100 }, (_, n) => configured({ nodeId: sidecarId('default', `c${n}`, `10.2.0.${n}`) })),
      );
      expect([await work(), await layers()]).toEqual(before);
      for (const type of meshTypes) {
        const want = bytesOf(first, type);
        expect(want).not.toEqual([]);
        for (const other of others) expect(bytesOf(other, type)).toEqual(want);
      }
    });

    it('clients of two namespaces get the resources of their own', async () => {
      const [red, blue] = [
        await configured({ nodeId: sidecarId('red', 'r') }),
        await configured({ nodeId: sidecarId('blue', 'b') }),
      ];
      expect(sees(red)).toEqual(['one.test', 'two.test', 'large.test', 'red.test']);
      expect(sees(blue)).toEqual(['one.test', 'two.test', 'large.test', 'blue.test']);
    });

    it('a Sidecar removes hidden services from its namespace, clusters last, and restores them, clusters first', async () => {
      const red = await configured({ nodeId: sidecarId('red', 'r') });
      const blue = await configured({ nodeId: sidecarId('blue', 'b') });
      const two = clusterOf('two.test');
      const routesTo = (body: Uint8Array | undefined) => Buffer.from(body ?? []).includes(two);
      const heardByBlue = blue.responses.length;

      let heard = red.responses.length;
      await sendJson(controlPlane.httpPort, 'POST', sidecars, {
        metadata: { name: 'default' },
        spec: { egress: [{ hosts: ['*/one.test'] }] },
      });
      await eventually(() => sees(red).join() === 'one.test', { what: 'one service alone' });
      expect(routesTo(red.has.route.get('8000'))).toBe(false);
      const taken = red.responses.slice(heard);
      const routeWithout = taken.findIndex(
        ({ resources }) => resources.has('8000') && !routesTo(resources.get('8000')),
      );
      const clustersWithout = taken.findIndex(
        ({ type, resources, removed }) =>
          type === 'cluster' && (mode === 'sotw' ? !resources.has(two) : removed.includes(two)),
      );
      expect(routeWithout).toBeGreaterThanOrEqual(0);
      expect(clustersWithout).toBeGreaterThan(routeWithout);

      heard = red.responses.length;
      await sendJson(controlPlane.httpPort, 'DELETE', `${sidecars}/default`);
      await eventually(() => sees(red).length === 4 && routesTo(red.has.route.get('8000')), { what: 'all four again' });
      const given = red.responses.slice(heard);
      const clustersWith = given.findIndex(({ type, resources }) => type === 'cluster' && resources.has(two));
      const routeWith = given.findIndex(({ resources }) => routesTo(resources.get('8000')));
      expect(clustersWith).toBeGreaterThanOrEqual(0);
      expect(routeWith).toBeGreaterThan(clustersWith);
      expect(blue.responses.length).toBe(heardByBlue);
    });
  });
}

const bytesOf = (stream: AdsStream, type: (typeof meshTypes)[number]) =>
  [...stream.has[type]].map(([name, body]) => `${name} ${Buffer.from(body).toString('base64')}`).sort();
