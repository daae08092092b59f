import { describe, expect, it } from 'vitest';
import { setView } from '../../src/xds/stream/stream.ts';
import { type Contents, Server, Talker } from '../support/conversation.ts';

const wholeSets = ['cluster', 'listener', 'route'] as const;

/** Rows 33 to 36 of the table in docs/protocol.md: a rejected set rejects all that it holds, whatever is wrong with one part of it. */
describe('row 33: after a rejected whole set of which the client may have applied a part, a resource', () => {
  /** A set with the new clusters `one` and `two` is rejected after `change`; the client had `old`. */
  function rejects(change: Contents, error = 'one: no') {
    const server = new Server();
    server.commit({ cluster: { old: '1' } });
    const client = new Talker(server, 'sotw');
    client.asks('cluster');
    client.acks('cluster');
    server.commit({ cluster: { one: '3', two: '1' } });
    client.hears();
    server.commit(change);
    return { server, client, answer: client.nacks('cluster', error) };
  }

  it('is sent again as in the rejected set, if the error did not name it', () => {
    const { client, answer } = rejects({ cluster: { one: '4', two: '3' } });
    expect(answer).toEqual(['CDS old=1 one=4 two=3']);
    expect(client.nacks('cluster', 'two: no')).toEqual(['CDS old=1 one=4 two=1']);
    expect(client.acks('cluster')).toEqual([]);
  });

  it('reverts to earlier versions as they are rejected, and finally to the acknowledged one', () => {
    const { client } = rejects({ cluster: { one: '4', two: '3', old: '3' } });
    expect(client.nacks('cluster', 'two: no, old: no')).toEqual(['CDS old=1 one=4 two=1']);
    expect(client.nacks('cluster', 'two: no')).toEqual(['CDS old=1 one=4']);
    expect(client.acks('cluster')).toEqual([]);
  });

  it('is not removed if the client may have applied it since its first rejection', () => {
    const { server, client } = rejects({});
    server.commit({ cluster: { one: '4', two: '2' } });
    client.acks('cluster'); // the set without `one`
    expect(client.nacks('cluster', 'no such thing')).toEqual([]);
    server.commit({ cluster: { one: '5', two: '3' } });
    client.hears();
    expect(client.nacks('cluster', 'one: no')).toEqual(['CDS old=1 one=4 two=3']);
    expect(client.nacks('cluster', 'one: no')).toEqual(['CDS old=1 two=3']);
  });

  it('is kept if it is good, even if the client reports the bad ones one by one', () => {
    const { server, client, answer } = rejects({ cluster: { worse: '3', good: '1' } });
    expect(answer).toEqual(['CDS good=1 old=1 two=1 worse=3']);
    expect(client.nacks('cluster', 'worse: no')).toEqual(['CDS good=1 old=1 two=1']);
    expect(client.nacks('cluster', 'two: no')).toEqual(['CDS good=1 old=1']);
    expect(client.acks('cluster')).toEqual([]);
    server.commit({ cluster: { two: '2' } });
    expect(client.hears()).toEqual(['CDS good=1 old=1 two=2']);
  });

  it('is not sent in a version of another scope', () => {
    const server = new Server();
    const moved = server.newView();
    server.commit({ cluster: { a: '8' } }, moved);
    server.commit({ cluster: { a: '1' } });
    const client = new Talker(server, 'sotw');
    client.asks('cluster');
    client.nacks('cluster', 'no such thing');
    server.commit({ cluster: { a: '9', b: '1' } }, moved);
    setView(client.stream, moved, server.context);
    expect(client.hears()).toEqual(['CDS a=9 b=1']);
    expect(client.nacks('cluster', 'a is bad')).toEqual([]);
  });

  it('is stored in a bounded number of versions, however often it is rejected', () => {
    const { server, client } = rejects({ cluster: { two: '3' } }, 'no such thing');
    for (let version = 4; version < 60; version++) {
      server.commit({ cluster: { two: `${version}`, one: `${version}` } });
      client.hears();
      client.nacks('cluster', version % 2 === 0 ? 'two: no' : 'one: no');
    }
    expect(client.stream.types.get('cluster')?.uncertain.length).toBeLessThan(10);
  });
});

describe('row 34: a whole set omits a rejected resource', () => {
  /** A client whose set with `good` and the new cluster `bad` is unanswered; removals wait for its listeners. */
  function answering() {
    const server = new Server();
    server.commit({ cluster: { good: '1' } });
    const client = new Talker(server, 'sotw');
    client.asks('cluster');
    client.acks('cluster');
    client.asks('listener');
    server.commit({ cluster: { bad: '3' } });
    client.hears();
    return { server, client };
  }

  it('that was removed before the rejection arrived', () => {
    const { server, client } = answering();
    server.commit({ cluster: { bad: null, more: '1' } });
    expect(client.nacks('cluster', 'bad: no')).toEqual(['CDS good=1 more=1']);
  });

  it('that was removed briefly while the set without it was unanswered', () => {
    const { server, client } = answering();
    client.nacks('cluster', 'bad: no');
    server.commit({ cluster: { good: '2' } });
    client.hears();
    server.commit({ cluster: { bad: null } });
    client.acks('cluster');
    server.commit({ cluster: { bad: '3', more: '1' } });
    expect(client.hears()).toEqual(['CDS good=2 more=1']);
  });

  it('that was repaired, removed, and added again unchanged', () => {
    const { server, client } = answering();
    server.commit({ cluster: { bad: '2' } });
    server.commit({ cluster: { bad: null } });
    client.nacks('cluster', 'bad: no');
    server.commit({ cluster: { more: '1' } });
    expect(client.hears()).toEqual(['CDS good=1 more=1']);
    server.commit({ cluster: { bad: '3', more: '2' } });
    expect(client.acks('cluster')).toEqual(['CDS good=1 more=2']);
  });

  it("and a deferred removal keeps the client's version, not one that was never sent", () => {
    const { server, client } = answering();
    client.nacks('cluster', 'bad: no');
    server.commit({ cluster: { good: null } });
    client.hears();
    server.commit({ cluster: { good: '3' } });
    server.commit({ cluster: { good: null, more: '1' } });
    expect(client.hears()).toEqual(['CDS good=1 more=1']);
  });
});

describe('row 35: a resource of a whole set that the client never had', () => {
  it('is omitted once the client rejects it, also while its removal is deferred', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1' }, listener: { l: '1' }, route: { 'a.test:80': '1', 'gone.test:80': '3' } });
    const client = new Talker(server, 'sotw', wholeSets);
    client.asks('listener');
    client.asks('cluster');
    expect(client.asks('route', ['gone.test:80', 'a.test:80'])).toEqual([]); // clusters first
    server.commit({ route: { 'gone.test:80': null } });
    expect(client.acks('cluster')).toEqual(['RDS a.test:80=1 gone.test:80=3']);
    expect(client.nacks('route', 'gone.test:80: no')).toEqual(['RDS a.test:80=1']);
  });

  it('is not acknowledged by a set in which it was not subscribed', () => {
    const server = new Server();
    server.commit({ route: { 'a.test:80': '1', 'b.test:80': '1', 'bad.test:80': '3' } });
    const client = new Talker(server, 'sotw', wholeSets);
    client.asks('route', ['a.test:80']);
    client.acks('route');
    expect(client.asks('route', ['bad.test:80', 'a.test:80', 'b.test:80'])).toEqual([
      'RDS a.test:80=1 b.test:80=1 bad.test:80=3',
    ]);
    expect(client.nacks('route', 'bad.test:80: no')).toEqual(['RDS a.test:80=1 b.test:80=1']);
  });

  it('is not acknowledged by sets before the client unsubscribed from everything', () => {
    const server = new Server();
    server.commit({ route: { 'a.test:80': '1', 'bad.test:80': '3' } });
    const client = new Talker(server, 'sotw', wholeSets);
    client.asks('route', ['bad.test:80', 'a.test:80']);
    expect(client.nacks('route', 'bad.test:80: no')).toEqual(['RDS a.test:80=1']);
    client.acks('route');
    client.asks('route', []);
    expect(client.asks('route', ['bad.test:80', 'a.test:80'])).toEqual(['RDS a.test:80=1 bad.test:80=3']);
    expect(client.nacks('route', 'bad.test:80: no')).toEqual(['RDS a.test:80=1']);
  });

  it('is omitted if it was removed after the client unsubscribed from it', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1' }, listener: { l: '1' }, route: { 'a.test:80': '1', 'b.test:80': '1' } });
    const client = new Talker(server, 'sotw', wholeSets);
    client.asks('route', ['a.test:80', 'b.test:80']);
    client.acks('route');
    client.asks('listener'); // unanswered: removals of routes wait
    server.commit({ route: { 'b.test:80': null } });
    client.hears();
    client.asks('route', ['a.test:80']);
    server.commit({ route: { 'a.test:80': '2' } });
    expect(client.hears()).toEqual(['RDS a.test:80=2']);
  });
});

describe('row 36: a rejected resource that was removed', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    it(`is sent to ${mode} when it is added again, if its removal needed no response`, () => {
      const server = new Server();
      server.commit({ listener: { bad: '3', l: '1' } });
      const client = new Talker(server, mode);
      client.asks('listener');
      expect(client.nacks('listener', 'bad: no')).toEqual(['LDS l=1']);
      server.commit({ listener: { bad: null } });
      client.acks('listener');
      client.nacks('listener', 'whatever that removal was'); // delta; in a set there is nothing to answer
      server.commit({ listener: { bad: '3' } });
      expect(client.hears()).toEqual([mode === 'delta' ? 'LDS bad=3' : 'LDS bad=3 l=1']);
    });
  }
});
