import { describe, expect, it } from 'vitest';
import { setView } from '../../src/xds/stream/stream.ts';
import { Server, Talker } from '../support/conversation.ts';
import { settled } from './settled.ts';

/** Rows 9, 19 and 26 to 28 of the table in docs/protocol.md. */
describe('rejection', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    const whole = (delta: string, sotw: string) => (mode === 'delta' ? delta : sotw);

    it(`row 26: ${mode} gets the rest of a rejected response again, without the rejected resource`, () => {
      const { server, client } = settled(mode);
      server.commit({ endpoint: { a: '2', b: 'bad' } });
      expect(client.hears()).toEqual(['EDS a=2 b=bad']);
      expect(client.nacks('endpoint', 'b is bad')).toEqual(['EDS a=2']);
      expect(client.acks('endpoint')).toEqual([]);
      expect(client.stream.types.get('endpoint')?.answers.error).toBe('b is bad');
      server.commit({ endpoint: { b: '3' } });
      expect(client.hears()).toEqual(['EDS b=3']);
      client.acks('endpoint');
      expect(client.stream.types.get('endpoint')?.answers.error).toBeNull();
    });

    it(`row 26: ${mode} gets the good clusters of a first response at once`, () => {
      const server = new Server();
      server.commit({ cluster: { bad: '1', good: '1' }, listener: { l80: '1' } });
      const client = new Talker(server, mode);
      client.asks('cluster');
      expect(client.asks('listener')).toEqual([]);
      expect(client.nacks('cluster', 'bad: no such thing')).toEqual(['CDS good=1']);
      expect(client.acks('cluster')).toEqual(['LDS l80=1']);
    });

    it(`row 26: ${mode} gets no answer when its error names all resources of the response`, () => {
      const { server, client } = settled(mode);
      server.commit({ endpoint: { a: '3', b: '3' } });
      client.hears();
      expect(client.nacks('endpoint', 'a and b are bad')).toEqual([]);
    });

    it(`row 26: ${mode} gets a removal again that came with a rejected resource`, () => {
      const server = new Server();
      server.commit({ cluster: { a: '1', b: '1' } });
      const client = new Talker(server, mode);
      client.asks('cluster');
      client.acks('cluster');
      server.commit({ cluster: { a: null, bad: '1' } });
      expect(client.hears()).toEqual([whole('CDS bad=1 -a', 'CDS b=1 bad=1')]);
      expect(client.nacks('cluster', 'bad is bad')).toEqual([whole('CDS -a', 'CDS b=1')]);
    });

    it(`row 27: ${mode} gets a resource that was repaired before the rejection arrived`, () => {
      const { server, client } = settled(mode);
      server.commit({ route: { 80: 'bad' } });
      client.hears();
      server.commit({ route: { 80: '3' } });
      expect(client.nacks('route', '80 is bad')).toEqual(['RDS 80=3']);
    });

    it(`row 28: ${mode} keeps the cluster of a route that it rejected, even after it accepted another route`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null }, route: { 80: 'bad' } });
      client.hears();
      client.nacks('route', '80 is bad');
      server.commit({ route: { 9080: '2' } });
      expect(client.hears()).toEqual(['RDS 9080=2']);
      expect(client.acks('route')).toEqual([]);
      server.commit({ route: { 80: '3' } });
      expect(client.hears()).toEqual(['RDS 80=3']);
      expect(client.acks('route')).toEqual([whole('CDS -b', 'CDS a=1')]);
      expect(server.forced).toBe(0);
    });
  }

  for (const mode of ['sotw', 'delta'] as const) {
    for (const route of ['80', 'outbound'] as const) {
      it(`row 28: ${mode} keeps the cluster of route ${route} after it rejected two versions`, () => {
        const { server, client } = settled(mode, {
          cluster: { a: '1', b: '1' },
          listener: { l80: '1' },
          route: { [route]: 'x:1', 9080: '1' },
        });
        server.commit({ cluster: { b: null }, route: { [route]: 'x:bad' } });
        client.hears();
        client.nacks('route', `${route} is bad`);
        server.commit({ route: { 9080: '2' } });
        expect(client.hears()).toEqual(['RDS 9080=2']);
        client.acks('route');
        server.commit({ route: { [route]: 'x:worse' } });
        client.hears();
        client.nacks('route', `${route} is worse`);
        server.commit({ route: { 9080: '3' } });
        expect(client.hears()).toEqual(['RDS 9080=3']);
        expect(client.acks('route')).toEqual([]); // its version of before still needs the cluster
        server.commit({ route: { [route]: 'x:3' } });
        expect(client.hears()).toEqual([`RDS ${route}=x:3`]);
        expect(client.acks('route')).toEqual([mode === 'delta' ? 'CDS -b' : 'CDS a=1']);
        expect(server.forced).toBe(0);
      });
    }

    it(`row 28: ${mode} keeps the cluster of a route after it rejected two versions by name`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null }, route: { 80: 'bad' } });
      client.hears();
      client.nacks('route', '80 is bad');
      server.commit({ route: { 9080: '2' } });
      client.hears();
      client.acks('route');
      server.commit({ route: { 80: 'worse' } });
      client.hears();
      expect(client.nacks('route', '80 is worse')).toEqual([]);
      server.commit({ route: { 9080: '3' } });
      client.hears();
      expect(client.acks('route')).toEqual([]);
    });
  }

  it('row 19: a number in an error text does not count as a route', () => {
    const server = new Server();
    server.commit({ route: { 80: '1', 8080: '1' } });
    const client = new Talker(server, 'delta');
    client.asks('route', ['80', '8080']);
    expect(client.nacks('route', 'duplicate domain a.default:80 in route 8080')).toEqual(['RDS 80=1']);
  });

  it('row 19: state of the world keeps the last acknowledged bytes, not those rejected before', () => {
    const { server, client } = settled('sotw');
    server.commit({ cluster: { a: 'bad' } });
    client.hears();
    client.acks('endpoint');
    client.nacks('cluster', 'a is bad');
    server.commit({ cluster: { c: '1' } });
    client.hears();
    server.commit({ cluster: { a: 'worse' } });
    expect(client.acks('cluster')).toEqual(['CDS a=worse b=1 c=1', 'EDS a=1']);
    client.acks('endpoint');
    client.nacks('cluster', 'a is worse');
    server.commit({ cluster: { d: '1' } });
    expect(client.hears()).toEqual(['CDS a=1 b=1 c=1 d=1']);
  });

  it('row 19: state of the world defers the removal of a rejected cluster with its acknowledged bytes', () => {
    const { server, client } = settled('sotw');
    server.commit({ cluster: { a: 'bad' } });
    client.hears();
    client.acks('endpoint');
    client.nacks('cluster', 'a is bad');
    server.commit({ cluster: { a: null, c: '1' }, route: { 80: '2' } });
    expect(client.hears()).toEqual(['CDS a=1 b=1 c=1']);
  });

  it('row 19: a client that reconnects with a configuration does not lose the resources that it rejects', () => {
    const server = new Server();
    server.commit({ cluster: { a: 'bad', b: '1' } });
    const client = new Talker(server, 'sotw');
    client.asks('cluster', [], { version: '7', nonce: 'other-7' });
    client.nacks('cluster', 'a is bad');
    server.commit({ cluster: { c: '1' } });
    expect(client.hears()).toEqual(['CDS a=bad b=1 c=1']);
  });

  it('row 19: a client that moved to another scope does not lose the resources that it rejects', () => {
    const { server, client } = settled('sotw');
    const other = server.newView();
    server.commit({ cluster: { a: 'bad', b: '1' } }, other);
    setView(client.stream, other, server.context);
    client.hears();
    client.nacks('cluster', 'a is bad');
    server.commit({ cluster: { c: '1' } }, other);
    expect(client.hears()).toEqual(['CDS a=bad b=1 c=1']);
  });

  it('of two clients in the same state, a rejection affects only its own', () => {
    const server = new Server({ logRecords: 1, tombstones: 0 });
    server.commit({ cluster: { a: '1', b: '1' } });
    const [good, bad] = [new Talker(server, 'delta'), new Talker(server, 'delta')];
    for (const client of [good, bad]) client.asks('cluster');
    server.commit({ cluster: { b: null } }); // both write down what they have
    expect(good.acks('cluster')).toEqual(['CDS -b']);
    expect(bad.nacks('cluster', 'no such thing')).toEqual(['CDS a=1']);
    expect(bad.acks('cluster')).toEqual(['CDS a=1 -b']);
  });

  it('clients with equal rejections share their next responses', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1', b: '1' } });
    const clients = [new Talker(server, 'sotw'), new Talker(server, 'sotw')] as const;
    for (const client of clients) client.asks('cluster');
    for (const client of clients) client.acks('cluster');
    server.commit({ cluster: { a: 'bad' } });
    for (const client of clients) client.hears();
    for (const client of clients) client.nacks('cluster', 'a is bad');
    server.commit({ cluster: { b: '2' } });
    for (const client of clients) expect(client.hears()).toEqual(['CDS a=1 b=2']);
    const [one, two] = clients.map((client) => client.stream.types.get('cluster')?.inFlight);
    expect(one).toBe(two);
  });

  it('clients that reject one version keep their different earlier versions', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1', b: '1' } });
    const [newer, older] = [new Talker(server, 'sotw'), new Talker(server, 'sotw')];
    for (const client of [newer, older]) client.asks('cluster');
    for (const client of [newer, older]) client.acks('cluster');
    server.commit({ cluster: { a: '2' } });
    for (const client of [newer, older]) client.hears();
    newer.acks('cluster');
    older.nacks('cluster', 'a is bad');
    server.commit({ cluster: { a: 'bad' } });
    for (const client of [newer, older]) client.hears();
    for (const client of [newer, older]) client.nacks('cluster', 'a is bad');
    server.commit({ cluster: { b: '2' } });
    expect(newer.hears()).toEqual(['CDS a=2 b=2']);
    expect(older.hears()).toEqual(['CDS a=1 b=2']);
  });

  it('a client that rejected a cluster and one that accepted it get different sets', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1', b: '1' } });
    const [good, bad] = [new Talker(server, 'sotw'), new Talker(server, 'sotw')];
    for (const client of [good, bad]) client.asks('cluster');
    for (const client of [good, bad]) client.acks('cluster');
    server.commit({ cluster: { a: '2' } });
    for (const client of [good, bad]) client.hears();
    good.acks('cluster');
    bad.nacks('cluster', 'a is bad');
    server.commit({ cluster: { b: '2' } });
    expect(good.hears()).toEqual(['CDS a=2 b=2']);
    expect(bad.hears()).toEqual(['CDS a=1 b=2']);
  });

  it('rejections of an old scope do not apply in a new scope', () => {
    const server = new Server();
    const other = server.newView();
    server.commit({ route: { 80: '1' } }, other);
    server.commit({ route: { 80: 'bad' } });
    const client = new Talker(server, 'delta');
    client.asks('route', ['80']);
    setView(client.stream, other, server.context);
    expect(client.nacks('route', '80 is bad')).toEqual(['RDS 80=1']);
  });

  it('after an accepted whole set, no resource of the client is uncertain', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1', b: '1' } });
    const client = new Talker(server, 'sotw');
    client.asks('cluster');
    expect(client.nacks('cluster', 'no such thing')).toEqual(['CDS a=1']);
    expect(client.acks('cluster')).toEqual(['CDS a=1 b=1']);
    client.acks('cluster');
    server.commit({ cluster: { c: '1' } });
    client.hears();
    client.acks('cluster');
    server.commit({ cluster: { a: 'bad', d: '1' } });
    client.hears();
    expect(client.nacks('cluster', 'a is bad')).toEqual(['CDS a=1 b=1 c=1 d=1']);
  });

  it('an error text of megabytes is not stored', () => {
    const { server, client } = settled('delta');
    server.commit({ route: { 80: 'bad' } });
    client.hears();
    client.nacks('route', `80 is bad ${'x'.repeat(1_000_000)}`);
    expect(client.stream.types.get('route')?.answers.error?.length).toBeLessThan(20_000);
  });

  it('the search ends for a rejected assignment without a name', () => {
    const { client } = settled('delta');
    client.asks('endpoint', ['', 'c']);
    expect(client.nacks('endpoint', 'word')).toEqual([]);
  });
});
