import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it, test } from 'vitest';
import { NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { proxyOf } from '../../../src/xds/wire/node.ts';
import { defaultNodeLimits } from '../../../src/xds/wire/node-limits.ts';

test('a node has its addresses in canonical form, each once', () => {
  const id = 'sidecar~FD00:0::1~web.default~default.svc.cluster.local';
  const metadata = { INSTANCE_IPS: '10.0.0.1,fd00::1,fd00:0:0::2' };
  const proxy = proxyOf(toBinary(NodeSchema, create(NodeSchema, { id, metadata })), { domainSuffix: 'cluster.local' });
  expect(proxy).toMatchObject({ ok: true, value: { id, addresses: ['fd00::1', '10.0.0.1', 'fd00::2'] } });
});

describe('a node that is too large', () => {
  const read = (node: object, limits = defaultNodeLimits) =>
    proxyOf(toBinary(NodeSchema, create(NodeSchema, { id: 'n', ...node })), { domainSuffix: 'cluster.local', limits });
  const labels = (count: number, value = 'x') =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`label-${index}`, value]));
  const long = 'x'.repeat(1_025);

  for (const { name, node, says } of [
    {
      name: 'its id',
      node: { id: long },
      says: 'node.id has 1025 bytes: 1024 is the most (xds.limits.maxNodeFieldBytes)',
    },
    { name: 'a part of its locality', node: { locality: { zone: long } }, says: 'node.locality has 1025 bytes' },
    { name: 'its agent', node: { userAgentName: long }, says: 'node.user_agent_name has 1025 bytes' },
    { name: 'a name in metadata', node: { metadata: { NAMESPACE: long } }, says: 'node.metadata.NAMESPACE has 1025' },
    { name: 'the value of a label', node: { metadata: { LABELS: { app: long } } }, says: 'LABELS["app"] has 1025' },
    {
      name: 'the key of a label',
      node: { metadata: { LABELS: { [long]: '' } } },
      says: 'a key of node.metadata.LABELS',
    },
    {
      name: 'the number of labels',
      node: { metadata: { LABELS: labels(257) } },
      says: 'node.metadata.LABELS has more than 256 labels: 256 is the most (xds.limits.maxNodeLabels)',
    },
    {
      name: 'all of its labels together',
      node: { metadata: { LABELS: labels(50, 'x'.repeat(1_000)) } },
      says: 'node has more than 32768 bytes up to',
    },
  ]) {
    it(`is rejected with the field and its limit: ${name}`, () => {
      expect(read(node)).toEqual({ ok: false, error: expect.stringContaining(says) });
    });
  }

  it('is measured by its stored fields: annotations and extensions may be as long as a message', () => {
    const extensions = Array.from({ length: 600 }, (_, index) => ({ name: `extension-${index}`, category: 'x' }));
    const metadata = { ANNOTATIONS: labels(500, long), LABELS: labels(256) };
    expect(read({ metadata, extensions }).ok).toBe(true);
  });

  it('is accepted with higher limits', () => {
    const limits = { maxNodeLabels: 1_000, maxNodeFieldBytes: 2_000, maxNodeBytes: 100_000 };
    expect(read({ metadata: { LABELS: labels(900), NAME: long } }, limits).ok).toBe(true);
  });
});
