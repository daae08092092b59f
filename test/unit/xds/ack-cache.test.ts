import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { DiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { typeUrls } from '../../../src/proto/resource.ts';
import { bytesField } from '../../../src/proto/wire.ts';
import { ackCandidate, receiveKnownAck, rememberAck } from '../../../src/xds/recognition/ack-cache.ts';
import type { StreamState } from '../../../src/xds/stream/stream.ts';
import type { Response } from '../../../src/xds/wire/response.ts';
import { ask, Server } from '../../support/conversation.ts';

const names = Array.from({ length: 100 }, (_, index) => `outbound|80||service-${index}.test`);

/** The bytes of an acknowledgement, as a client writes them that repeats its names. */
const acknowledgement = ({ label: { version, nonce } }: Response) =>
  Buffer.from(
    toBinary(
      DiscoveryRequestSchema,
      create(DiscoveryRequestSchema, {
        versionInfo: version,
        resourceNames: [...names],
        typeUrl: typeUrls.endpoint,
        responseNonce: nonce,
      }),
    ),
  );

function sent(server: Server, stream: StreamState): Response {
  const response = server.next(stream);
  if (response === null) throw new Error('nothing was sent');
  return response;
}

/** Two streams that subscribed to the same names and acknowledged the first response: one by its bytes, one by learning. */
function twoStreams() {
  const server = new Server();
  server.commit({ endpoint: Object.fromEntries(names.map((name) => [name, '1'])) });
  const [first, second] = [server.connect('sotw'), server.connect('sotw')];
  for (const stream of [first, second]) ask(server, stream, 'endpoint', { names });
  const response = sent(server, first);
  expect(sent(server, second)).toBe(response);
  const bytes = acknowledgement(response);
  ask(server, first, 'endpoint', { names, nonce: response.nonce });
  rememberAck(response, first.types.get('endpoint'), bytes);
  return { server, first, second, response, bytes };
}

describe('an acknowledgement in the cache', () => {
  it('is recognised from another stream that was sent the same response', () => {
    const { server, second, response, bytes } = twoStreams();
    const known = ackCandidate(second, bytes.length);
    expect(Buffer.concat(known?.parts ?? [])).toEqual(bytes);
    expect(known === null ? null : receiveKnownAck(second, known, server.context)).toMatchObject({
      kind: 'acknowledged',
      response,
    });
    expect(second.types.get('endpoint')?.inFlight).toBeNull();
  });

  it('predicts that of the next response before any stream has sent it', () => {
    const { server, first, second, bytes } = twoStreams();
    const known = ackCandidate(second, bytes.length);
    if (known !== null) receiveKnownAck(second, known, server.context);
    server.commit({ endpoint: { [names[7] ?? '']: '2' } });
    const next = sent(server, first);
    const expected = acknowledgement(next);
    expect(Buffer.concat(ackCandidate(first, expected.length)?.parts ?? [])).toEqual(expected);
  });

  it('needs little further memory for each unanswered response', () => {
    const { server, first, second, bytes } = twoStreams();
    const known = ackCandidate(second, bytes.length);
    if (known !== null) receiveKnownAck(second, known, server.context);
    const long = ['2', '3'].map((content) => {
      server.commit({ endpoint: { [names[7] ?? '']: content } });
      const response = sent(server, first);
      const expected = ackCandidate(first, acknowledgement(response).length);
      if (expected !== null) receiveKnownAck(first, expected, server.context);
      return expected?.parts.find(({ length }) => length > 1_000);
    });
    expect(long[0]).toBeDefined();
    expect(long[1]?.buffer).toBe(long[0]?.buffer); // the same memory
    expect(long[1]?.byteOffset).toBe(long[0]?.byteOffset);
  });

  it('is not expected from a stream with other names', () => {
    const { server, first, second, bytes } = twoStreams();
    const known = ackCandidate(second, bytes.length);
    if (known !== null) receiveKnownAck(second, known, server.context);
    ask(server, second, 'endpoint', {
      names: names.slice(1),
      nonce: second.types.get('endpoint')?.inFlight?.nonce ?? '',
    });
    server.commit({ endpoint: { [names[7] ?? '']: '2' } });
    const expected = acknowledgement(sent(server, first));
    sent(server, second);
    expect(Buffer.concat(ackCandidate(first, expected.length)?.parts ?? [])).toEqual(expected);
    expect(ackCandidate(second, expected.length)).toBeNull();
  });

  it('is not stored if it is longer than its names explain, nor expected for later responses', () => {
    const server = new Server();
    server.commit({ endpoint: Object.fromEntries(names.map((name) => [name, '1'])) });
    const [hostile, other] = [server.connect('sotw'), server.connect('sotw')];
    for (const stream of [hostile, other]) ask(server, stream, 'endpoint', { names });
    const response = sent(server, hostile);
    sent(server, other);
    const padded = Buffer.concat([acknowledgement(response), bytesField(1_000, new Uint8Array(1 << 20))]);
    ask(server, hostile, 'endpoint', { names, nonce: response.nonce });
    rememberAck(response, hostile.types.get('endpoint'), padded);
    expect(ackCandidate(other, padded.length)).toBeNull();

    ask(server, other, 'endpoint', { names, nonce: response.nonce });
    server.commit({ endpoint: { [names[7] ?? '']: '2' } });
    const next = sent(server, other);
    ackCandidate(other, padded.length);
    expect(next.knownAcks).toEqual([]);
  });

  it('keeps its own small buffer, not that of a socket read', () => {
    const server = new Server();
    server.commit({ endpoint: Object.fromEntries(names.map((name) => [name, '1'])) });
    const stream = server.connect('sotw');
    ask(server, stream, 'endpoint', { names });
    const response = sent(server, stream);
    const bytes = acknowledgement(response);
    const read = Buffer.concat([new Uint8Array(50_000), bytes]);
    ask(server, stream, 'endpoint', { names, nonce: response.nonce });
    rememberAck(response, stream.types.get('endpoint'), read.subarray(50_000));
    const kept = [...(response.knownAcks[0]?.parts ?? []), stream.types.get('endpoint')?.interest?.acknowledgement];
    expect(kept.map((part) => part?.buffer.byteLength)).toEqual([bytes.length, bytes.length]);
  });
});
