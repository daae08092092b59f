import { describe, expect, test } from 'vitest';
import { createContentPool } from '../../../src/compile/content-pool.ts';
import { dialects } from '../../../src/compile/dialects.ts';
import { noPatch, type Patch } from '../../../src/compile/patch.ts';
import { createWriter, type HashedBytes, type ListenerFrameBytes, type Writer } from '../../../src/compile/writer.ts';
import type { DestinationPlan } from '../../../src/plan/destination.ts';
import { anyConnection, type FilterChainPlan } from '../../../src/plan/listener.ts';
import { resourceToJson } from '../../../src/proto/json.ts';
import { type EncodedResource, resourceBody } from '../../../src/proto/resource.ts';

const destination = (name: string): DestinationPlan => ({
  name,
  endpoints: { type: 'original-destination', port: null },
  protocol: 'http1',
  loadBalancing: { type: 'round-robin', warmup: null },
  limits: { connectTimeoutMs: 1000 },
  outlier: null,
  weighsLocalities: false,
  tls: null,
  proxyProtocol: null,
  origins: [],
});

const chain: FilterChainPlan = {
  listener: {
    name: '0.0.0.0_80',
    direction: 'outbound',
    binds: ['0.0.0.0'],
    port: 80,
    bindsToPort: false,
    transparent: false,
  },
  name: '',
  match: anyConnection,
  takesRest: false,
  isForUnknown: false,
  traffic: { type: 'http', routeConfiguration: '80', filters: [] },
  takesAnyAddress: false,
  createdAtMs: 0,
  origins: [],
};

const listenerBy = (writer: Writer) => {
  const { frame, body } = writer.chain(chain);
  return writer.listener({ plan: chain.listener, bytes: frame }, [{ match: anyConnection, body }]);
};

function shelvesWithCount() {
  const made = { count: 0 };
  const onMake = () => void made.count++;
  const pools = {
    clusters: createContentPool<EncodedResource>(onMake),
    listeners: createContentPool<EncodedResource>(onMake),
    frames: createContentPool<ListenerFrameBytes>(onMake),
    chains: createContentPool<HashedBytes>(onMake),
    bodies: createContentPool<HashedBytes>(onMake),
  };
  return { pools, made };
}

/** A patch as one proxy group could have it. */
const patch: Patch = {
  ...noPatch,
  cluster: (json) => (json.name === 'a' ? { ...json, altStatName: 'patched' } : json),
  listener: (json) => ({ ...json, statPrefix: 'patched' }),
  filterChain: (json, listener) => ({ ...json, name: `patched ${listener}` }),
};

const bytes = (type: 'cluster' | 'listener', { value }: { readonly value: EncodedResource }) =>
  Buffer.from(resourceBody(type, value)).toString('hex');

describe('a patch of one proxy group', () => {
  test('changes the configuration of that group', () => {
    const { pools } = shelvesWithCount();
    const patched = createWriter({ dialect: dialects.envoy, pools, patch });
    expect(resourceToJson('cluster', patched.cluster(destination('a')).value)).toMatchObject({
      altStatName: 'patched',
    });
    expect(resourceToJson('listener', listenerBy(patched).value)).toMatchObject({
      statPrefix: 'patched',
      filterChains: [{ name: 'patched 0.0.0.0_80' }],
    });
  });

  for (const { name, patchedFirst } of [
    { name: 'before', patchedFirst: true },
    { name: 'after', patchedFirst: false },
  ]) {
    test(`writes the same bytes ${name} another group as alone`, () => {
      const write = (writers: readonly Writer[]) =>
        writers.map((writer) => [
          bytes('cluster', writer.cluster(destination('a'))),
          bytes('listener', listenerBy(writer)),
        ]);
      const alone = (of: Patch) =>
        createWriter({ dialect: dialects.envoy, pools: shelvesWithCount().pools, patch: of });
      const order = patchedFirst ? [patch, noPatch] : [noPatch, patch];
      const { pools } = shelvesWithCount();
      const together = order.map((of) => createWriter({ dialect: dialects.envoy, pools, patch: of }));
      expect(write(together)).toEqual(write(order.map(alone)));
    });
  }

  test('leaves unchanged messages shared: equal messages are encoded once', () => {
    const { pools, made } = shelvesWithCount();
    const plain = createWriter({ dialect: dialects.envoy, pools });
    const patched = createWriter({ dialect: dialects.envoy, pools, patch });
    expect(patched.cluster(destination('b'))).toBe(plain.cluster(destination('b')));
    expect(made.count).toBe(1);
  });

  test('that breaks a message affects that group only, and leaves no state', () => {
    const { pools } = shelvesWithCount();
    const broken: Patch = { ...noPatch, cluster: (json) => ({ ...json, connectTimeout: '-1s' }) };
    const plan = { unknownHosts: 'forward', connectTimeoutMs: 1000, captured: null } as const;
    const writer = createWriter({ dialect: dialects.envoy, pools, patch: broken });
    expect(() => writer.outboundFixed(plan)).toThrow('connect_timeout');
    expect(pools.clusters.size).toBe(0);
    expect(createWriter({ dialect: dialects.envoy, pools }).outboundFixed(plan).clusters).toHaveLength(2);
  });
});
