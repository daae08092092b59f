import { describe, expect, it } from 'vitest';
import { Server, Talker } from '../support/conversation.ts';
import { settled } from './settled.ts';

/** Rows 7 to 13, 25, 37, 38 and 54 of the table in docs/protocol.md. */
describe('removal', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    const without = (delta: string, sotw: string) => [mode === 'delta' ? delta : sotw];

    it(`row 7: ${mode} loses the cluster after it acknowledged the route without it`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null }, route: { 80: '2' } });
      expect(client.hears()).toEqual(['RDS 80=2']);
      expect(client.acks('route')).toEqual(without('CDS -b', 'CDS a=1'));
    });

    it(`row 8: ${mode} has both clusters until it acknowledged the route`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null, c: '1' }, route: { 80: '2' } });
      expect(client.hears()).toEqual(without('CDS c=1', 'CDS a=1 b=1 c=1'));
      expect(client.acks('cluster')).toEqual(['RDS 80=2']);
      expect(client.acks('route')).toEqual(without('CDS -b', 'CDS a=1 c=1'));
    });

    it(`row 9: ${mode} keeps the cluster when it rejects the route, for 30 seconds`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null }, route: { 80: 'bad' } });
      client.hears();
      expect(client.nacks('route', '80 is bad')).toEqual([]);
      server.nowMs += 29_999;
      expect(client.hears()).toEqual([]);
      server.nowMs += 1;
      expect(client.hears()).toEqual(without('CDS -b', 'CDS a=1'));
      expect(server.forced).toBe(1);
    });

    it(`row 9: ${mode} loses the cluster after it acknowledged a better route`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null }, route: { 80: 'bad' } });
      client.hears();
      client.nacks('route', '80 is bad');
      server.commit({ route: { 80: '3' } });
      expect(client.hears()).toEqual(['RDS 80=3']);
      expect(client.acks('route')).toEqual(without('CDS -b', 'CDS a=1'));
      expect(server.forced).toBe(0);
    });

    it(`row 10: ${mode} without listeners and routes loses the cluster at once`, () => {
      const server = new Server();
      server.commit({ cluster: { a: '1', b: '1' } });
      const client = new Talker(server, mode);
      client.asks('cluster');
      client.acks('cluster');
      server.commit({ cluster: { b: null } });
      expect(client.hears()).toEqual(without('CDS -b', 'CDS a=1'));
    });

    it(`row 37: ${mode} keeps a cluster that was removed, restored and removed again until it acknowledged the newest route`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null }, route: { 80: '2' } });
      client.hears(); // the route without it is on its way
      server.commit({ cluster: { b: '2' } });
      client.hears();
      server.commit({ cluster: { b: null }, route: { 80: '3' } });
      client.acks('cluster');
      expect(client.acks('route')).toEqual(['RDS 80=3']); // the one in between may have needed it
      expect(client.acks('route')).toEqual(without('CDS -b', 'CDS a=1'));
    });

    it(`row 38: ${mode} keeps a cluster as long as a removed route that still uses it`, () => {
      const { server, client } = settled(mode);
      server.commit({ listener: { l80: '2' } });
      client.hears(); // unanswered: removals of routes wait
      server.commit({ route: { 9080: '2' } });
      client.hears();
      server.commit({ cluster: { b: null }, route: { 80: 'without b' } });
      client.hears();
      server.commit({ listener: { l80: null }, route: { 80: null } });
      expect(client.acks('route')).toEqual([]);
      expect(client.acks('listener')).toEqual([mode === 'delta' ? 'LDS -l80' : 'LDS l90=1']);
      expect(client.acks('listener')).toEqual(mode === 'delta' ? ['RDS -80'] : ['CDS a=1']);
      if (mode === 'delta') expect(client.acks('route')).toEqual(['CDS -b']);
    });

    it(`row 25: ${mode} keeps a cluster whose removal is older than the table's log`, () => {
      const { server, client } = settled(mode, undefined, { logRecords: 2 });
      server.commit({ cluster: { a: '2' } });
      client.hears(); // unanswered: nothing more of clusters is sent
      server.commit({ cluster: { b: null }, route: { 80: '2' } });
      for (const content of ['3', '4', '5']) server.commit({ cluster: { a: content } });
      client.hears();
      expect(client.acks('cluster')).toEqual([...without('CDS a=5', 'CDS a=5 b=1'), 'RDS 80=2']);
      client.acks('cluster');
      expect(client.acks('route')).toEqual(without('CDS -b', 'CDS a=5'));
    });

    it(`row 11: ${mode} keeps a cluster that is restored in time`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null }, route: { 80: '2' } });
      client.hears();
      server.commit({ cluster: { b: '2' } });
      expect(client.hears()).toEqual([...without('CDS b=2', 'CDS a=1 b=2'), 'EDS b=1']);
      client.acks('endpoint');
      client.acks('cluster');
      expect(client.acks('route')).toEqual([]);
    });

    it(`row 12: ${mode} gets the removal of an assignment after it acknowledged that of the cluster`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null }, endpoint: { b: null } });
      expect(client.hears()).toEqual(without('CDS -b', 'CDS a=1'));
      expect(client.acks('cluster')).toEqual(['EDS b=∅']);
    });

    it(`row 54: ${mode} keeps the assignment of a cluster that needs none any more until it acknowledged the cluster`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { a: '2', b: 'with DNS' }, endpoint: { b: null } });
      expect(client.hears()).toEqual(['CDS a=2 b=with DNS', 'EDS a=1']);
      client.acks('endpoint');
      expect(client.acks('cluster')).toEqual(['EDS b=∅']);
    });

    it(`more than 1,000 deferred removals are sent early`, () => {
      const { server, client } = settled(mode);
      const many = Array.from({ length: 1_001 }, (_, index) => `c${index}`);
      server.commit({ cluster: Object.fromEntries(many.map((name) => [name, '1'])) });
      client.hears();
      client.acks('cluster');
      server.commit({ cluster: Object.fromEntries(many.map((name) => [name, null])), route: { 80: '2' } });
      expect(client.hears()).toEqual(['RDS 80=2']);
      server.nowMs += 5_000;
      expect(client.hears()).toHaveLength(1);
      expect(server.forced).toBe(1_001);
    });
  }

  it('row 13: delta loses the listener, and after its acknowledgement the route', () => {
    const { server, client } = settled('delta');
    server.commit({ listener: { l90: null }, route: { 9080: null } });
    expect(client.hears()).toEqual(['LDS -l90']);
    expect(client.acks('listener')).toEqual(['RDS -9080']);
  });

  it('row 13: state of the world loses the listener together with its route', () => {
    const { server, client } = settled('sotw');
    server.commit({ listener: { l90: null }, route: { 9080: null } });
    expect(client.hears()).toEqual(['LDS l80=1']);
    expect(client.acks('listener')).toEqual([]);
  });

  it('an expired removal is sent to the client that waited for it, not to one that already got it', () => {
    const { server, client: waiting } = settled('delta');
    const other = new Talker(server, 'delta');
    other.asks('cluster');
    other.acks('cluster');
    server.commit({ cluster: { b: null }, route: { 80: '2' } });
    expect(waiting.hears()).toEqual(['RDS 80=2']); // and does not answer
    expect(other.hears()).toEqual(['CDS -b']);
    other.acks('cluster');
    server.nowMs += 30_000;
    server.commit({ cluster: { a: '2' } });
    expect(waiting.hears()).toEqual(['CDS a=2 -b', 'EDS a=1']);
    expect(other.hears()).toEqual(['CDS a=2']);
  });
});
