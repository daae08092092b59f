import { describe, expect, it } from 'vitest';
import { setView } from '../../src/xds/stream/stream.ts';
import { Server, Talker } from '../support/conversation.ts';

/** Rows 22 to 25 of the table in docs/protocol.md. */
describe('resume', () => {
  const mesh = {
    cluster: { a: '1', b: '1' },
    endpoint: { a: '1', b: '1' },
    listener: { l80: '1' },
    route: { 80: '1' },
  };

  it('row 22: delta that has everything gets no resources', () => {
    const server = new Server();
    server.commit(mesh);
    const client = new Talker(server, 'delta');
    expect(client.asks('cluster', [], { has: { a: '1', b: '1' } })).toEqual(['CDS']);
    client.acks('cluster');
    expect(client.asks('endpoint', ['a', 'b'], { has: { a: '1', b: '1' } })).toEqual([]);
    expect(client.asks('listener', [], { has: { l80: '1' } })).toEqual(['LDS']);
    expect(client.asks('route', ['80'], { has: { 80: '1' } })).toEqual([]);
  });

  it('row 23: delta gets the differences, and removals after listeners and routes', () => {
    const server = new Server();
    server.commit(mesh);
    const client = new Talker(server, 'delta');
    client.asks('listener', [], { has: { l80: 'old' } });
    expect(client.asks('cluster', [], { has: { a: '1', b: 'old', gone: '1' } })).toEqual(['CDS b=1']);
    client.acks('cluster');
    expect(client.acks('listener')).toEqual(['CDS -gone']);
  });

  it('row 23: delta gets the assignment of every cluster it was sent, whatever versions it reports', () => {
    const server = new Server();
    server.commit(mesh);
    const client = new Talker(server, 'delta');
    client.asks('cluster', [], { has: { a: '1', b: 'old' } });
    expect(client.asks('endpoint', ['a', 'b'], { has: { a: '1', b: '1' } })).toEqual(['EDS b=1']);
  });

  it('an empty resource that the client has is not sent again', () => {
    const server = new Server();
    const client = new Talker(server, 'delta');
    expect(client.asks('endpoint', ['nobody'], { has: { nobody: 'absent' } })).toEqual([]);
  });

  for (const mode of ['sotw', 'delta'] as const) {
    it(`row 24: ${mode} in another scope gets the differences, with removals last`, () => {
      const server = new Server();
      server.commit(mesh);
      const client = new Talker(server, mode);
      client.asks('cluster');
      client.acks('cluster');
      client.asks('route', ['80']);
      client.acks('route');
      const other = server.newView();
      server.commit({ cluster: { a: '1', c: '1' }, route: { 80: '2' } }, other);
      setView(client.stream, other, server.context);
      expect(client.hears()).toEqual([mode === 'delta' ? 'CDS c=1' : 'CDS a=1 b=1 c=1']);
      expect(client.acks('cluster')).toEqual(['RDS 80=2']);
      expect(client.acks('route')).toEqual([mode === 'delta' ? 'CDS -b' : 'CDS a=1 c=1']);
    });

    it(`row 24: ${mode} in another scope with equal contents gets nothing`, () => {
      const server = new Server();
      server.commit(mesh);
      const client = new Talker(server, mode);
      client.asks('cluster');
      client.acks('cluster');
      const other = server.newView();
      server.commit(mesh, other);
      setView(client.stream, other, server.context);
      expect(client.hears()).toEqual([]);
    });

    it(`row 25: ${mode} that paused longer than the table's log gets exactly the differences`, () => {
      const server = new Server({ logRecords: 2, tombstones: 2 });
      server.commit({ cluster: { a: '1', b: '1', c: '1', d: '1', e: '1' } });
      const client = new Talker(server, mode);
      client.asks('cluster');
      for (const gone of ['b', 'c', 'd', 'e']) server.commit({ cluster: { [gone]: null, [`new-${gone}`]: '1' } });
      server.commit({ cluster: { 'new-b': null } });
      const left = 'new-c=1 new-d=1 new-e=1';
      expect(client.acks('cluster')).toEqual([mode === 'delta' ? `CDS ${left} -b -c -d -e` : `CDS a=1 ${left}`]);
    });
  }
});
