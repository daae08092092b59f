import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { DiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { silentLogger } from '../../../src/lib/logger.ts';
import { typeUrls } from '../../../src/proto/resource.ts';
import { DiscoveryStream } from '../../../src/push/discovery/discovery-stream.ts';
import { discoveryServices } from '../../../src/push/discovery/services.ts';
import type { ServerCall } from '../../../src/rpc/call.ts';
import { recognition } from '../../../src/xds/recognition/recognition.ts';
import { FakePush } from '../../support/fake-push.ts';

/** A stream of the service, and its call: what was written, and whether there is room. */
function openStream(short: string) {
  const push = new FakePush();
  push.compiler.put('scope', { cluster: { a: '1' } });
  const service = discoveryServices.find((one) => one.short === short);
  if (service === undefined) throw new Error(`there is no ${short}`);
  const written: (readonly Uint8Array[])[] = [];
  const call = {
    ...{ method: '', metadata: new Map(), peer: 'test', identity: null, acceptsGzip: false, writable: true },
    ...{ sendHeaders: () => {}, pause: () => {}, resume: () => {}, end: () => {} },
    writeFramed: (parts: readonly Uint8Array[]) => written.push(parts) > 0,
  };
  const stream = new DiscoveryStream(
    call as unknown as ServerCall, // of its metadata nothing is read
    { mode: 'sotw', service, recognition: recognition('sotw') },
    { coordinator: push.coordinator, log: silentLogger, awaited: () => [], domainSuffix: 'cluster.local' },
  );
  const say = async (request: MessageInitShape<typeof DiscoveryRequestSchema>) => {
    stream.message(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request)));
    await push.rest();
  };
  const clusters = () => [...push.coordinator.clients][0]?.stream.types.get('cluster');
  return { push, call, stream, written, say, clusters };
}

const node = { id: 'sidecar~10.0.0.1~client.default~default.svc.cluster.local' };

it('a client whose socket was full gets its response once there is room, without another event', async () => {
  const { push, call, stream, written, say } = openStream('ADS');
  call.writable = false;
  await say({ node, typeUrl: typeUrls.cluster });
  expect(written).toEqual([]);
  call.writable = true;
  stream.drained();
  await push.rest();
  expect(written).toHaveLength(1);
});

for (const { typeUrl, learned } of [
  { typeUrl: '', learned: 0 },
  { typeUrl: typeUrls.cluster, learned: 1 },
]) {
  it(`an acknowledgement ${learned === 0 ? 'without' : 'with'} its type URL means ${learned === 0 ? 'something else' : 'the same'} on other services`, async () => {
    const { say, clusters } = openStream('CDS');
    await say({ node, typeUrl });
    const sent = clusters()?.inFlight;
    await say({ typeUrl, versionInfo: sent?.label.version ?? '', responseNonce: sent?.nonce ?? '' });
    expect(clusters()?.answers.acked?.nonce).toBe(sent?.nonce);
    expect(sent?.knownAcks).toHaveLength(learned);
  });
}
