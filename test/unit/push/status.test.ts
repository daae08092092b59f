import { beforeEach, describe, expect, it } from 'vitest';
import { endpoint, rawObject } from '../../support/model.ts';
import { StatusMesh } from '../../support/status-mesh.ts';

const toB = (more: object = {}) => ({ hosts: ['a'], http: [{ ...more, route: [{ destination: { host: 'b' } }] }] });

let mesh: StatusMesh;
beforeEach(async () => {
  mesh = new StatusMesh();
  mesh.service('a', [endpoint('10.0.0.1')]);
  mesh.service('b', [endpoint('10.0.0.2')]);
  await mesh.flush();
});

for (const mode of ['delta', 'sotw'] as const) {
  describe(`a rule's status over ${mode}`, () => {
    it('is pending until it is compiled, and until every proxy that it concerns has answered', async () => {
      const [one, two] = [mesh.connect('one', { mode }), mesh.connect('two', { mode })];
      await mesh.flush();
      for (const proxy of [one, two]) proxy.settle();
      mesh.put('VirtualService', 'default/v', toB());
      expect(mesh.line('VirtualService', 'default/v')).toBe('Pending 0/0');
      expect(mesh.programmed('VirtualService', 'default/v').message).toBe('it waits to be compiled');
      await mesh.flush();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Pending 0/2');
      one.settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Pending 1/2');
      expect(mesh.programmed('VirtualService', 'default/v').message).toBe('1 of 2 proxies have not answered yet (two)');
      two.settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 2/2');
      expect(mesh.status('VirtualService', 'default/v')).toMatchObject({
        observedGeneration: 1,
        conditions: [
          { type: 'Accepted', status: 'True', reason: 'Accepted' },
          { type: 'Programmed', status: 'True', observedGeneration: 1 },
        ],
        proxies: { concerned: 2, acknowledged: 2, pending: 0, rejected: 0 },
        rejections: [],
      });
    });

    it('goes through all of it again for another generation', async () => {
      mesh.put('VirtualService', 'default/v', toB());
      const one = mesh.connect('one', { mode });
      await mesh.flush();
      one.settle();
      mesh.put('VirtualService', 'default/v', toB({ timeout: '3s' }));
      expect(mesh.line('VirtualService', 'default/v')).toBe('Pending 0/0');
      await mesh.flush();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Pending 0/1');
      one.settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 1/1');
      expect(mesh.status('VirtualService', 'default/v').observedGeneration).toBe(2);
    });

    it('says who rejects what, with their words, and is programmed again when it is repaired', async () => {
      mesh.put('VirtualService', 'default/v', toB());
      const [one, two] = [mesh.connect('one', { mode }), mesh.connect('two', { mode })];
      await mesh.flush();
      for (const proxy of [one, two]) proxy.settle();
      mesh.put('VirtualService', 'default/v', toB({ timeout: '3s' }));
      await mesh.flush();
      one.settle();
      two.answer('route', 'route 80: too slow');
      two.settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Rejected 1/2 -1');
      expect(mesh.programmed('VirtualService', 'default/v').message).toBe(
        'rejected by 1 of 2 proxies (two): route 80: too slow; they keep what they had: correct the object',
      );
      expect(mesh.status('VirtualService', 'default/v').rejections).toEqual([
        { proxy: 'two', type: 'route', resources: ['80'], message: 'route 80: too slow' },
      ]);
      mesh.put('VirtualService', 'default/v', toB({ timeout: '2s' }));
      await mesh.flush();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Pending 0/2');
      for (const proxy of [one, two]) proxy.settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 2/2');
      expect(mesh.status('VirtualService', 'default/v').rejections).toEqual([]);
    });

    it('does not suffer from other rules of the same route configuration', async () => {
      mesh.put('VirtualService', 'default/good', { hosts: ['b'], http: [{ route: [{ destination: { host: 'b' } }] }] });
      const one = mesh.connect('one', { mode });
      await mesh.flush();
      one.settle();
      mesh.put('VirtualService', 'default/bad', toB({ timeout: '3s' }));
      mesh.put('DestinationRule', 'default/d', { host: 'b', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } });
      await mesh.flush();
      one.answer('cluster');
      expect(mesh.line('VirtualService', 'default/good')).toBe('Programmed 1/1');
      one.answer('route', 'route 80: too slow');
      expect(mesh.line('VirtualService', 'default/good')).toBe('Programmed 1/1');
      expect(mesh.line('VirtualService', 'default/bad')).toBe('Rejected 0/1 -1');
      // One that connects now has nothing of the route configuration: there neither rule is in effect.
      const two = mesh.connect('two', { mode }).settle('route');
      two.answer('route', 'route 80: too slow');
      expect(mesh.line('VirtualService', 'default/good')).toBe('Rejected 1/2 -1');
    });

    it('is not taken for acknowledged because something else was, since a proxy rejected it', async () => {
      mesh.service('c', [], { ports: [{ name: 'http', number: 90, protocol: 'http' }] });
      const one = mesh.connect('one', { mode });
      await mesh.flush();
      one.settle();
      const refuse = () => one.answer('route', 'route 80: no');
      mesh.put('VirtualService', 'default/bad', toB({ timeout: '3s' }));
      await mesh.flush();
      refuse();
      mesh.put('VirtualService', 'default/good', { ...toB(), hosts: ['b'] });
      await mesh.flush();
      refuse();
      mesh.put('VirtualService', 'default/other', { ...toB(), hosts: ['c'] });
      await mesh.flush();
      one.settle();
      expect(mesh.line('VirtualService', 'default/other')).toBe('Programmed 1/1');
      mesh.put('VirtualService', 'default/bad', toB());
      await mesh.flush();
      expect(mesh.line('VirtualService', 'default/good')).toBe('Pending 0/1');
      one.settle();
      expect(mesh.line('VirtualService', 'default/good')).toBe('Programmed 1/1');
    });

    it('says that it is rejected when the proxy does not say what it rejects', async () => {
      const one = mesh.connect('one', { mode });
      await mesh.flush();
      one.settle();
      mesh.put('VirtualService', 'default/v', toB());
      await mesh.flush();
      one.answer('route', 'no');
      expect(mesh.line('VirtualService', 'default/v')).toBe('Rejected 0/1 -1');
      // An acknowledgement of something else does not change that.
      mesh.service('c', [], { ports: [{ name: 'http', number: 90, protocol: 'http' }] });
      await mesh.flush();
      one.settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Rejected 0/1 -1');
      expect(mesh.status('VirtualService', 'default/v').rejections[0]?.message).toBe('no');
    });

    it('is settled for a proxy that comes back with all that it had', async () => {
      mesh.put('VirtualService', 'default/v', toB());
      const one = mesh.connect('one', { mode });
      await mesh.flush();
      one.settle();
      const has = Object.fromEntries(
        one.client.layers.flatMap(({ tables }) =>
          [...tables.cluster.entries.values()].map(({ resource }) => [resource.name, resource.version]),
        ),
      );
      one.disconnect();
      expect(mesh.line('VirtualService', 'default/v')).toBe('NoProxies 0/0');
      mesh.connect('one', { mode, has: { cluster: has } }).settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 1/1');
    });
  });
}

describe('whom a rule concerns', () => {
  it('nobody when no proxy is connected, and none that does not ask for the type', async () => {
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

  it('one that asks later, as soon as it asks', async () => {
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

  it('one that has nothing to be told any more is at rest', async () => {
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

  it('proxies that see the rule only', async () => {
    mesh.put('VirtualService', 'default/v', { ...toB(), exportTo: ['.'] });
    mesh.connect('one');
    mesh.connect('two', { facts: { namespace: 'shop' } });
    await mesh.flush();
    expect(mesh.status('VirtualService', 'default/v').proxies.concerned).toBe(0);
  });

  it('a DestinationRule: those with the clusters, whatever endpoints are under way', async () => {
    const one = mesh.connect('one');
    await mesh.flush();
    one.settle();
    mesh.put('DestinationRule', 'default/d', { host: 'b', subsets: [{ name: 'v1', labels: { version: 'v1' } }] });
    await mesh.flush();
    expect(mesh.line('DestinationRule', 'default/d')).toBe('Pending 0/1');
    one.settle();
    expect(mesh.line('DestinationRule', 'default/d')).toBe('Programmed 1/1');
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

  it('a Sidecar: the proxies that it selects, when they have all that is left to them', async () => {
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

  it('a Sidecar: pending all the while that its proxies move to a scope that is still to be compiled', async () => {
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

  it('the mesh configuration: everybody', async () => {
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
    it(`the mesh configuration: until a proxy has taken also what it rejected of it (${mode})`, async () => {
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

  it('a ServiceEntry and its WorkloadEntry: who calls the service, and who serves it', async () => {
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

describe('what else a status says', () => {
  it('which fields have no effect, also while proxies have not answered', async () => {
    mesh.put('VirtualService', 'default/v', toB({ fault: { abort: { httpStatus: 500, percentage: { value: 1 } } } }));
    const one = mesh.connect('one');
    await mesh.flush();
    one.settle('route');
    expect(mesh.programmed('VirtualService', 'default/v')).toMatchObject({
      reason: 'Pending',
      message: '1 of 1 proxies have not answered yet (one); not in effect in this release: spec.http[0].fault',
    });
    one.settle();
    expect(mesh.programmed('VirtualService', 'default/v')).toMatchObject({
      status: 'False',
      reason: 'NotInEffect',
      message: 'not in effect in this release: spec.http[0].fault',
    });
  });

  it('that a kind has no effect', async () => {
    mesh.put('PeerAuthentication', 'default/p', { mtls: { mode: 'STRICT' } });
    await mesh.flush();
    expect(mesh.status('PeerAuthentication', 'default/p').conditions).toMatchObject([
      { type: 'Accepted', status: 'True' },
      {
        type: 'Programmed',
        status: 'False',
        reason: 'NotInEffect',
        message: 'objects of this kind have no effect in this release',
      },
    ]);
  });

  it('which object comes first, and what is missing', async () => {
    mesh.put('VirtualService', 'default/v', toB());
    mesh.put('VirtualService', 'default/w', toB());
    mesh.put('VirtualService', 'default/x', { hosts: ['b'], http: [{ route: [{ destination: { host: 'ghost' } }] }] });
    const one = mesh.connect('one');
    await mesh.flush();
    one.settle();
    expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 1/1');
    expect(mesh.programmed('VirtualService', 'default/w')).toMatchObject({
      reason: 'Conflict',
      message: 'not used for a.default.svc.cluster.local: VirtualService/default/v comes first',
    });
    expect(mesh.programmed('VirtualService', 'default/x')).toMatchObject({
      reason: 'Conflict',
      message: expect.stringContaining('there is no service ghost.default.svc.cluster.local'),
    });
    mesh.service('ghost');
    mesh.remove('VirtualService', 'default/v');
    await mesh.flush();
    one.settle();
    expect(mesh.line('VirtualService', 'default/w')).toBe('Programmed 1/1');
    expect(mesh.line('VirtualService', 'default/x')).toBe('Programmed 1/1');
  });

  it('that an earlier version is in effect, or that of a file, or nothing', async () => {
    mesh.put('VirtualService', 'default/v', toB());
    mesh.put('VirtualService', 'default/v', { hosts: 'a' });
    mesh.put('VirtualService', 'default/n', { hosts: 'a' });
    mesh.put('VirtualService', 'default/f', { hosts: 'a' });
    await mesh.flush();
    expect(mesh.programmed('VirtualService', 'default/f').reason).toBe('NotInEffect');
    mesh.file(rawObject('VirtualService', 'f', { hosts: ['f.example.com'], http: [] }));
    expect(mesh.status('VirtualService', 'default/v').conditions).toMatchObject([
      { status: 'False', reason: 'Invalid', message: expect.stringContaining('spec.hosts') },
      { status: 'False', reason: 'Shadowed', message: expect.stringContaining('an earlier version') },
    ]);
    expect(mesh.programmed('VirtualService', 'default/n').reason).toBe('NotInEffect');
    expect(mesh.programmed('VirtualService', 'default/f')).toMatchObject({
      reason: 'Shadowed',
      message: expect.stringContaining('test.yaml#1'),
    });
  });

  it('nothing new when only labels and the like were written', async () => {
    mesh.put('VirtualService', 'default/v', toB());
    await mesh.flush();
    mesh.put('VirtualService', 'default/v', toB());
    expect(mesh.line('VirtualService', 'default/v')).toBe('NoProxies 0/0');
  });

  it('that an object which is not stored yet waits', async () => {
    const object = mesh.put('VirtualService', 'default/v', toB());
    await mesh.flush();
    const dryRun = { ...object, metadata: { ...object.metadata, generation: 2 } };
    expect(mesh.keeper.of(dryRun)).toMatchObject({
      observedGeneration: 2,
      conditions: [{ status: 'True' }, { status: 'False', reason: 'Pending' }],
    });
  });

  it('since when it is so, as long as the object lives', async () => {
    const at = (ms: number) => new Date(start + ms).toISOString();
    const start = mesh.clock.now();
    mesh.put('VirtualService', 'default/v', toB());
    const time = () => mesh.programmed('VirtualService', 'default/v').lastTransitionTime;
    expect(time()).toBe(at(0));
    await mesh.pass(1_000);
    expect(time()).toBe(at(0));
    await mesh.flush();
    expect(time()).toBe(at(1_000));
    await mesh.pass(1_000);
    expect(time()).toBe(at(1_000));
    mesh.remove('VirtualService', 'default/v');
    mesh.put('VirtualService', 'default/v', toB());
    await mesh.flush();
    expect(time()).toBe(at(2_000));
  });

  it('that a namespace is as good as it will be', () => {
    mesh.put('Namespace', 'shop', {});
    expect(mesh.line('Namespace', 'shop')).toBe('NoProxies 0/0');
  });
});
