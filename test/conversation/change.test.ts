import { describe, expect, it } from 'vitest';
import { Server, Talker } from '../support/conversation.ts';
import { settled } from './settled.ts';

const mesh = { cluster: { a: '1' }, endpoint: { a: '1' }, listener: { l80: '1' }, route: { 80: '1' } };

/** Rows 4 to 6 and 17 to 21 of the table in docs/protocol.md. */
describe('change', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    const whole = mode === 'sotw' ? 'a=1 ' : '';

    it(`row 4: ${mode} gets the route only after it acknowledged the new cluster`, () => {
      const { server, client } = settled(mode, mesh);
      server.commit({ cluster: { b: '1' }, endpoint: { b: '1' }, route: { 80: '2' } });
      expect(client.hears()).toEqual([`CDS ${whole}b=1`]);
      expect(client.asks('endpoint', mode === 'sotw' ? ['a', 'b'] : ['b'])).toEqual(['EDS b=1']);
      expect(client.acks('endpoint')).toEqual([]);
      expect(client.acks('cluster')).toEqual(['RDS 80=2']);
    });

    it(`row 4: ${mode} gets the route when it rejects the new cluster`, () => {
      const { server, client } = settled(mode, mesh);
      server.commit({ cluster: { b: '1' }, route: { 80: '2' } });
      client.hears();
      expect(client.nacks('cluster', 'b is bad')).toEqual(['RDS 80=2']);
    });

    it(`row 5: ${mode} gets the assignment of a changed cluster again at once`, () => {
      const { server, client } = settled(mode, mesh);
      server.commit({ cluster: { a: '2' } });
      expect(client.hears()).toEqual(['CDS a=2', 'EDS a=1']);
    });

    it(`row 6: ${mode} gets a changed assignment and nothing else`, () => {
      const { server, client } = settled(mode, mesh);
      server.commit({ endpoint: { a: '2' } });
      expect(client.hears()).toEqual(['EDS a=2']);
      expect(client.acks('endpoint')).toEqual([]);
    });

    it(`row 17: ${mode} gets nothing while nothing changes`, () => {
      const { server, client } = settled(mode, mesh);
      server.commit({ endpoint: { a: '1' } });
      expect(client.hears()).toEqual([]);
    });

    it(`row 18: ${mode} gets all changes since its unanswered response in one response`, () => {
      const { server, client } = settled(mode, mesh);
      server.commit({ endpoint: { a: '2' } });
      expect(client.hears()).toEqual(['EDS a=2']);
      server.commit({ endpoint: { a: '3' } });
      server.commit({ endpoint: { a: '4' } });
      expect(client.hears()).toEqual([]);
      expect(client.acks('endpoint')).toEqual(['EDS a=4']);
    });

    it(`row 19: ${mode} gets no answer to a rejection, and then the next version`, () => {
      const { server, client } = settled(mode, mesh);
      server.commit({ route: { 80: 'bad' } });
      client.hears();
      expect(client.nacks('route', '80: no such thing')).toEqual([]);
      server.commit({ endpoint: { a: '2' } });
      expect(client.hears()).toEqual(['EDS a=2']);
      server.commit({ route: { 80: '3' } });
      expect(client.hears()).toEqual(['RDS 80=3']);
    });

    it(`row 20: ${mode} acknowledges nothing with a stale nonce`, () => {
      const { server, client } = settled(mode, mesh);
      server.commit({ endpoint: { a: '2' } });
      const old = client.nonceOf('endpoint');
      client.hears();
      server.commit({ endpoint: { a: '3' } });
      const names = mode === 'sotw' ? ['a'] : [];
      expect(client.asks('endpoint', names, { nonce: old })).toEqual([]);
      expect(client.acks('endpoint')).toEqual(['EDS a=3']);
    });

    it(`row 21: a first request of ${mode} with another server's nonce is a new subscription`, () => {
      const server = new Server();
      server.commit({ cluster: { a: '1' } });
      const client = new Talker(server, mode);
      expect(client.asks('cluster', [], { nonce: 'other-7' })).toEqual(['CDS a=1']);
    });
  }

  it('row 19: state of the world keeps the last acknowledged bytes of a rejected cluster', () => {
    const { server, client } = settled('sotw', mesh);
    server.commit({ cluster: { a: 'bad', b: '1' } });
    expect(client.hears()).toEqual(['CDS a=bad b=1', 'EDS a=1']);
    expect(client.nacks('cluster', 'Error adding cluster a: bad')).toEqual(['CDS a=1 b=1']);
    client.acks('cluster');
    server.commit({ cluster: { c: '1' } });
    expect(client.hears()).toEqual(['CDS a=1 b=1 c=1']);
    client.acks('cluster');
    server.commit({ cluster: { a: '2' } });
    expect(client.hears()).toEqual(['CDS a=2 b=1 c=1']);
  });

  it('row 19: state of the world omits a rejected cluster that was never acknowledged', () => {
    const { server, client } = settled('sotw', mesh);
    server.commit({ cluster: { bad: '1' } });
    client.hears();
    client.nacks('cluster', 'bad is bad');
    server.commit({ cluster: { c: '1' } });
    expect(client.hears()).toEqual(['CDS a=1 c=1']);
  });

  it('row 39: an error without a resource name applies to the only new resource', () => {
    const { server, client } = settled('sotw', mesh);
    server.commit({ cluster: { b: '1' } });
    client.hears();
    client.nacks('cluster', 'something is wrong');
    server.commit({ cluster: { c: '1' } });
    expect(client.hears()).toEqual(['CDS a=1 c=1']);
  });

  it('a client of a single type waits for no other type', () => {
    const server = new Server();
    server.commit({ listener: { l80: '1' }, cluster: { a: '1' } });
    const client = new Talker(server, 'delta');
    expect(client.asks('listener')).toEqual(['LDS l80=1']);
  });
});
