import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, it, onTestFinished } from 'vitest';
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { typeUrls } from '../../src/proto/resource.ts';
import type { StreamingMethod } from '../../src/rpc/call.ts';
import { defaultLimits } from '../../src/rpc/limits.ts';
import { createRpcServer } from '../../src/rpc/server.ts';
import { describeWith } from '../support/describe-with.ts';
import { startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';

/** Measures the sizes of requests that docs/operations.md states. */
describeWith(['envoy'], 'the first message of Envoy', () => {
  it('with all its extensions is a small part of the message limit', async () => {
    const heard: Buffer[] = [];
    const method: StreamingMethod = {
      type: 'streaming',
      path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
      open: () => ({
        message: (bytes) => void heard.push(Buffer.from(bytes)),
        halfClosed: () => {},
        drained: () => {},
        closed: () => {},
      }),
    };
    const server = createRpcServer({ services: [method], clock: systemClock, log: silentLogger });
    onTestFinished(() => server.close());
    const { port } = await server.listen('127.0.0.1', 0);
    const bootstrap = sidecarBootstrap({ xdsPort: port, protocol: 'sotw', labels: { app: 'client', version: 'v1' } });
    const envoy = await startEnvoy({ bootstrap, waitReady: false });
    onTestFinished(() => envoy.stop());
    await eventually(() => heard.length > 0, { what: 'the first message' });
    const [first = Buffer.alloc(0)] = heard;
    const { node } = fromBinary(DiscoveryRequestSchema, first);
    expect(node?.extensions.length).toBeGreaterThan(400);
    expect(first.length).toBeLessThan(defaultLimits.maxReceiveBytes / 50);
  });
});

const names = (count: number) =>
  Array.from({ length: count }, (_, index) => `outbound|8080||service-${index}.namespace.svc.cluster.local`);

/** Returns the size of a subscription to `count` clusters, and of a delta client's initial versions. */
function sizes(count: number) {
  const resourceNames = names(count);
  const sotw = create(DiscoveryRequestSchema, { typeUrl: typeUrls.endpoint, resourceNames });
  const delta = create(DeltaDiscoveryRequestSchema, {
    typeUrl: typeUrls.endpoint,
    resourceNamesSubscribe: resourceNames,
    initialResourceVersions: Object.fromEntries(resourceNames.map((name) => [name, '0123456789abcdef'])),
  });
  return {
    sotw: toBinary(DiscoveryRequestSchema, sotw).length,
    delta: toBinary(DeltaDiscoveryRequestSchema, delta).length,
  };
}

it('10,000 names fit the message limit, also with their versions; 100,000 need the documented limit', () => {
  expect(sizes(10_000).delta).toBeLessThan(defaultLimits.maxReceiveBytes / 2);
  expect(sizes(100_000).delta).toBeLessThan(16 << 20);
  expect(sizes(100_000).sotw).toBeLessThan(8 << 20);
});
