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
  it('together return everything, and omit a name until it exists', () => {
    const { server, client } = started('sotw');
    expect(client.asks('cluster', ['*', 'late'])).toEqual(['CDS a=1 b=1']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { late: '1' } });
    expect(client.hears()).toEqual(['CDS a=1 b=1 late=1']);
  });

  it('a name added to "*" returns everything', () => {
    const { client } = started('sotw');
    client.asks('cluster', ['*']);
    client.acks('cluster');
    expect(client.asks('cluster', ['*', 'a'])).toEqual(['CDS a=1 b=1']);
  });

  it('after "*" is unsubscribed, only the names remain', () => {
    const { server, client } = started('sotw');
    client.asks('cluster', ['*', 'a']);
    expect(client.asks('cluster', ['a'])).toEqual([]);
    server.commit({ cluster: { b: '2' } });
    expect(client.hears()).toEqual([]);
    server.commit({ cluster: { a: '2' } });
    expect(client.hears()).toEqual(['CDS a=2']);
  });

  it('after the names are unsubscribed, "*" remains', () => {
    const { server, client } = started('sotw');
    client.asks('cluster', ['*', 'a']);
    expect(client.asks('cluster', ['*'])).toEqual([]);
    server.commit({ cluster: { b: '2' } });
    expect(client.hears()).toEqual(['CDS a=1 b=2']);
  });

  it('"*" added to names returns the rest', () => {
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
    it(`an empty request after ${JSON.stringify(before)} subscribes to ${says}`, () => {
      const { server, client } = started('sotw');
      client.asks('cluster', before);
      expect(client.asks('cluster', [])).toEqual([]);
      server.commit({ cluster: { a: '2' } });
      expect(client.hears()).toEqual(says === 'nothing' ? [] : ['CDS a=2 b=1']);
    });
  }

  it('an empty request after names, which followed an empty first request, means no names', () => {
    const { server, client } = started('sotw');
    client.asks('cluster', []);
    client.asks('cluster', ['a']);
    expect(client.asks('cluster', [])).toEqual([]);
    server.commit({ cluster: { a: '2' } });
    expect(client.hears()).toEqual([]);
  });

  it('a later subscription is answered', () => {
    const { client } = started('sotw');
    client.asks('cluster', ['*']);
    client.asks('cluster', []);
    expect(client.asks('cluster', ['b'])).toEqual(['CDS b=1']);
  });
});

describe('delta: "*" and names', () => {
  it('together return everything, and a removal for a name until it exists', () => {
    const { server, client } = started('delta');
    expect(client.asks('cluster', ['*', 'late'])).toEqual(['CDS a=1 b=1 -late']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { late: '1' } });
    expect(client.hears()).toEqual(['CDS late=1']);
  });

  it('a name added to "*" is answered alone, and "*" remains', () => {
    const { server, client } = started('delta');
    client.asks('cluster', ['*']);
    client.acks('cluster');
    expect(client.asks('cluster', ['a'])).toEqual(['CDS a=1']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { b: '2' } });
    expect(client.hears()).toEqual(['CDS b=2']);
  });

  it('a name added to an empty first request keeps the wildcard', () => {
    const { server, client } = started('delta');
    client.asks('cluster');
    client.acks('cluster');
    expect(client.asks('cluster', ['none'])).toEqual(['CDS -none']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { c: '1' } });
    expect(client.hears()).toEqual(['CDS c=1']);
  });

  it('after "*" is unsubscribed, only the names remain', () => {
    const { server, client } = started('delta');
    client.asks('cluster', ['*', 'a']);
    client.acks('cluster');
    expect(client.asks('cluster', [], { drop: ['*'] })).toEqual([]);
    server.commit({ cluster: { b: '2' } });
    expect(client.hears()).toEqual([]);
    server.commit({ cluster: { a: '2' } });
    expect(client.hears()).toEqual(['CDS a=2']);
  });

  it('a name that is unsubscribed beside "*" is sent again, because the client dropped it', () => {
    const { server, client } = started('delta');
    client.asks('cluster', ['*', 'a', 'none']);
    client.acks('cluster');
    expect(client.asks('cluster', [], { drop: ['a', 'none'] })).toEqual(['CDS a=1 -none']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { a: '2' } });
    expect(client.hears()).toEqual(['CDS a=2']);
  });

  it('"*" added to names returns the rest', () => {
    const { client } = started('delta');
    expect(client.asks('cluster', ['a'])).toEqual(['CDS a=1']);
    expect(client.acks('cluster')).toEqual([]);
    expect(client.asks('cluster', ['*'])).toEqual(['CDS a=1 b=1']);
  });

  it('"*" added to names also returns removals since then', () => {
    const { server, client } = started('delta');
    expect(client.asks('cluster', ['a', 'b'])).toEqual(['CDS a=1 b=1']);
    server.commit({ cluster: { a: null, c: '1' } });
    client.asks('cluster', ['*']);
    expect(client.acks('cluster')).toEqual(['CDS b=1 c=1 -a']);
  });

  it('after everything is unsubscribed nothing is sent, and a later subscription is answered', () => {
    const { server, client } = started('delta');
    client.asks('cluster', ['*', 'a']);
    client.acks('cluster');
    expect(client.asks('cluster', [], { drop: ['*', 'a'] })).toEqual([]);
    server.commit({ cluster: { a: '2', b: null } });
    expect(client.hears()).toEqual([]);
    expect(client.asks('cluster', ['a'])).toEqual(['CDS a=2']);
  });

  it('a name that is subscribed and unsubscribed in one request is subscribed', () => {
    const { client } = started('delta');
    expect(client.asks('cluster', ['a'], { drop: ['a'] })).toEqual(['CDS a=1']);
  });

  it('on demand: an unknown cluster is answered, sent when it is created, and removed with it', () => {
    const { server, client } = started('delta');
    expect(client.asks('cluster', ['late'])).toEqual(['CDS -late']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { late: '1', other: '1' } });
    expect(client.hears()).toEqual(['CDS late=1']);
    client.acks('cluster');
    server.commit({ cluster: { late: null } });
    expect(client.hears()).toEqual(['CDS -late']);
  });

  it('a client that reconnects with "*", names and versions gets the differences', () => {
    const { client } = started('delta');
    const has = { a: '1', b: '0', gone: '1' };
    expect(client.asks('cluster', ['*', 'a', 'none'], { has })).toEqual(['CDS b=1 -gone -none']);
  });
});
