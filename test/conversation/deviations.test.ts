import { describe, expect, it } from 'vitest';
import { Server, Talker } from '../support/conversation.ts';
import { settled } from './settled.ts';

/** Rows 47 to 51 of the table in docs/protocol.md: updates that were once lost, or came too soon. */
describe('updates that must be neither lost nor early', () => {
  it('row 47: a removal after a rejected response without names is sent again', () => {
    const { server, client } = settled('delta');
    server.commit({ cluster: { a: 'bad', b: null }, route: { 80: '2', 9080: '2' } });
    client.hears();
    client.acks('endpoint');
    expect(client.nacks('cluster', 'no')).toEqual([]);
    expect(client.acks('route')).toEqual(['CDS -b']);
    server.commit({ cluster: { a: '3' } });
    client.acks('cluster');
    expect(client.stream.types.get('cluster')?.deferredRemovals).toEqual([]);
  });

  it('row 47: a removal in the rejected response itself is sent again', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1', b: '1' } });
    const client = new Talker(server, 'delta');
    client.asks('cluster');
    client.acks('cluster');
    server.commit({ cluster: { a: 'bad', b: null } });
    expect(client.hears()).toEqual(['CDS a=bad -b']);
    expect(client.nacks('cluster', 'no')).toEqual(['CDS -b']);
    server.commit({ cluster: { a: '3' } });
    expect(client.acks('cluster')).toEqual(['CDS a=3']);
  });

  for (const mode of ['sotw', 'delta'] as const) {
    const without = (delta: string, sotw: string) => [mode === 'delta' ? delta : sotw];

    it(`row 48: after a pause, ${mode} gets the new route before the old cluster is removed`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null, c: '1' }, route: { 80: '2' } });
      expect(client.hears()).toEqual(without('CDS c=1', 'CDS a=1 b=1 c=1'));
      server.commit({ route: { 80: '3' } });
      server.nowMs += 4_000; // routes wait for the clusters still
      client.hears();
      // From here on it reads nothing: nobody asks for what is next until it answers.
      server.nowMs += 30_000;
      expect(client.acks('cluster')).toEqual(['RDS 80=3']);
      expect(client.acks('route')).toEqual(without('CDS -b', 'CDS a=1 c=1'));
      expect(server.forced).toBe(0);
    });

    it(`row 49: ${mode} loses 1,001 clusters only after it got the routes without them`, () => {
      const many = Array.from({ length: 1_001 }, (_, index) => `c${index}`);
      const all = Object.fromEntries(many.map((name) => [name, '1']));
      const { server, client } = settled(mode, { cluster: all, listener: { l80: '1' }, route: { 80: '1' } });
      server.commit({ cluster: Object.fromEntries(many.map((name) => [name, null])), route: { 80: '2' } });
      expect(client.hears()).toEqual(['RDS 80=2']);
      const [removal] = client.acks('route');
      expect(removal).toMatch(mode === 'delta' ? /^CDS -c0 / : /^CDS$/);
    });

    it(`row 49: ${mode} without an answer loses 1,001 clusters five seconds after it got the routes`, () => {
      const many = Array.from({ length: 1_001 }, (_, index) => `c${index}`);
      const all = Object.fromEntries(many.map((name) => [name, '1']));
      const { server, client } = settled(mode, { cluster: all, listener: { l80: '1' }, route: { 80: '1' } });
      server.commit({ cluster: Object.fromEntries(many.map((name) => [name, null])), route: { 80: '2' } });
      client.hears();
      server.nowMs += 4_999;
      expect(client.hears()).toEqual([]);
      server.nowMs += 1;
      const [removal] = client.hears();
      expect(removal).toMatch(mode === 'delta' ? /^CDS -c0 / : /^CDS$/);
      expect(server.forced).toBe(1_001);
    });
  }

  it('row 50: a waiting route that is unsubscribed is not answered as empty', () => {
    const { server, client } = settled('delta', {
      cluster: { a: '1' },
      endpoint: { a: '1' },
      listener: { l80: '1' },
      route: { 80: '1', 81: '1', 9080: '1' },
    });
    client.asks('route', [], { drop: ['80', '81'] });
    server.commit({ cluster: { b: '1' } });
    expect(client.hears()).toEqual(['CDS b=1']);
    expect(client.asks('route', ['80'])).toEqual([]); // it waits for the clusters
    client.asks('route', [], { drop: ['80'] });
    client.asks('route', ['81']);
    expect(client.acks('cluster')).toEqual(['RDS 81=1']);
  });

  it('row 51: only the reference to a route configuration counts, not the names inside it', () => {
    const { server, client } = settled('delta');
    server.commit({ cluster: { a: 'bad', b: '2' } });
    client.hears();
    client.acks('endpoint');
    const error = 'goo.gle/debugproto name: "a" alt_stat_name: "b" load_assignment { cluster_name: "b" }';
    expect(client.nacks('cluster', `${error}: Proto constraint validation failed (b)`)).toEqual(['CDS b=2', 'EDS b=1']);
  });
});
