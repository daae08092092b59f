import { describe, expect, it } from 'vitest';
import type { KnownRejections, PartVersion } from '../../src/xds/isolation/known-rejections.ts';
import { rememberAccepted } from '../../src/xds/isolation/search.ts';
import { setView } from '../../src/xds/stream/stream.ts';
import { Server, Talker } from '../support/conversation.ts';
import { settled } from './settled.ts';

/** Rows 39 to 46 of the table in docs/protocol.md: what a client rejects is found by trying. */
describe('isolation of rejected resources', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    const routes = (of80: string, of9080: string) => ({
      cluster: { a: '1' },
      endpoint: { a: '1' },
      listener: { l80: '1', l90: '1' },
      route: { 80: of80, 9080: of9080 },
    });

    it(`row 39: ${mode} gets the resources of a rejected response in groups, and keeps the good ones`, () => {
      const { server, client } = settled(mode);
      server.commit({ route: { 80: 'bad', 9080: '2' } });
      expect(client.hears()).toEqual(['RDS 80=bad 9080=2']);
      expect(client.nacks('route', 'no')).toEqual(['RDS 80=bad']);
      expect(client.nacks('route', 'no')).toEqual(['RDS 9080=2']);
      expect(client.acks('route')).toEqual([]);
      server.commit({ route: { 80: '3' } });
      expect(client.hears()).toEqual(['RDS 80=3']);
      client.acks('route');
      expect(client.stream.types.get('route')).toMatchObject({ answers: { error: null }, filters: null, search: null });
    });

    it(`row 39: ${mode} names a port in its error, and not the bad route`, () => {
      const { server, client } = settled(mode);
      server.commit({ route: { 80: '2', 9080: 'bad' } });
      client.hears();
      expect(client.nacks('route', 'no filter for port 80')).toEqual(['RDS 80=2']);
      expect(client.acks('route')).toEqual(['RDS 9080=bad']);
    });

    it(`row 40: ${mode} keeps the last good version of one bad virtual host and gets the others`, () => {
      const { server, client } = settled(mode, routes('a:1 b:1 c:1', 'z:1'));
      server.commit({ route: { 80: 'a:2 b:bad c:2' } });
      expect(client.hears()).toEqual(['RDS 80=a:2 b:bad c:2']);
      expect(client.nacks('route', 'no')).toEqual(['RDS 80=a:2 b:bad c:1']);
      expect(client.nacks('route', 'no')).toEqual(['RDS 80=a:2 b:1 c:1']);
      expect(client.acks('route')).toEqual(['RDS 80=a:2 b:bad c:1']);
      expect(client.nacks('route', 'no')).toEqual(['RDS 80=a:2 b:1 c:2']);
      expect(client.acks('route')).toEqual([]);
    });

    it(`row 41: ${mode} gets later changes without the bad virtual host, and that host once it is repaired`, () => {
      const { server, client } = settled(mode, routes('a:1 b:1', 'z:1'));
      server.commit({ route: { 80: 'a:1 b:bad' } });
      client.hears();
      expect(client.nacks('route', 'no')).toEqual([]); // the only change: it is known what is bad
      server.commit({ route: { 80: 'a:2 b:bad' } });
      expect(client.hears()).toEqual(['RDS 80=a:2 b:1']);
      expect(client.acks('route')).toEqual([]);
      server.commit({ route: { 80: 'a:2 b:3' } });
      expect(client.hears()).toEqual(['RDS 80=a:2 b:3']);
      client.acks('route');
      expect(client.stream.types.get('route')).toMatchObject({ answers: { error: null }, filters: null });
    });

    it(`row 41: ${mode} can subscribe to more names after the rejected part was found`, () => {
      const { server, client } = settled(mode, routes('a:1 b:1', 'z:1'));
      server.commit({ route: { 80: 'a:1 b:bad', 81: 'y:1' } });
      client.hears();
      expect(client.nacks('route', 'no')).toEqual([]);
      expect(client.asks('route', mode === 'delta' ? ['81'] : ['80', '81', '9080'])).toEqual(['RDS 81=y:1']);
    });

    it(`row 42: a new ${mode} client gets everything except the bad virtual host`, () => {
      const server = new Server();
      server.commit({ route: { 80: 'a:1 b:bad', 9080: 'z:1' } });
      const client = new Talker(server, mode);
      expect(client.asks('route', ['80', '9080'])).toEqual(['RDS 80=a:1 b:bad 9080=z:1']);
      const heard = [client.nacks('route', 'no')];
      expect(heard[0]).toEqual(['RDS 80=a:1 b:bad']);
      expect(client.nacks('route', 'no')).toEqual(['RDS 80=a:1']);
      expect(client.acks('route')).toEqual(['RDS 80=a:1 b:bad']);
      expect(client.nacks('route', 'no')).toEqual(['RDS 9080=z:1']);
      expect(client.acks('route')).toEqual([]);
    });

    it(`row 42: ${mode} that rejects every virtual host gets an empty route configuration`, () => {
      const server = new Server();
      server.commit({ route: { 80: 'b:bad' } });
      const client = new Talker(server, mode);
      client.asks('route', ['80']);
      expect(client.nacks('route', 'no')).toEqual(['RDS 80=∅']);
    });

    it(`row 43: ${mode} gets changes of the type only after the search for the rejected part`, () => {
      const { server, client } = settled(mode, routes('a:1 b:1', 'z:1'));
      server.commit({ route: { 80: 'a:2 b:bad' } });
      client.hears();
      expect(client.nacks('route', 'no')).toEqual(['RDS 80=a:2 b:1']);
      server.commit({ route: { 80: 'a:2 b:bad c:1', 9080: 'z:2' } });
      expect(client.hears()).toEqual([]);
      expect(client.acks('route')).toEqual(['RDS 80=a:2 b:bad']);
      expect(client.nacks('route', 'no')).toEqual(['RDS 80=a:2 b:1 c:1 9080=z:2']);
    });

    it(`row 44: ${mode} keeps clusters that the bad route may need until the route is repaired`, () => {
      const { server, client } = settled(mode, { ...routes('a:1 b:1', 'z:1'), cluster: { a: '1', old: '1' } });
      server.commit({ cluster: { old: null }, route: { 80: 'a:1 b:bad' } });
      client.hears();
      client.nacks('route', 'no');
      server.commit({ route: { 80: 'a:2 b:bad' } });
      client.hears();
      expect(client.acks('route')).toEqual([]);
      server.commit({ route: { 80: 'a:2 b:2' } });
      client.hears();
      expect(client.acks('route')).toEqual([mode === 'delta' ? 'CDS -old' : 'CDS a=1']);
    });

    it(`row 45: the search ends for ${mode} that rejects everything`, () => {
      const { server, client } = settled(mode);
      const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`c${index}`, 'bad']));
      server.commit({ cluster: many });
      let asked = client.hears().length;
      for (let heard = client.nacks('cluster', 'no'); heard.length > 0; heard = client.nacks('cluster', 'no')) {
        asked += heard.filter((line) => line.startsWith('CDS')).length;
        client.acks('endpoint');
        expect(asked).toBeLessThan(600);
      }
    });

    it(`row 45: ${mode} that disconnects during the search leaves no state`, () => {
      const { server, client } = settled(mode);
      server.commit({ route: { 80: 'bad', 9080: '2' } });
      client.hears();
      client.nacks('route', 'no');
      server.disconnect(client.stream);
      expect(server.context.interests.size).toBe(0);
    });

    it(`row 52: ${mode} that moves to a scope with a bad resource keeps its version of it`, () => {
      const { server, client } = settled(mode, routes('a:1 b:1', 'z:1'));
      const other = server.newView();
      server.commit({ ...routes('a:2 b:bad', 'z:1') }, other);
      rememberAccepted(client.stream, other);
      setView(client.stream, other, server.context);
      const [routesHeard] = client.hears().filter((line) => line.startsWith('RDS'));
      expect(routesHeard).toBe('RDS 80=a:2 b:bad');
      expect(client.nacks('route', 'no')).toEqual(['RDS 80=a:2 b:1']);
      expect(client.acks('route')).toEqual(['RDS 80=a:2 b:bad']);
      expect(client.nacks('route', 'no')).toEqual([]);
      expect(client.stream.types.get('route')?.filters?.get('80')?.rejected.get('b')?.substitute?.name).toBe('b');
    });

    it(`row 46: ${mode} gets the last good version of a resource that other clients of its kind reject`, () => {
      const { server, client } = settled(mode, routes('a:1 b:1', 'z:1'));
      server.commit({ route: { 80: 'a:1 b:bad' } });
      client.hears();
      const outcome = client.rejects('route', 'no');
      const found = outcome.kind === 'rejected' ? outcome.rejectedVersions : [];
      expect(found).toMatchObject([{ type: 'route', name: '80', part: 'b', error: 'no' }]);
      const isFound = (version: PartVersion) => found.some(({ hash }) => hash === version.hash);
      const knownRejections: KnownRejections = {
        size: 1,
        isKnown: isFound,
        lastGood: (version) => (isFound(version) ? (found[0]?.lastGood ?? null) : null),
        knownFor: (_stream, type) => found.filter((one) => one.type === type),
      };
      Object.assign(server.context, { knownRejections });
      const next = new Talker(server, mode);
      expect(next.asks('route', ['80'])).toEqual(['RDS 80=a:1 b:1']);
      expect(next.acks('route')).toEqual([]);
      // One that nobody vouches for is asked, and gets the last good version once it has rejected the bad one.
      Object.assign(server.context, { knownRejections: { ...knownRejections, knownFor: () => [] } });
      const other = new Talker(server, mode);
      expect(other.asks('route', ['80'])).toEqual(['RDS 80=a:1 b:bad']);
      expect(other.nacks('route', 'no')).toEqual(['RDS 80=a:1 b:1']);
      expect(other.acks('route')).toEqual(['RDS 80=a:1 b:bad']);
      expect(other.nacks('route', 'no')).toEqual([]);
    });
  }

  it('a number in an error text does not count as a route configuration', () => {
    const { server, client } = settled('delta', { route: { 80: 'a:1', 9080: 'b:1' } });
    server.commit({ route: { 80: 'a:2', 9080: 'b:bad' } });
    client.hears();
    expect(client.nacks('route', 'Proto constraint validation failed: VirtualHosts[80]')).toEqual(['RDS 80=a:2']);
    expect(client.acks('route')).toEqual(['RDS 9080=b:bad']);
    client.nacks('route', 'Proto constraint validation failed: VirtualHosts[80]');
    server.commit({ route: { 80: 'a:3' } });
    expect(client.hears()).toEqual(['RDS 80=a:3']);
  });

  it('a client that reconnects with the substitute of a bad part does not get it again', () => {
    const { server, client } = settled('delta', { route: { 80: 'a:1 b:1' } });
    server.commit({ route: { 80: 'a:2 b:bad' } });
    client.hears();
    client.nacks('route', 'no');
    client.acks('route');
    const outcome = client.rejects('route', 'no');
    const found = outcome.kind === 'rejected' ? outcome.rejectedVersions : [];
    const has = { 80: client.versionOf('80') };
    Object.assign(server.context, {
      knownRejections: {
        size: 1,
        isKnown: () => true,
        lastGood: () => found[0]?.lastGood ?? null,
        knownFor: () => found,
      },
    });
    const again = new Talker(server, 'delta');
    expect(again.asks('route', ['80'], { has })).toEqual([]);
  });

  it('state of the world: a whole set that changed during the search is sent again', () => {
    const { server, client } = settled('sotw');
    server.commit({ cluster: { c: 'bad', d: '1' } });
    client.hears();
    expect(client.nacks('cluster', 'no')).toEqual(['CDS a=1 b=1 c=bad']);
    server.commit({ cluster: { c: '2' } });
    expect(client.nacks('cluster', 'no')).toEqual(['CDS a=1 b=1 c=2 d=1']);
  });
});
