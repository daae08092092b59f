import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { send } from '../support/http.ts';
import { createMeshDir, type MeshDir, serviceEntry } from '../support/mesh-dir.ts';

/** Builds a service of a mesh directory that lets instances join. */
const open = (host: string) => {
  const { metadata, ...rest } = serviceEntry(host, 80, [{ port: 8001 }]);
  return { ...rest, metadata: { ...metadata, labels: { 'mesh.binnacle.dev/registration': 'allow' } } };
};

const kubernetes = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'orders', namespace: 'shop' },
    spec: { ports: [{ name: 'http', port: 80 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'orders-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'orders' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8001 }],
    endpoints: [{ addresses: ['10.0.0.1'] }],
  },
];

let mesh: MeshDir;
let plane: ControlPlane;
beforeEach(async () => {
  mesh = await createMeshDir();
  await mesh.write('closed.yaml', serviceEntry('closed.test', 80, [{ port: 8001 }]));
  await mesh.write('open.yaml', open('open.test'));
  await mesh.write('orders.yaml', ...kubernetes);
  const args = ['--mesh-dir', mesh.path];
  plane = await startControlPlane({ args, config: { registration: { allow: ['default/listed.test'] } } });
});
afterEach(async () => {
  await plane?.stop();
  await mesh?.delete();
});

async function register(host: string, namespace = 'default') {
  const path = `/registry/v1/namespaces/${namespace}/services/${host}/instances/vm-1`;
  const body = JSON.stringify({
    address: '10.6.6.6',
    ports: [{ name: 'http', port: 8666, servicePort: 80, protocol: 'http' }],
  });
  const headers = { 'content-type': 'application/json' };
  const answer = await send(plane.httpPort, { method: 'PUT', path, headers, body });
  return { status: answer.status, error: JSON.parse(answer.body).error };
}
const read = async (path: string) => JSON.parse((await send(plane.httpPort, { path })).body);

/** Returns the addresses of a host that a sidecar gets over REST. */
async function served(host: string): Promise<readonly string[]> {
  const node = { id: 'sidecar~10.0.0.9~web.default~default.svc.cluster.local' };
  const body = JSON.stringify({ node, resource_names: [`outbound|80||${host}`] });
  const headers = { 'content-type': 'application/json' };
  const answer = await send(plane.httpPort, { method: 'POST', path: '/v3/discovery:endpoints', headers, body });
  return [...answer.body.matchAll(/"address":\s*"([\d.]+)"/g)].map(([, address = '']) => address).sort();
}

describe('an instance that registers for a service of the mesh directory', () => {
  it('is rejected with the remedy, for a ServiceEntry and for a Kubernetes Service, under each of its names', async () => {
    expect(await register('closed.test')).toEqual({
      status: 409,
      error:
        'closed.test is defined in the namespace "default" (service-entry): instances may register for it only if it has the label mesh.binnacle.dev/registration: allow, or registration.allow in binnacle.yaml has default/closed.test',
    });
    expect(await register('closed.test', 'elsewhere')).toMatchObject({ status: 409 });
    for (const host of ['orders.shop.svc.cluster.local', 'orders.shop.svc', 'orders.shop', 'orders']) {
      expect({ host, ...(await register(host, 'shop')) }).toMatchObject({ host, status: 409 });
    }
    expect(await served('closed.test')).toEqual(['127.0.0.1']);
    expect(await read('/registry/v1/namespaces/default/services')).toEqual({ services: [] });
  });

  it('joins if the service has the label', async () => {
    expect(await register('open.test')).toEqual({ status: 201 });
    await eventually(async () => (await served('open.test')).length === 2, { what: 'both endpoints' });
    expect(await served('open.test')).toEqual(['10.6.6.6', '127.0.0.1']);
  });

  it('is excluded with a report if the service appears later, and counts again when it is removed', async () => {
    expect(await register('late.test')).toEqual({ status: 201 });
    expect(await register('listed.test')).toEqual({ status: 201 });
    await eventually(async () => (await served('late.test'))[0] === '10.6.6.6', { what: 'the instance' });
    await mesh.write('late.yaml', serviceEntry('late.test', 80, [{ port: 8001 }]));
    await mesh.write('listed.yaml', serviceEntry('listed.test', 80, [{ port: 8001 }]));
    await eventually(async () => (await served('late.test'))[0] === '127.0.0.1', { what: 'the ServiceEntry' });
    expect(await served('late.test')).toEqual(['127.0.0.1']);
    await eventually(async () => (await served('listed.test')).length === 2, { what: 'both endpoints' });

    const problem = expect.stringContaining('late.test is defined in the namespace "default"');
    expect((await read('/debug/adapterz')).problems).toEqual([
      { shard: 'registration', origin: 'instances of default/late.test', message: problem },
    ]);
    const instance = '/registry/v1/namespaces/default/services/late.test/instances/vm-1';
    expect(await read(instance)).toMatchObject({ id: 'vm-1', problem });
    expect(await plane.metric('binnacle_registrations_left_out')).toBe(1);
    expect(plane.child.stderr()).toContain('registered instances were left out');
    expect(await register('late.test')).toMatchObject({ status: 409 });

    await mesh.remove('late.yaml');
    await eventually(async () => (await served('late.test'))[0] === '10.6.6.6', { what: 'the instance again' });
    expect(await plane.metric('binnacle_registrations_left_out')).toBe(0);
  });
});
