import { describe, expect, it } from 'vitest';
import { ackCandidate, receiveKnownAck, rememberAck } from '../../src/xds/recognition/ack-cache.ts';
import type { RequestOutcome } from '../../src/xds/stream/receive.ts';
import { ask, Server, Talker } from '../support/conversation.ts';

const wholeSets = ['cluster', 'listener', 'route'] as const;

const mosn = (server: Server) => new Talker(server, 'sotw', wholeSets, ['route']);
const grpc = (server: Server) => new Talker(server, 'sotw', wholeSets);

/** Rules of docs/protocol.md for clients other than Envoy. */
describe('MOSN', () => {
  it('keeps its subscription when it acknowledges only the names of a response', () => {
    const server = new Server();
    server.commit({ route: { 80: '1', 9080: '1' } });
    const client = mosn(server);
    expect(client.asks('route', ['late', '80', '9080'])).toEqual(['RDS 80=1 9080=1 late=∅']);
    server.commit({ route: { 9080: null } });
    expect(client.asks('route', ['80'])).toEqual(['RDS 80=1']); // it acknowledges, and is told of the removal
    client.acks('route');
    server.commit({ route: { late: '1', 9080: '2' } });
    expect(client.hears()).toEqual(['RDS 80=1 9080=2 late=1']);
  });

  it('changes its subscription with the previous nonce', () => {
    const server = new Server();
    server.commit({ route: { 80: '1', 9080: '1' } });
    const client = mosn(server);
    client.asks('route', ['80']);
    client.acks('route');
    const before = client.nonceOf('route');
    server.commit({ route: { 80: '2' } });
    expect(client.hears()).toEqual(['RDS 80=2']);
    const after = client.nonceOf('route');
    client.asks('route', ['80', '9080'], { nonce: before });
    expect(client.asks('route', ['80'], { nonce: after })).toEqual(['RDS 80=2 9080=1']);
  });

  it('gets no answer when it repeats old nonces', () => {
    const server = new Server();
    server.commit({ endpoint: { a: '1' }, route: { 80: '1' } });
    const client = mosn(server);
    client.asks('endpoint', ['a']);
    client.acks('endpoint');
    client.asks('route', ['80']);
    client.acks('route');
    expect(client.acks('endpoint')).toEqual([]);
    expect(client.acks('route')).toEqual([]);
  });

  it('gets an answer to a request without names, which it needs before it requests listeners', () => {
    const server = new Server();
    server.commit({ endpoint: { a: '1' } });
    const client = mosn(server);
    expect(client.asks('endpoint', [])).toEqual(['EDS']);
    expect(client.acks('endpoint')).toEqual([]);
    server.commit({ endpoint: { a: '2' } });
    expect(client.hears()).toEqual([]);
    expect(client.asks('endpoint', ['a'])).toEqual(['EDS a=2']);
  });
});

describe('gRPC', () => {
  it('learns at once that a route does not exist, and keeps a removed route', () => {
    const server = new Server();
    server.commit({ route: { 'a.test:80': '1', 'b.test:80': '1' } });
    const client = grpc(server);
    expect(client.asks('route', ['0.test:80', 'a.test:80', 'b.test:80'])).toEqual([
      'RDS 0.test:80=∅ a.test:80=1 b.test:80=1',
    ]);
    client.acks('route');
    server.commit({ route: { 'a.test:80': '2', 'b.test:80': null } });
    expect(client.hears()).toEqual(['RDS a.test:80=2']);
  });

  it('that adds names three times before the first answer gets all of them', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1', b: '1', c: '1' } });
    const client = grpc(server);
    ask(server, client.stream, 'cluster', { names: ['a'] });
    ask(server, client.stream, 'cluster', { names: ['a', 'b'] });
    expect(client.asks('cluster', ['a', 'b', 'c'])).toEqual(['CDS a=1 b=1 c=1']);
    expect(client.acks('cluster')).toEqual([]);
  });
});

describe('an acknowledgement in the cache', () => {
  const pure = (outcome: RequestOutcome) => outcome.kind === 'acknowledged' && outcome.isAckOnly;

  it('does not include a request with a node, which no other client sends', () => {
    const server = new Server();
    server.commit({ endpoint: { a: '1' } });
    const client = new Talker(server, 'sotw');
    client.asks('endpoint', ['a']);
    const nonce = client.nonceOf('endpoint');
    expect(pure(ask(server, client.stream, 'endpoint', { names: ['a'], nonce, node: 'n1' }))).toBe(false);
  });

  it('applies to another stream with an equal subscription, until that subscription changes', () => {
    const server = new Server();
    server.commit({ endpoint: { a: '1', b: '1' } });
    const [one, same, more] = [new Talker(server, 'sotw'), new Talker(server, 'sotw'), new Talker(server, 'sotw')];
    for (const client of [one, same, more]) client.asks('endpoint', ['a']);
    const response = one.stream.types.get('endpoint')?.inFlight;
    if (response === null || response === undefined) throw new Error('nothing was sent');
    const bytes = Buffer.from('what the first one wrote');
    rememberAck(response, one.stream.types.get('endpoint'), bytes);
    more.asks('endpoint', ['a', 'b'], { nonce: '' });

    expect(ackCandidate(more.stream, bytes.length)).toBeNull();
    const known = ackCandidate(same.stream, bytes.length);
    expect(Buffer.concat(known?.parts ?? [])).toEqual(bytes);
    expect(known && receiveKnownAck(same.stream, known, server.context)?.kind).toBe('acknowledged');
    expect(known && receiveKnownAck(same.stream, known, server.context)).toBeNull();
  });
});
