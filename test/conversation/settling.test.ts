import { describe, expect, it } from 'vitest';
import { maxDeferralOfManyMs, nextDeadline } from '../../src/xds/stream/next.ts';
import { setView } from '../../src/xds/stream/stream.ts';
import { Server, Talker } from '../support/conversation.ts';

const mesh = {
  cluster: { a: '1', b: '1' },
  endpoint: { a: '1', b: '1' },
  listener: { l80: '1' },
  route: { 80: '1', 9080: '1' },
};

function settled(mode: 'sotw' | 'delta', server = new Server()) {
  server.commit(mesh);
  const client = new Talker(server, mode);
  client.asks('cluster');
  client.acks('cluster');
  client.asks('endpoint', ['a', 'b']);
  client.acks('endpoint');
  client.asks('listener');
  client.acks('listener');
  client.asks('route', ['80', '9080']);
  client.acks('route');
  return { server, client };
}

/** A change that needs no response must not delay the changes that wait for it. */
describe('settling', () => {
  it('a cluster is removed at once if no changed route is to be sent', () => {
    const { server, client } = settled('sotw');
    server.commit({ cluster: { b: null }, route: { 9080: null } });
    expect(client.hears()).toEqual(['CDS a=1']);
    expect(server.forced).toBe(0);
  });

  it('a cluster is removed at once after a change of scope without other differences', () => {
    const { server, client } = settled('delta');
    const other = server.newView();
    server.commit({ ...mesh, cluster: { a: '1' } }, other);
    setView(client.stream, other, server.context);
    expect(client.hears()).toEqual(['CDS -b']);
  });

  it('a removal is sent once, even if the table drops it while it is deferred', () => {
    const { server, client } = settled('delta', new Server({ logRecords: 1, tombstones: 1 }));
    server.commit({ cluster: { b: null }, route: { 80: '2' } });
    expect(client.hears()).toEqual(['RDS 80=2']);
    server.commit({ cluster: { x: '1', y: '1' } });
    expect(client.hears()).toEqual(['CDS x=1 y=1']);
    client.acks('cluster');
    server.nowMs = 10_000;
    server.commit({ cluster: { x: null, y: null } });
    expect(client.hears()).toEqual([]);
    server.nowMs = 30_000;
    expect(client.hears()).toEqual(['CDS -b']);
    client.acks('cluster');
    server.nowMs = 40_000;
    expect(client.hears()).toEqual(['CDS -x -y']);
  });

  it('repeated moves between scopes do not delay a removal indefinitely', () => {
    const { server, client } = settled('delta');
    server.commit({ cluster: { b: null }, route: { 80: 'bad' } });
    client.hears();
    client.nacks('route', '80 is bad');
    for (const seconds of [10, 20]) {
      server.nowMs = seconds * 1_000;
      const other = server.newView();
      server.commit({ ...mesh, cluster: { a: '1' }, route: { 80: 'bad', 9080: '1' } }, other);
      setView(client.stream, other, server.context);
      expect(client.hears()).toEqual([]);
    }
    server.nowMs = 30_000;
    expect(client.hears()).toEqual(['CDS -b']);
  });

  it('a deferred removal has a deadline, even without other events on its stream', () => {
    const { server, client } = settled('delta');
    server.commit({ cluster: { b: null }, route: { 80: 'bad' } });
    client.hears();
    expect(client.nacks('route', '80 is bad')).toEqual([]);
    expect(nextDeadline(client.stream)).toBe(maxDeferralOfManyMs);
  });

  it('a stream that unsubscribes while waiting has no deadline', () => {
    const server = new Server();
    server.commit(mesh);
    const client = new Talker(server, 'delta');
    client.asks('cluster');
    expect(client.asks('route', ['80'])).toEqual([]);
    client.asks('route', [], { drop: ['80'] });
    expect(nextDeadline(client.stream)).toBeNull();
  });

  it('a response that is sent again on a stream has another nonce', () => {
    const server = new Server();
    server.commit(mesh);
    const client = new Talker(server, 'delta');
    client.asks('endpoint', ['a']);
    const first = client.nonceOf('endpoint');
    client.acks('endpoint');
    expect(client.asks('endpoint', ['a'])).toEqual(['EDS a=1']);
    expect(client.nonceOf('endpoint')).not.toBe(first);
  });

  for (const mode of ['sotw', 'delta'] as const) {
    it(`${mode}: a wildcard that is unsubscribed and subscribed again is answered with another nonce`, () => {
      const server = new Server();
      server.commit({ cluster: { a: '1' } });
      const other = new Talker(server, mode); // keeps alive what is shared
      other.asks('cluster', ['*']);
      const client = new Talker(server, mode);
      client.asks('cluster', ['*']);
      const first = client.nonceOf('cluster');
      client.acks('cluster');
      client.asks('cluster', [], mode === 'delta' ? { drop: ['*'] } : {});
      expect(client.asks('cluster', ['*'])).toEqual(['CDS a=1']);
      expect(client.nonceOf('cluster')).not.toBe(first);
    });
  }
});

describe('the state of a stream', () => {
  it('is bounded for a client that subscribes repeatedly and never acknowledges', () => {
    const server = new Server();
    server.commit(mesh);
    const client = new Talker(server, 'delta');
    client.asks('endpoint', ['a']);
    for (let round = 0; round < 200; round++) {
      client.asks('endpoint', [`x${round}`]);
      client.asks('endpoint', [], { drop: [`x${round}`] });
    }
    const owed = client.stream.types.get('endpoint')?.mustSend ?? [];
    expect(owed.length).toBeLessThanOrEqual(20);
    expect(owed.flatMap(({ names }) => names).length).toBeLessThanOrEqual(40);
  });

  it('is bounded for a client of clusters that never requests assignments', () => {
    const server = new Server();
    const client = new Talker(server, 'delta');
    client.asks('cluster');
    for (let round = 0; round < 200; round++) {
      client.acks('cluster');
      server.commit({ cluster: { [`x${round}`]: '1', [`x${round - 1}`]: null } });
      client.hears();
    }
    const sent = client.stream.clustersSent;
    expect(sent.reduce((sum, { id, names }) => sum + id.length + names.length, 0)).toBeLessThan(300);
  });

  it('contains no copy of the names of a rejected response', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1', b: '1' } });
    const clients = [new Talker(server, 'delta'), new Talker(server, 'delta')];
    for (const client of clients) client.asks('cluster');
    for (const client of clients) client.nacks('cluster', 'no such thing');
    const [one, two] = clients.map((client) => client.stream.types.get('cluster')?.uncertain[0]?.names);
    expect(one).toHaveLength(2);
    expect(one).toBe(two);
  });
});
