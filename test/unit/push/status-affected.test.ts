import { beforeEach, describe, expect, it } from 'vitest';
import { endpoint } from '../../support/model.ts';
import { meshOfTwo, type StatusMesh, toB } from '../../support/status-mesh.ts';

let mesh: StatusMesh;
beforeEach(async () => {
  mesh = await meshOfTwo();
});

describe('the proxies that a rule concerns', () => {
  it('are none without connected proxies that subscribe to the type', async () => {
    mesh.put('VirtualService', 'default/v', toB());
    mesh.put('DestinationRule', 'default/d', { host: 'b', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } });
    await mesh.flush();
    expect(mesh.line('VirtualService', 'default/v')).toBe('NoProxies 0/0');
    expect(mesh.programmed('VirtualService', 'default/v').status).toBe('True');
    mesh.connect('one', { types: ['cluster'] });
    await mesh.flush();
    expect(mesh.line('VirtualService', 'default/v')).toBe('NoProxies 0/0');
    expect(mesh.line('DestinationRule', 'default/d')).toBe('Pending 0/1');
  });

  it('include a proxy as soon as it subscribes', async () => {
    mesh.service('c', [], { ports: [{ name: 'http', number: 90, protocol: 'http' }] });
    mesh.put('VirtualService', 'default/v', { ...toB(), hosts: ['c'] });
    const one = mesh.connect('one', { types: [] });
    one.asks('route', ['80']);
    await mesh.flush();
    one.settle();
    expect(mesh.line('VirtualService', 'default/v')).toBe('NoProxies 0/0');
    one.asks('route', ['90']);
    expect(mesh.line('VirtualService', 'default/v')).toBe('Pending 0/1');
    mesh.rest();
    expect(mesh.line('VirtualService', 'default/v')).toBe('Pending 0/1');
    one.settle();
    expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 1/1');
  });

  it('include a proxy without pending responses as settled', async () => {
    mesh.put('VirtualService', 'default/v', toB());
    const one = mesh.connect('one', { types: [], mode: 'sotw' });
    one.asks('route', ['80', '90']);
    await mesh.flush();
    one.settle();
    mesh.service('c', [], { ports: [{ name: 'http', number: 90, protocol: 'http' }] });
    await mesh.flush();
    one.settle();
    mesh.removeService('c');
    await mesh.coordinator.flush();
    mesh.line('VirtualService', 'default/v');
    const { activity } = mesh.coordinator;
    mesh.rest(); // a state-of-the-world stream has no word for it
    expect(mesh.coordinator.activity).toBeGreaterThan(activity);
    expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 1/1');
  });

  it('are none once no proxy sees its host', async () => {
    const seesOnly = (host: string) => ({ egress: [{ hosts: [`./${host}.default.svc.cluster.local`] }] });
    mesh.put('Sidecar', 'default/s', seesOnly('b'));
    mesh.put('DestinationRule', 'default/d', { host: 'b', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } });
    const one = mesh.connect('one');
    await mesh.flush();
    one.settle();
    expect(mesh.line('DestinationRule', 'default/d')).toBe('Programmed 1/1');
    mesh.put('Sidecar', 'default/s', seesOnly('a'));
    await mesh.flush();
    one.settle();
    expect(mesh.line('DestinationRule', 'default/d')).toBe('NoProxies 0/0');
  });

  it('are only those that see the rule', async () => {
    mesh.put('VirtualService', 'default/v', { ...toB(), exportTo: ['.'] });
    mesh.connect('one');
    mesh.connect('two', { facts: { namespace: 'shop' } });
    await mesh.flush();
    expect(mesh.status('VirtualService', 'default/v').proxies.concerned).toBe(0);
  });

  it('of a DestinationRule are those with its clusters, regardless of pending endpoints', async () => {
    const one = mesh.connect('one');
    await mesh.flush();
    one.settle();
    mesh.put('DestinationRule', 'default/d', { host: 'b', subsets: [{ name: 'v1', labels: { version: 'v1' } }] });
    await mesh.flush();
    expect(mesh.line('DestinationRule', 'default/d')).toBe('Pending 0/1');
    one.settle();
    expect(mesh.line('DestinationRule', 'default/d')).toBe('NoEndpoints 1/1');
    mesh.service('b', [endpoint('10.0.0.9', { labels: { version: 'v1' } })]);
    await mesh.flush();
    expect(mesh.line('DestinationRule', 'default/d')).toBe('Programmed 1/1');
    mesh.put('DestinationRule', 'default/d', {
      host: 'b',
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 3 } } },
    });
    await mesh.flush();
    one.answer('cluster', 'outbound|80||b.default.svc.cluster.local: no');
    one.settle();
    expect(mesh.line('DestinationRule', 'default/d')).toBe('Rejected 0/1 -1');
  });

  it('of a Sidecar are those that it selects, once they have their reduced configuration', async () => {
    const [one, other] = [mesh.connect('one', { facts: { labels: { app: 'web' } } }), mesh.connect('other')];
    await mesh.flush();
    for (const proxy of [one, other]) proxy.settle();
    mesh.put('Sidecar', 'default/s', {
      workloadSelector: { labels: { app: 'web' } },
      egress: [{ hosts: ['./b.default.svc.cluster.local'] }],
    });
    expect(mesh.line('Sidecar', 'default/s')).toBe('Pending 0/0');
    await mesh.flush();
    expect(mesh.line('Sidecar', 'default/s')).toBe('Pending 0/1');
    one.settle();
    expect(mesh.line('Sidecar', 'default/s')).toBe('Programmed 1/1');
    mesh.put('Sidecar', 'default/s', { workloadSelector: { labels: { app: 'web' } }, egress: [{ hosts: ['*/*'] }] });
    await mesh.flush();
    expect(mesh.line('Sidecar', 'default/s')).toBe('Pending 0/1');
    one.settle();
    expect(mesh.line('Sidecar', 'default/s')).toBe('Programmed 1/1');
  });

  it('of a Sidecar are pending while they move to a scope that is not compiled yet', async () => {
    const one = mesh.connect('one');
    await mesh.flush();
    one.settle();
    let nowMs = 0;
    mesh.elapsedMs = () => (nowMs += 10); // a slice is one step
    mesh.put('Sidecar', 'default/s', { egress: [{ hosts: ['./b.default.svc.cluster.local'] }] });
    const flushed = mesh.coordinator.flush();
    const lines = new Set<string>();
    do lines.add(mesh.line('Sidecar', 'default/s'));
    while (await mesh.turn());
    await flushed;
    expect([...lines]).toEqual(['Pending 0/0', 'Pending 0/1']);
  });

  it('of the mesh configuration are all', async () => {
    const [one, other] = [mesh.connect('one'), mesh.connect('other', { facts: { namespace: 'shop' } })];
    await mesh.flush();
    for (const proxy of [one, other]) proxy.settle();
    mesh.put('MeshConfig', 'default', { connectTimeout: '3s' });
    expect(mesh.line('MeshConfig', 'default')).toBe('Pending 0/0');
    await mesh.flush();
    expect(mesh.line('MeshConfig', 'default')).toBe('Pending 0/2');
    one.settle();
    other.answer('cluster', 'PassthroughCluster: no');
    other.settle();
    expect(mesh.line('MeshConfig', 'default')).toBe('Rejected 1/2 -1');
  });

  for (const mode of ['delta', 'sotw'] as const) {
    it(`of the mesh configuration are pending until they accept the rejected part (${mode})`, async () => {
      const one = mesh.connect('one', { mode });
      await mesh.flush();
      one.settle();
      mesh.put('MeshConfig', 'default', { connectTimeout: '3s' });
      await mesh.flush();
      one.answer('cluster', 'outbound|80||b.default.svc.cluster.local: no');
      one.settle();
      expect(mesh.line('MeshConfig', 'default')).toBe('Rejected 0/1 -1');
      expect(mesh.status('MeshConfig', 'default').rejections[0]?.resources).toContain(
        'outbound|80||b.default.svc.cluster.local',
      );
      mesh.put('DestinationRule', 'default/d', { host: 'b', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } });
      await mesh.flush();
      expect(mesh.line('MeshConfig', 'default')).toBe('Pending 0/1');
      one.settle();
      expect(mesh.line('MeshConfig', 'default')).toBe('Programmed 1/1');
    });
  }

  it('of a ServiceEntry and its WorkloadEntry are clients and workloads of the service', async () => {
    const caller = mesh.connect('caller');
    await mesh.flush();
    caller.settle();
    mesh.put('ServiceEntry', 'default/e', {
      hosts: ['db.example.com'],
      ports: [{ name: 'http', number: 80, protocol: 'HTTP' }],
      resolution: 'STATIC',
      location: 'MESH_INTERNAL',
      workloadSelector: { labels: { app: 'db' } },
    });
    await mesh.flush();
    expect(mesh.line('ServiceEntry', 'default/e')).toBe('Pending 0/1');
    caller.settle();
    expect(mesh.line('ServiceEntry', 'default/e')).toBe('Programmed 1/1');
    const server = mesh.connect('server', { facts: { addresses: ['10.5.0.1'] } });
    await mesh.flush();
    server.settle();
    mesh.put('WorkloadEntry', 'default/w', { address: '10.5.0.1', labels: { app: 'db' } });
    await mesh.flush();
    expect(mesh.line('WorkloadEntry', 'default/w')).toBe('Pending 0/2');
    caller.settle();
    server.settle();
    expect(mesh.line('WorkloadEntry', 'default/w')).toBe('Programmed 2/2');
    expect(mesh.line('ServiceEntry', 'default/e')).toBe('Programmed 2/2');
    mesh.put('WorkloadEntry', 'default/x', { address: '10.5.0.2', labels: { app: 'db' } });
    await mesh.flush();
    expect(mesh.line('WorkloadEntry', 'default/x')).toBe('Pending 0/2');
    expect(mesh.line('ServiceEntry', 'default/e')).toBe('Programmed 2/2');
  });
});
