import { beforeEach, describe, expect, it } from 'vitest';
import { ruleId } from '../../../src/rules/rule.ts';
import { endpoint, rawObject } from '../../support/model.ts';
import { meshOfTwo, type StatusMesh, toB } from '../../support/status-mesh.ts';

let mesh: StatusMesh;
beforeEach(async () => {
  mesh = await meshOfTwo();
});

describe('further contents of a status', () => {
  it('name fields without effect, even while proxies have not answered', async () => {
    mesh.put('DestinationRule', 'default/d', { host: 'a', trafficPolicy: { retryBudget: { budgetInterval: '1s' } } });
    const one = mesh.connect('one');
    await mesh.flush();
    one.settle('cluster');
    expect(mesh.programmed('DestinationRule', 'default/d')).toMatchObject({
      reason: 'Pending',
      message:
        '1 of 1 proxies have not answered yet (one); not in effect in this release: spec.trafficPolicy.retryBudget.budgetInterval',
    });
    one.settle();
    expect(mesh.programmed('DestinationRule', 'default/d')).toMatchObject({
      status: 'False',
      reason: 'NotInEffect',
      message: 'not in effect in this release: spec.trafficPolicy.retryBudget.budgetInterval',
    });
  });

  it('report a kind without effect', async () => {
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

  it('name the object with precedence, and missing objects', async () => {
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
      reason: 'HostNotFound',
      message: expect.stringContaining('there is no service ghost.default.svc.cluster.local'),
    });
    mesh.service('ghost', [endpoint('10.0.0.3')]);
    mesh.remove('VirtualService', 'default/v');
    await mesh.flush();
    one.settle();
    expect(mesh.line('VirtualService', 'default/w')).toBe('Programmed 1/1');
    expect(mesh.line('VirtualService', 'default/x')).toBe('Programmed 1/1');
  });

  it('report whether an earlier version, that of a file, or none is in effect', async () => {
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

  it('do not change with labels', async () => {
    mesh.put('VirtualService', 'default/v', toB());
    await mesh.flush();
    mesh.put('VirtualService', 'default/v', toB());
    expect(mesh.line('VirtualService', 'default/v')).toBe('NoProxies 0/0');
  });

  it('are Pending for an object that is not stored yet', async () => {
    const object = mesh.put('VirtualService', 'default/v', toB());
    await mesh.flush();
    const dryRun = { ...object, metadata: { ...object.metadata, generation: 2 } };
    expect(mesh.keeper.of(dryRun)).toMatchObject({
      observedGeneration: 2,
      conditions: [{ status: 'True' }, { status: 'False', reason: 'Pending' }],
    });
  });

  it('include the time of the last change, for the lifetime of the object', async () => {
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

  it('include a new time for a rule of a file that was removed and added again', async () => {
    const start = mesh.clock.now();
    const raw = rawObject('VirtualService', 'v', toB());
    const time = () => {
      const rule = mesh.book.get(ruleId({ kind: 'VirtualService', metadata: { namespace: 'default', name: 'v' } }));
      if (rule === null) throw new Error('the rule of the file is in effect');
      return mesh.keeper.of(rule).conditions.map(({ lastTransitionTime }) => Date.parse(lastTransitionTime) - start);
    };
    mesh.file(raw);
    await mesh.flush();
    expect(time()).toEqual([0, 0]);
    await mesh.pass(1_000);
    expect(time()).toEqual([0, 0]);
    mesh.book.apply('files', [{ type: 'object-removed', kind: 'VirtualService', namespace: 'default', name: 'v' }]);
    await mesh.flush();
    mesh.file(raw);
    await mesh.flush();
    expect(time()).toEqual([1_000, 1_000]);
  });

  it('change with a rule of a file that becomes invalid, although its last good version stays in effect', async () => {
    mesh.file(rawObject('VirtualService', 'v', toB()));
    await mesh.flush();
    const rule = mesh.book.get(ruleId({ kind: 'VirtualService', metadata: { namespace: 'default', name: 'v' } }));
    if (rule === null) throw new Error('the rule of the file is in effect');
    const reasons = () => mesh.keeper.of(rule).conditions.map(({ reason }) => reason);
    expect(reasons()).toEqual(['Accepted', 'NoProxies']);
    mesh.file(rawObject('VirtualService', 'v', { ...toB(), hosts: 'b' }));
    expect(reasons()).toEqual(['Invalid', 'Shadowed']);
    mesh.file(rawObject('VirtualService', 'v', toB()));
    await mesh.flush();
    expect(reasons()).toEqual(['Accepted', 'NoProxies']);
  });

  it('are NoProxies for a namespace', () => {
    mesh.put('Namespace', 'shop', {});
    expect(mesh.line('Namespace', 'shop')).toBe('NoProxies 0/0');
  });
});
