import { describe, expect, it } from 'vitest';
import { maxNamesPerResponse } from '../../src/xds/stream/must-send.ts';
import { Server, Talker } from '../support/conversation.ts';

const mesh = {
  cluster: { a: '1', b: '1' },
  endpoint: { a: '1', b: '1' },
  listener: { l80: '1' },
  route: { 80: '1' },
} as const;

/** Rows 1 to 3, 14 and 15 of the table in docs/protocol.md. */
describe('first connect', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    it(`row 1: ${mode} gets all clusters and listeners, and the assignments and routes it names`, () => {
      const server = new Server();
      server.commit(mesh);
      const client = new Talker(server, mode);
      expect(client.asks('cluster')).toEqual(['CDS a=1 b=1']);
      expect(client.asks('endpoint', ['a', 'b'])).toEqual(['EDS a=1 b=1']);
      expect(client.acks('endpoint')).toEqual([]);
      expect(client.acks('cluster')).toEqual([]);
      expect(client.asks('listener')).toEqual(['LDS l80=1']);
      expect(client.acks('listener')).toEqual([]);
      expect(client.asks('route', ['80'])).toEqual(['RDS 80=1']);
      expect(client.acks('route')).toEqual([]);
    });

    it(`row 2: ${mode} gets an empty answer from an empty mesh, once`, () => {
      const client = new Talker(new Server(), mode);
      expect(client.asks('cluster')).toEqual(['CDS']);
      expect(client.acks('cluster')).toEqual([]);
      expect(client.asks('listener')).toEqual(['LDS']);
      expect(client.acks('listener')).toEqual([]);
    });

    it(`row 3: ${mode} gets listeners only after it answered the clusters`, () => {
      const server = new Server();
      server.commit(mesh);
      const client = new Talker(server, mode);
      client.asks('cluster');
      expect(client.asks('listener')).toEqual([]);
      expect(client.asks('route', ['80'])).toEqual([]);
      expect(client.acks('cluster')).toEqual(['LDS l80=1', 'RDS 80=1']);
    });

    it(`row 3: ${mode} gets listeners after 5 seconds without that answer`, () => {
      const server = new Server();
      server.commit(mesh);
      const client = new Talker(server, mode);
      client.asks('cluster');
      client.asks('listener');
      server.nowMs += 4_999;
      expect(client.hears()).toEqual([]);
      server.nowMs += 1;
      expect(client.hears()).toEqual(['LDS l80=1']);
    });

    it(`row 14: ${mode} gets empty assignments and routes for unknown names`, () => {
      const server = new Server();
      server.commit(mesh);
      const client = new Talker(server, mode);
      expect(client.asks('endpoint', ['a', 'nobody'])).toEqual(['EDS a=1 nobody=∅']);
      expect(client.asks('route', ['nothing'])).toEqual(['RDS nothing=∅']);
    });

    it(`row 14: ${mode} gets the assignment when an unknown name is created`, () => {
      const server = new Server();
      const client = new Talker(server, mode);
      client.asks('endpoint', ['late']);
      expect(client.acks('endpoint')).toEqual([]);
      server.commit({ endpoint: { late: '1' } });
      expect(client.hears()).toEqual(['EDS late=1']);
    });

    it(`row 15: ${mode} gets the resources of added names`, () => {
      const server = new Server();
      server.commit(mesh);
      const client = new Talker(server, mode);
      client.asks('endpoint', ['a']);
      client.acks('endpoint');
      expect(client.asks('endpoint', mode === 'sotw' ? ['a', 'b'] : ['b'])).toEqual(['EDS b=1']);
    });

    it(`row 16: ${mode} gets neither an answer nor updates for unsubscribed names`, () => {
      const server = new Server();
      server.commit(mesh);
      const client = new Talker(server, mode);
      client.asks('endpoint', ['a', 'b']);
      client.acks('endpoint');
      expect(mode === 'sotw' ? client.asks('endpoint', ['a']) : client.asks('endpoint', [], { drop: ['b'] })).toEqual(
        [],
      );
      server.commit({ endpoint: { a: '2', b: '2' } });
      expect(client.hears()).toEqual(['EDS a=2']);
    });
  }

  it('row 14: delta gets a removal for an unknown cluster', () => {
    const server = new Server();
    server.commit(mesh);
    const client = new Talker(server, 'delta');
    expect(client.asks('cluster', ['nobody', 'a'])).toEqual(['CDS a=1 -nobody']);
  });

  it('row 14: state of the world omits an unknown cluster', () => {
    const server = new Server();
    server.commit(mesh);
    const client = new Talker(server, 'sotw');
    expect(client.asks('cluster', ['nobody', 'a'])).toEqual(['CDS a=1']);
  });

  it('row 15: delta gets a resource again when it subscribes to its name again', () => {
    const server = new Server();
    server.commit(mesh);
    const client = new Talker(server, 'delta');
    client.asks('endpoint', ['a']);
    client.acks('endpoint');
    expect(client.asks('endpoint', ['a'])).toEqual(['EDS a=1']);
  });

  it('several requests with growing names before the first answer are all answered (gRPC)', () => {
    const server = new Server();
    server.commit({ listener: { one: '1', two: '1' } });
    const client = new Talker(server, 'sotw', ['cluster', 'listener', 'route']);
    expect(client.asks('listener', ['one'])).toEqual(['LDS one=1']);
    client.asks('listener', ['one', 'two'], { nonce: '' });
    expect(client.acks('listener')).toEqual(['LDS one=1 two=1']);
  });

  it('a client that needs whole sets of routes gets all its names in every response (gRPC, MOSN)', () => {
    const server = new Server();
    server.commit({ route: { 80: '1', 9080: '1' } });
    const client = new Talker(server, 'sotw', ['cluster', 'listener', 'route']);
    client.asks('route', ['80', '9080']);
    client.acks('route');
    server.commit({ route: { 9080: '2' } });
    expect(client.hears()).toEqual(['RDS 80=1 9080=2']);
  });

  for (const mode of ['sotw', 'delta'] as const) {
    it(`row 53: ${mode} gets very many names in several responses`, () => {
      const names = Array.from({ length: 2 * maxNamesPerResponse + 1 }, (_, at) => `absent-${at}`);
      const server = new Server();
      server.commit({ endpoint: { there: '1' } });
      const client = new Talker(server, mode);
      const told: string[][] = [];
      const note = ([line, ...more]: string[]) => {
        expect(more).toEqual([]);
        told.push((line ?? '').split(' ').slice(1));
      };
      note(client.asks('endpoint', [...names, 'there']));
      server.commit({ endpoint: { there: '2' } }); // comes with what is left
      note(client.acks('endpoint'));
      note(client.acks('endpoint'));
      expect(client.acks('endpoint')).toEqual([]);
      expect(told.map(({ length }) => length)).toEqual([maxNamesPerResponse, maxNamesPerResponse + 1, 2]);
      expect(new Set(told.flat())).toEqual(new Set([...names.map((name) => `${name}=∅`), 'there=2']));
    });
  }

  it('row 53: removals of unknown clusters are split into several responses, without those unsubscribed meanwhile', () => {
    const names = Array.from({ length: maxNamesPerResponse + 2 }, (_, at) => `absent-${at}`);
    const client = new Talker(new Server(), 'delta');
    expect(client.asks('cluster', names)[0]?.split(' -')).toHaveLength(maxNamesPerResponse + 1);
    client.asks('cluster', [], { drop: [`absent-${maxNamesPerResponse}`] });
    expect(client.acks('cluster')).toEqual([`CDS -absent-${maxNamesPerResponse + 1}`]);
    expect(client.acks('cluster')).toEqual([]);
  });
});
