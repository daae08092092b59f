import { describe, expect, it } from 'vitest';
import type { Mode } from '../../src/xds/wire/response.ts';
import { Server, Talker } from '../support/conversation.ts';

/*
 * "*" together with names, as the protocol has it:
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#how-the-client-specifies-what-resources-to-return
 */
function started(mode: Mode): { server: Server; client: Talker } {
  const server = new Server();
  server.commit({ cluster: { a: '1', b: '1' } });
  return { server, client: new Talker(server, mode) };
}

describe('state of the world: "*" and names', () => {
  it('together bring everything, and a name that does not exist is left out until it does', () => {
    const { server, client } = started('sotw');
    expect(client.asks('cluster', ['*', 'late'])).toEqual(['CDS a=1 b=1']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { late: '1' } });
    expect(client.hears()).toEqual(['CDS a=1 b=1 late=1']);
  });

  it('a name added to "*" is answered with everything', () => {
    const { client } = started('sotw');
    client.asks('cluster', ['*']);
    client.acks('cluster');
    expect(client.asks('cluster', ['*', 'a'])).toEqual(['CDS a=1 b=1']);
  });

  it('without the "*" only the names are left', () => {
    const { server, client } = started('sotw');
    client.asks('cluster', ['*', 'a']);
    expect(client.asks('cluster', ['a'])).toEqual([]);
    server.commit({ cluster: { b: '2' } });
    expect(client.hears()).toEqual([]);
    server.commit({ cluster: { a: '2' } });
    expect(client.hears()).toEqual(['CDS a=2']);
  });

  it('without the names "*" goes on', () => {
    const { server, client } = started('sotw');
    client.asks('cluster', ['*', 'a']);
    expect(client.asks('cluster', ['*'])).toEqual([]);
    server.commit({ cluster: { b: '2' } });
    expect(client.hears()).toEqual(['CDS a=1 b=2']);
  });

  it('"*" added to names brings the rest', () => {
    const { client } = started('sotw');
    expect(client.asks('cluster', ['a'])).toEqual(['CDS a=1']);
    expect(client.asks('cluster', ['a', '*'])).toEqual(['CDS a=1 b=1']);
  });

  for (const { before, says } of [
    { before: ['*'], says: 'nothing' },
    { before: ['a'], says: 'nothing' },
    { before: ['*', 'a'], says: 'nothing' },
    { before: [], says: 'everything' },
  ]) {
    it(`no names after ${JSON.stringify(before)} mean ${says}`, () => {
      const { server, client } = started('sotw');
      client.asks('cluster', before);
      expect(client.asks('cluster', [])).toEqual([]);
      server.commit({ cluster: { a: '2' } });
      expect(client.hears()).toEqual(says === 'nothing' ? [] : ['CDS a=2 b=1']);
    });
  }

  it('no names, after names that followed the first request without any, mean nothing', () => {
    const { server, client } = started('sotw');
    client.asks('cluster', []);
    client.asks('cluster', ['a']);
    expect(client.asks('cluster', [])).toEqual([]);
    server.commit({ cluster: { a: '2' } });
    expect(client.hears()).toEqual([]);
  });

  it('what is asked for again after that comes again', () => {
    const { client } = started('sotw');
    client.asks('cluster', ['*']);
    client.asks('cluster', []);
    expect(client.asks('cluster', ['b'])).toEqual(['CDS b=1']);
  });
});

describe('delta: "*" and names', () => {
  it('together bring everything, and say of a name that it does not exist until it does', () => {
    const { server, client } = started('delta');
    expect(client.asks('cluster', ['*', 'late'])).toEqual(['CDS a=1 b=1 -late']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { late: '1' } });
    expect(client.hears()).toEqual(['CDS late=1']);
  });

  it('a name added to "*" is answered by itself, and "*" goes on', () => {
    const { server, client } = started('delta');
    client.asks('cluster', ['*']);
    client.acks('cluster');
    expect(client.asks('cluster', ['a'])).toEqual(['CDS a=1']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { b: '2' } });
    expect(client.hears()).toEqual(['CDS b=2']);
  });

  it('a name added to a first request without any leaves it a wildcard', () => {
    const { server, client } = started('delta');
    client.asks('cluster');
    client.acks('cluster');
    expect(client.asks('cluster', ['none'])).toEqual(['CDS -none']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { c: '1' } });
    expect(client.hears()).toEqual(['CDS c=1']);
  });

  it('without the "*" only the names are left', () => {
    const { server, client } = started('delta');
    client.asks('cluster', ['*', 'a']);
    client.acks('cluster');
    expect(client.asks('cluster', [], { drop: ['*'] })).toEqual([]);
    server.commit({ cluster: { b: '2' } });
    expect(client.hears()).toEqual([]);
    server.commit({ cluster: { a: '2' } });
    expect(client.hears()).toEqual(['CDS a=2']);
  });

  it('a name taken off while "*" goes on is told again: the client has forgotten it', () => {
    const { server, client } = started('delta');
    client.asks('cluster', ['*', 'a', 'none']);
    client.acks('cluster');
    expect(client.asks('cluster', [], { drop: ['a', 'none'] })).toEqual(['CDS a=1 -none']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { a: '2' } });
    expect(client.hears()).toEqual(['CDS a=2']);
  });

  it('"*" added to names brings the rest', () => {
    const { client } = started('delta');
    expect(client.asks('cluster', ['a'])).toEqual(['CDS a=1']);
    expect(client.acks('cluster')).toEqual([]);
    expect(client.asks('cluster', ['*'])).toEqual(['CDS a=1 b=1']);
  });

  it('"*" added to names tells of those that have gone since, too', () => {
    const { server, client } = started('delta');
    expect(client.asks('cluster', ['a', 'b'])).toEqual(['CDS a=1 b=1']);
    server.commit({ cluster: { a: null, c: '1' } });
    client.asks('cluster', ['*']);
    expect(client.acks('cluster')).toEqual(['CDS b=1 c=1 -a']);
  });

  it('everything taken off is silence, and what is asked for after that comes again', () => {
    const { server, client } = started('delta');
    client.asks('cluster', ['*', 'a']);
    client.acks('cluster');
    expect(client.asks('cluster', [], { drop: ['*', 'a'] })).toEqual([]);
    server.commit({ cluster: { a: '2', b: null } });
    expect(client.hears()).toEqual([]);
    expect(client.asks('cluster', ['a'])).toEqual(['CDS a=2']);
  });

  it('a name that is asked for and taken off in one request is asked for', () => {
    const { client } = started('delta');
    expect(client.asks('cluster', ['a'], { drop: ['a'] })).toEqual(['CDS a=1']);
  });

  it('on demand: an unknown cluster is answered, comes when it appears, and goes when it goes', () => {
    const { server, client } = started('delta');
    expect(client.asks('cluster', ['late'])).toEqual(['CDS -late']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { late: '1', other: '1' } });
    expect(client.hears()).toEqual(['CDS late=1']);
    client.acks('cluster');
    server.commit({ cluster: { late: null } });
    expect(client.hears()).toEqual(['CDS -late']);
  });

  it('a client that comes back with "*", names and what it had is told what differs', () => {
    const { client } = started('delta');
    const has = { a: '1', b: '0', gone: '1' };
    expect(client.asks('cluster', ['*', 'a', 'none'], { has })).toEqual(['CDS b=1 -gone -none']);
  });
});
