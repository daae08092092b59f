import { describe, expect, it } from 'vitest';
import { callerOf } from '../../../src/push/caller.ts';
import type { PeerIdentity } from '../../../src/rpc/identity.ts';
import { FakePush } from '../../support/fake-push.ts';

describe('one peer with many scopes', () => {
  const scopePerClient = () => {
    let refused = 0;
    const push = new FakePush({ refused: () => refused++ }, { maxScopesPerPeer: 3 });
    push.compiler.layersFor = ({ id }) => [`scope-${id}`];
    return { push, refusals: () => refused };
  };

  it('is rejected above its limit, and the rejected client leaves no state', async () => {
    const { push, refusals } = scopePerClient();
    for (const id of ['a', 'b', 'c']) push.connect(id, 'delta', '10.0.0.1:1');
    expect(() => push.connect('d', 'delta', '10.0.0.1:2')).toThrow(
      '10.0.0.1 has 3 different configurations, and may have no more (xds.limits.maxScopesPerPeer)',
    );
    expect(refusals()).toBe(1);
    expect(push.coordinator.clients.size).toBe(3);
    expect([...push.coordinator.layers.all()]).toHaveLength(3);
    expect(push.compiler.closed).toEqual(['scope-d']);
  });

  it('does not limit other peers, nor its own clients of existing scopes', () => {
    const { push } = scopePerClient();
    for (const id of ['a', 'b', 'c', 'a', 'b']) push.connect(id, 'delta', '10.0.0.1:1');
    push.connect('d', 'delta', '10.0.0.2:1');
    expect(push.coordinator.clients.size).toBe(6);
  });

  it('counts them until they are closed, even after its clients disconnect', async () => {
    const { push } = scopePerClient();
    for (const id of ['a', 'b', 'c']) {
      const { client } = push.connect(id, 'delta', '10.0.0.1:1');
      push.coordinator.disconnect(client, 'cancelled');
    }
    expect(() => push.connect('d', 'delta', '10.0.0.1:1')).toThrow('3 different configurations');
    await push.rest();
    await push.pass(62_000);
    push.connect('d', 'delta', '10.0.0.1:1');
    expect(push.coordinator.clients.size).toBe(1);
  });

  it('counts scopes of its fetches, too', async () => {
    const { push } = scopePerClient();
    for (const id of ['a', 'b', 'c']) push.connect(id, 'delta', '10.0.0.1:1');
    const { proxy } = push.connect('other', 'delta', '10.0.0.2:1').client;
    await expect(push.coordinator.readOnce(proxy, '10.0.0.1', () => {})).rejects.toThrow('3 different configurations');
  });
});

describe('a flush that defers new scopes', () => {
  it('serves the clients of compiled scopes, and the next flush serves the rest', async () => {
    const push = new FakePush();
    push.compiler.layersFor = ({ id }) => [`scope-${id}`];
    push.compiler.newLayersPerFlush = 1;
    const clients = ['a', 'b', 'c'].map((id) => push.connect(id));
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      push.compiler.put(`scope-${id}`, { cluster: { x: id } });
      clients[index]?.asks('cluster');
    }
    await push.rest();
    expect(clients.map(({ heard }) => heard)).toEqual([['CDS x=a'], ['CDS x=b'], ['CDS x=c']]);
  });
});

describe('streams with the node id of another client', () => {
  /** A victim with a stream for each type, and somebody else who calls itself as the victim does. */
  const impersonated = async (peer: string) => {
    const push = new FakePush();
    const victim = push.connect('victim', 'delta', '10.0.0.1:1');
    victim.asks('endpoint', { names: ['a'] });
    await push.change('scope', { cluster: { a: '1' }, endpoint: { a: 'e' } });
    victim.acks('endpoint');
    await victim.hears();
    const other = push.connect('victim', 'delta', peer);
    other.asks('cluster');
    await other.hears();
    other.acks('cluster');
    return victim.hears();
  };

  it('cause no response to the other client', async () => {
    expect(await impersonated('10.0.0.2:1')).toEqual([]);
  });

  it('belong to the same proxy if they come from the same peer', async () => {
    expect(await impersonated('10.0.0.1:2')).toEqual(['EDS a=e']);
  });
});

describe('a stream with its own clusters', () => {
  it('gets no assignments again when the same proxy answers clusters on another stream', async () => {
    const push = new FakePush();
    const both = push.connect('proxy', 'delta', '10.0.0.1:1');
    both.asks('cluster');
    both.asks('endpoint', { names: ['a'] });
    await push.change('scope', { cluster: { a: '1' }, endpoint: { a: 'e' } });
    for (const type of ['cluster', 'endpoint'] as const) both.acks(type);
    await both.hears();
    const other = push.connect('proxy', 'delta', '10.0.0.1:2');
    other.asks('cluster');
    await other.hears();
    other.acks('cluster');
    expect(await both.hears()).toEqual([]);
  });
});

describe('a caller', () => {
  const identity: PeerIdentity = { spiffeId: 'spiffe://mesh/a', uris: ['spiffe://mesh/a'], dnsNames: [], subject: '' };
  for (const { peer, certificate, want } of [
    { peer: '127.0.0.1:80', certificate: null, want: { key: '127.0.0.1', by: 'loopback' } },
    { peer: '[::1]:80', certificate: null, want: { key: '[::1]', by: 'loopback' } },
    { peer: '[::ffff:127.0.0.1]:80', certificate: null, want: { key: '[::ffff:127.0.0.1]', by: 'loopback' } },
    { peer: '10.0.0.1:80', certificate: null, want: { key: '10.0.0.1', by: 'address' } },
    { peer: '10.0.0.1:80', certificate: identity, want: { key: 'spiffe://mesh/a', by: 'certificate' } },
  ]) {
    it(`at ${peer} ${certificate === null ? 'without' : 'with'} a certificate is ${want.key}`, () => {
      expect(callerOf({ peer, identity: certificate })).toEqual(want);
    });
  }
});

describe('a peer that proves nothing', () => {
  /** Virtual hosts that a new proxy of another peer is sent, after one proxy has rejected the second. */
  const sentToOthers = async (secondHost: string) => {
    const push = new FakePush();
    const first = push.connect('first', 'delta', '10.0.0.1:1');
    first.asks('route', { names: ['80'] });
    await push.change('scope', { route: { 80: 'a:1' } });
    first.acks('route');
    await push.change('scope', { route: { 80: `a:1 ${secondHost}:1` } });
    first.nacks('route', 'no');
    await push.rest();
    const other = push.connect('other', 'delta', '10.0.0.2:1');
    other.asks('route', { names: ['80'] });
    await push.rest();
    return other.heard;
  };

  it('keeps nothing from others by rejecting it', async () => {
    expect(await sentToOthers('b')).toEqual(['RDS 80=a:1 b:1']);
  });

  it('counts if the rejected resource violates a constraint of Envoy', async () => {
    expect(await sentToOthers('b\n')).toEqual(['RDS 80=a:1']);
  });
});
