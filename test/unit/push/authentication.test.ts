import { status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import type { CallerVerdict } from '../../../src/model/caller-authentication.ts';
import { typeUrls } from '../../../src/proto/resource.ts';
import { createTokenAuthentication } from '../../../src/security/workloads/token-authentication.ts';
import type { TokenVerdict } from '../../../src/security/workloads/token-review.ts';
import { type AdsOptions, openAds, sidecarId } from '../../support/ads-client.ts';
import { callOnce } from '../../support/call.ts';
import { startHandFilledPlane } from '../../support/hand-filled-plane.ts';

const pod = { name: 'reviews-1', uid: 'u-1' };
const verdicts: Readonly<Record<string, TokenVerdict>> = {
  reviews: { type: 'valid', workload: { namespace: 'shop', serviceAccount: 'reviews', pod } },
  machine: { type: 'valid', workload: { namespace: 'shop', serviceAccount: 'vm', pod: null } },
  stale: { type: 'invalid', reason: 'token has expired' },
  lost: { type: 'unavailable', reason: 'connect ECONNREFUSED 127.0.0.1:6443' },
};

interface Settings {
  readonly allowTokensWithoutPod?: boolean;
  /** Called with each token; its result is awaited before the verdict is given. */
  readonly hold?: (token: string) => Promise<void>;
}

async function start({ allowTokensWithoutPod = false, hold = async () => {} }: Settings = {}) {
  const results: string[] = [];
  const authentication = createTokenAuthentication({
    reviews: {
      size: 0,
      async verdictOf(token) {
        await hold(token);
        return verdicts[token] ?? { type: 'invalid', reason: 'unknown' };
      },
    },
    audiences: ['binnacle'],
    allowTokensWithoutPod,
    observe: (result) => results.push(result),
  });
  const plane = await startHandFilledPlane({}, authentication);
  onTestFinished(() => plane.stop());
  plane.put({ cluster: { a: '{}' } });
  const open = (options: AdsOptions) => openAds(plane.xdsPort, { mode: 'delta', nodeId: own, ...options });
  return { plane, results, open };
}

const own = sidecarId('shop', 'reviews-1');

describe('a stream of a server that requires tokens', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    it(`is served (${mode}) if its token proves its node`, async () => {
      const { open, results, plane } = await start();
      const stream = open({ mode, token: 'reviews', metadata: { SERVICE_ACCOUNT: 'reviews', NAMESPACE: 'shop' } });
      expect([...(await stream.subscribe('cluster')).resources.keys()]).toEqual(['a']);
      expect(results).toEqual(['token']);
      expect([...plane.coordinator.clients].map(({ caller }) => caller)).toEqual([
        { key: 'system:serviceaccount:shop:reviews', by: 'token' },
      ]);
    });
  }

  for (const { name, options, code, details } of [
    {
      name: 'without a token',
      options: {},
      code: status.UNAUTHENTICATED,
      details: 'send a service account token with the audience binnacle as the metadata "authorization: Bearer TOKEN"',
    },
    {
      name: 'with an invalid token',
      options: { token: 'stale' },
      code: status.UNAUTHENTICATED,
      details: 'the token is not valid: token has expired',
    },
    {
      name: 'with a token that cannot be checked now',
      options: { token: 'lost' },
      code: status.UNAVAILABLE,
      details: 'the token cannot be checked now (connect ECONNREFUSED 127.0.0.1:6443): try again',
    },
    {
      name: 'with a token without a pod',
      options: { token: 'machine' },
      code: status.UNAUTHENTICATED,
      details:
        'the token is bound to no pod: mount a projected token (serviceAccountToken), or set xds.auth.allowTokensWithoutPod',
    },
    {
      name: 'whose node is of another namespace',
      options: { token: 'reviews', nodeId: sidecarId('bank', 'reviews-1') },
      code: status.PERMISSION_DENIED,
      details:
        'this node is not the workload of its token: the namespace differs: node.id says "bank", the token is of "shop"',
    },
    {
      name: 'whose node is another pod',
      options: { token: 'reviews', nodeId: sidecarId('shop', 'reviews-2') },
      code: status.PERMISSION_DENIED,
      details:
        'this node is not the workload of its token: the pod differs: node.id says "reviews-2", the token is of "reviews-1"',
    },
    {
      name: 'whose metadata has another namespace than its id',
      options: { token: 'reviews', metadata: { NAMESPACE: 'bank' } },
      code: status.PERMISSION_DENIED,
      details:
        'this node is not the workload of its token: the namespace differs: node.metadata.NAMESPACE says "bank", the token is of "shop"',
    },
    {
      name: 'whose metadata has another service account',
      options: { token: 'reviews', metadata: { SERVICE_ACCOUNT: 'admin' } },
      code: status.PERMISSION_DENIED,
      details:
        'this node is not the workload of its token: the service account differs: node.metadata.SERVICE_ACCOUNT says "admin", the token is of "reviews"',
    },
    {
      name: 'of a client with a free id without a namespace',
      options: { token: 'reviews', nodeId: 'grpc-1' },
      code: status.PERMISSION_DENIED,
      details:
        'this node is not the workload of its token: the namespace differs: node.metadata.NAMESPACE, left out, says "default", the token is of "shop"',
    },
  ]) {
    it(`ends ${name}, with the reason`, async () => {
      const { open, plane } = await start();
      const stream = open(options);
      const first = stream.subscribe('cluster');
      await expect(first).rejects.toThrow('the stream ended');
      expect(await stream.ended).toMatchObject({ code, details });
      expect(stream.responses).toEqual([]);
      expect(plane.coordinator.clients.size).toBe(0);
    });
  }

  it('is not read before its token is reviewed', async () => {
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const { open, plane } = await start({
      hold(token) {
        if (token === 'reviews') asked.resolve();
        return token === 'reviews' ? held.promise : Promise.resolve();
      },
    });
    const stream = open({ token: 'reviews' });
    const response = stream.subscribe('cluster');
    await asked.promise;
    const other = open({ token: 'stale' }); // a whole exchange on another connection, while the first one waits
    await other.ended;
    expect(plane.coordinator.clients.size).toBe(0);
    held.resolve();
    expect([...(await response).resources.keys()]).toEqual(['a']);
  });

  it('may have a token without a pod if that is configured, for any pod of the node', async () => {
    const { open } = await start({ allowTokensWithoutPod: true });
    const stream = open({ token: 'machine', nodeId: sidecarId('shop', 'vm-7') });
    expect([...(await stream.subscribe('cluster')).resources.keys()]).toEqual(['a']);
    const other = open({ token: 'machine', nodeId: sidecarId('bank', 'vm-7') });
    other.subscribe('cluster').catch(() => {});
    expect(await other.ended).toMatchObject({ code: status.PERMISSION_DENIED });
  });

  it('may have any node id if its metadata has the namespace', async () => {
    const { open } = await start();
    const stream = open({ token: 'reviews', nodeId: 'grpc-1', metadata: { NAMESPACE: 'shop' } });
    expect([...(await stream.subscribe('cluster')).resources.keys()]).toEqual(['a']);
  });

  it('is counted by its result', async () => {
    const { open, results } = await start();
    for (const options of [{}, { token: 'stale' }, { token: 'lost' }, { token: 'reviews', nodeId: 'other' }]) {
      const stream = open(options);
      stream.subscribe('cluster').catch(() => {});
      await stream.ended;
    }
    expect(results).toEqual(['unauthenticated', 'unauthenticated', 'unavailable', 'token', 'mismatch']);
  });
});

describe('a single request to a server that requires tokens', () => {
  const path = '/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters';
  const sotw = { request: DiscoveryRequestSchema, response: DiscoveryResponseSchema };

  it('is answered with the right token, and rejected without one or for another pod', async () => {
    const { plane } = await start();
    const fetch = (id: string, proof: { readonly token?: string }) =>
      callOnce(plane.xdsPort, path, { ...sotw, init: { node: { id } }, ...proof });
    expect(await fetch(own, { token: 'reviews' })).toMatchObject({ typeUrl: typeUrls.cluster });
    expect(await fetch(own, {})).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await fetch(sidecarId('shop', 'x'), { token: 'reviews' })).toMatchObject({ code: status.PERMISSION_DENIED });
  });
});

describe('authentication by certificate on a server that requires tokens', () => {
  const identity = { spiffeId: 'spiffe://cluster.local/ns/shop/sa/reviews' };
  const authentication = createTokenAuthentication({
    reviews: { size: 0, verdictOf: async (token) => verdicts[token] ?? { type: 'invalid', reason: 'unknown' } },
    audiences: ['binnacle'],
    allowTokensWithoutPod: false,
    observe: () => {},
  });

  it('suffices without a token', async () => {
    const want: CallerVerdict = { type: 'admitted', workload: null };
    expect(await authentication.authenticate({ metadata: {}, identity })).toEqual(want);
  });

  it('does not replace an invalid token', async () => {
    const metadata = { authorization: 'Bearer stale' };
    expect(await authentication.authenticate({ metadata, identity })).toMatchObject({ reason: 'unauthenticated' });
  });
});
