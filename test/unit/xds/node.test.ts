import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { proxyOf } from '../../../src/xds/node.ts';

test('a node has its addresses in their one spelling, each once', () => {
  const id = 'sidecar~FD00:0::1~web.default~default.svc.cluster.local';
  const metadata = { INSTANCE_IPS: '10.0.0.1,fd00::1,fd00:0:0::2' };
  const proxy = proxyOf(toBinary(NodeSchema, create(NodeSchema, { id, metadata })), { domainSuffix: 'cluster.local' });
  expect(proxy).toMatchObject({ ok: true, value: { id, addresses: ['fd00::1', '10.0.0.1', 'fd00::2'] } });
});
