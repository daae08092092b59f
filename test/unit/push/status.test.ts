import { beforeEach, describe, expect, it, vi } from 'vitest';
import { meshOfTwo, type StatusMesh, toB } from '../../support/status-mesh.ts';

let mesh: StatusMesh;
beforeEach(async () => {
  mesh = await meshOfTwo();
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

    it('starts again as pending with another generation', async () => {
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

    it('lists rejections with their errors, and is programmed again when it is repaired', async () => {
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

    it('is unaffected by other rules of the same route configuration', async () => {
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
      // One that connects now has nothing of the route configuration: it is sent the good rule by itself.
      const two = mesh.connect('two', { mode }).settle('route');
      two.answer('route', 'route 80: too slow');
      expect(mesh.line('VirtualService', 'default/good')).toBe('Pending 1/2');
      two.answer('route');
      expect(mesh.line('VirtualService', 'default/good')).toBe('Pending 1/2');
      two.answer('route', 'route 80: too slow');
      two.settle();
      expect(mesh.line('VirtualService', 'default/good')).toBe('Programmed 2/2');
      expect(mesh.line('VirtualService', 'default/bad')).toBe('Rejected 0/2 -2');
    });

    it('is pending if a rejected part contains its change, even if another rule is to be corrected', async () => {
      const one = mesh.connect('one', { mode });
      const connections = (maxConnections: number) => ({ connectionPool: { tcp: { maxConnections } } });
      await mesh.flush();
      one.settle();
      mesh.put('DestinationRule', 'default/first', { host: 'b', trafficPolicy: connections(1) });
      await mesh.flush();
      one.answer('cluster', 'no');
      one.settle();
      expect(mesh.line('DestinationRule', 'default/first')).toBe('Rejected 0/1 -1');
      mesh.put('DestinationRule', 'default/second', { host: 'b', trafficPolicy: connections(1) });
      await mesh.flush();
      one.settle();
      expect(mesh.line('DestinationRule', 'default/second')).toBe('Pending 0/1');
    });

    it('does not count as rejected by a peer that proves nothing, until another peer rejects it', async () => {
      mesh.put('VirtualService', 'default/v', toB());
      const [one, two] = [mesh.connect('one', { mode }), mesh.connect('two', { mode })];
      const attackers = ['three', 'four'].map((id) => mesh.connect(id, { mode, peer: '10.0.0.9:1' }));
      const other = mesh.connect('five', { mode, peer: '10.0.0.8:1' });
      await mesh.flush();
      for (const proxy of [one, two, ...attackers, other]) proxy.settle();
      mesh.put('VirtualService', 'default/v', toB({ timeout: '3s' }));
      await mesh.flush();
      for (const proxy of attackers) proxy.answer('route', 'route 80: too slow');
      for (const proxy of [one, two, ...attackers, other]) proxy.settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 3/5 -2');
      expect(mesh.programmed('VirtualService', 'default/v').message).toBe(
        'acknowledged by 3 of 5 proxies that it concerns; rejected by three, whose address proves nothing: that counts once another peer rejects it, too',
      );
      mesh.put('VirtualService', 'default/v', toB({ timeout: '4s' }));
      await mesh.flush();
      for (const proxy of [other, ...attackers]) proxy.answer('route', 'route 80: too slow');
      for (const proxy of [one, two, ...attackers, other]) proxy.settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Rejected 2/5 -3');
    });

    it('is rejected by one peer that proves nothing if the part violates a constraint of Envoy', async () => {
      vi.spyOn(mesh.coordinator.quarantine, 'isProven').mockReturnValue(true); // the API refuses such a rule
      mesh.put('VirtualService', 'default/v', toB());
      const proxies = ['one', 'two'].map((id) => mesh.connect(id, { mode, peer: `10.0.0.${id.length}:1` }));
      await mesh.flush();
      for (const proxy of proxies) proxy.settle();
      mesh.put('VirtualService', 'default/v', toB({ timeout: '3s' }));
      await mesh.flush();
      proxies[0]?.answer('route', 'route 80: too slow');
      for (const proxy of proxies) proxy.settle();
      expect(mesh.line('VirtualService', 'default/v')).toBe('Rejected 1/2 -1');
    });

    it('is rejected until the proxy was sent another version, regardless of other rules', async () => {
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
      one.settle();
      expect(mesh.line('VirtualService', 'default/bad')).toBe('Programmed 1/1');
      expect(mesh.line('VirtualService', 'default/good')).toBe('Rejected 0/1 -1');
      mesh.put('VirtualService', 'default/good', { ...toB({ timeout: '1s' }), hosts: ['b'] });
      await mesh.flush();
      one.settle();
      expect(mesh.line('VirtualService', 'default/good')).toBe('Programmed 1/1');
    });

    it('is rejected if the proxy does not name the rejected resource', async () => {
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

    it('is settled for a proxy that reconnects with all resources', async () => {
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

it('of a ServiceEntry without addresses lists the allocated ones', async () => {
  const spec = { hosts: ['db.example'], resolution: 'DNS', ports: [{ name: 'tcp', number: 5432, protocol: 'TCP' }] };
  mesh.put('ServiceEntry', 'default/db', spec);
  await mesh.flush();
  expect(mesh.status('ServiceEntry', 'default/db').addresses).toEqual([
    { host: 'db.example', value: expect.stringMatching(/^240\.240\./) },
    { host: 'db.example', value: expect.stringMatching(/^2001:2::/) },
  ]);
  mesh.put('ServiceEntry', 'default/db', { ...spec, addresses: ['10.0.0.1'] });
  await mesh.flush();
  expect(mesh.status('ServiceEntry', 'default/db').addresses).toBeUndefined();
});
