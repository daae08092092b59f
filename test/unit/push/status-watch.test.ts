import { beforeEach, describe, expect, it } from 'vitest';
import { endpoint } from '../../support/model.ts';
import { type MeshProxy, StatusMesh } from '../../support/status-mesh.ts';

const routes = (timeout: string) => ({
  hosts: ['a'],
  http: [{ timeout, route: [{ destination: { host: 'a' } }] }],
});

const v = 'VirtualService/default/v';

describe('a listener for statuses', () => {
  let mesh: StatusMesh;
  let one: MeshProxy;
  let told: (readonly string[])[];

  beforeEach(async () => {
    mesh = new StatusMesh();
    mesh.service('a', [endpoint('10.0.0.1')]);
    mesh.put('VirtualService', 'default/v', routes('1s'));
    one = mesh.connect('one');
    await mesh.flush();
    one.settle();
    told = [];
  });

  const listen = () => mesh.keeper.subscribe((ids) => told.push(ids));
  /** Notifications since the last call. */
  const hears = async (ms: number) => {
    await mesh.pass(ms);
    return told.splice(0);
  };

  it('gets the changed ones at most once a second, and nothing without changes', async () => {
    listen();
    expect(await hears(1_000)).toEqual([]);
    mesh.put('VirtualService', 'default/v', routes('2s'));
    expect(await hears(999)).toEqual([]);
    expect(await hears(1)).toEqual([[v]]);
    await mesh.flush();
    expect(await hears(1_000)).toEqual([[v]]); // 1 proxy pending
    one.settle();
    expect(await hears(1_000)).toEqual([[v]]);
    expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 1/1');
    expect(await hears(10_000)).toEqual([]);
  });

  it('gets changes by proxies that connect, subscribe and disconnect', async () => {
    listen();
    await hears(1_000);
    const two = mesh.connect('two', { types: [] });
    await mesh.flush();
    expect(await hears(1_000)).toEqual([]);
    two.asks('route', ['80']);
    two.settle();
    expect(await hears(1_000)).toEqual([[v]]);
    expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 2/2');
    two.disconnect();
    expect(await hears(1_000)).toEqual([[v]]);
  });

  it('gets a late rejection', async () => {
    listen();
    mesh.put('VirtualService', 'default/v', routes('2s'));
    await mesh.flush();
    await hears(1_000);
    one.answer('route', 'route 80: no');
    expect(await hears(1_000)).toEqual([[v]]);
    expect(mesh.line('VirtualService', 'default/v')).toBe('Rejected 0/1 -1');
  });

  it('gets a change again if somebody read an outdated status', async () => {
    mesh.put('VirtualService', 'default/v', {
      hosts: ['a'],
      http: [{ fault: { abort: { httpStatus: 500 } }, route: [{ destination: { host: 'a' } }] }],
    });
    await mesh.flush();
    one.settle();
    listen();
    await hears(1_000);
    const two = mesh.connect('two').settle('route');
    expect(mesh.line('VirtualService', 'default/v')).toBe('Pending 1/2'); // who lists now sees this
    two.disconnect();
    expect(mesh.line('VirtualService', 'default/v')).toBe('Programmed 1/1');
    expect(await hears(1_000)).toEqual([[v]]);
    expect(await hears(1_000)).toEqual([]);
  });

  it('gets nothing for removed objects, and nothing after it ended', async () => {
    const end = listen();
    await hears(1_000);
    mesh.put('VirtualService', 'default/v', routes('2s'));
    mesh.remove('VirtualService', 'default/v');
    await mesh.flush();
    expect(await hears(1_000)).toEqual([]);
    mesh.put('VirtualService', 'default/v', routes('2s'));
    end();
    expect(await hears(10_000)).toEqual([]);
  });

  it('does not delay other work: many rules are checked in slices', async () => {
    for (let index = 0; index < 100; index++) mesh.put('VirtualService', `default/w${index}`, routes('3s'));
    await mesh.flush();
    listen();
    let nowMs = 0;
    mesh.elapsedMs = () => ++nowMs; // a look at one takes a millisecond
    mesh.clock.advance(1_000);
    let turns = 0;
    while (await mesh.turn()) turns++;
    expect(turns).toBeGreaterThanOrEqual(100 / 6);
  });

  it('checks nothing while nothing changes', async () => {
    listen();
    await hears(2_000);
    let looks = 0;
    mesh.elapsedMs = () => ++looks;
    await hears(10_000);
    expect(looks).toBeLessThanOrEqual(10); // one each second, for slices that are not begun
  });

  it('is reported if it throws, and still gets later changes', async () => {
    mesh.keeper.subscribe(() => {
      throw new Error('broken');
    });
    await hears(1_000);
    mesh.put('VirtualService', 'default/v', routes('2s'));
    await hears(1_000);
    expect(mesh.errors).toMatchObject([{ err: { message: 'broken' } }]);
    await mesh.flush();
    await hears(1_000);
    expect(mesh.errors).toHaveLength(2);
  });
});
