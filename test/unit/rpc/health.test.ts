import { describe, expect, it } from 'vitest';
import { frame } from '../../../src/rpc/frame.ts';
import { type HealthSource, healthService, type ServingStatus } from '../../../src/rpc/services/health.ts';
import { healthDescriptor } from '../../../src/rpc/services/health-descriptor.ts';
import { protoFile } from '../../../src/rpc/services/messages.ts';
import { eventually } from '../../support/eventually.ts';
import { answerOf, grpcHeaders, rawClient, serveMethods } from './harness.ts';

const proto = protoFile(healthDescriptor);
const request = (service: string) => Buffer.concat(frame([proto.message('HealthCheckRequest').encode({ service })]));
const path = (method: string) => `/grpc.health.v1.Health/${method}`;

/** Serves health with a status that the test sets. */
async function served() {
  let status: ServingStatus = 'NOT_SERVING';
  const listeners = new Set<() => void>();
  const draining = new AbortController();
  const source: HealthSource = {
    services: ['', 'envoy.Ads'],
    status: () => status,
    subscribe(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    draining: draining.signal,
  };
  const { port } = await serveMethods(healthService(source).methods);
  const set = (now: ServingStatus) => {
    status = now;
    for (const changed of listeners) changed();
  };
  const ask = (method: string, service: string, bytes = request(service)) => {
    const stream = rawClient(port).request({ ...grpcHeaders, ':path': path(method) });
    const answer = answerOf(stream);
    stream.end(bytes);
    return { stream, answer };
  };
  return { set, ask, listeners, draining };
}

const statusIn = (body: Buffer) => proto.message('HealthCheckResponse').decode(body.subarray(5)).status;

describe('grpc.health.v1.Health', () => {
  it('reports the status of the server and its services', async () => {
    const { set, ask } = await served();
    expect(statusIn((await ask('Check', '').answer).body)).toBe('NOT_SERVING');
    set('SERVING');
    expect(statusIn((await ask('Check', 'envoy.Ads').answer).body)).toBe('SERVING');
  });

  it('does not know other services', async () => {
    const { ask } = await served();
    expect((await ask('Check', 'envoy.Nothing').answer).headers).toMatchObject({ 'grpc-status': '5' });
  });

  it('lists them', async () => {
    const { ask } = await served();
    const { body } = await ask('List', '').answer;
    expect(proto.message('HealthListResponse').decode(body.subarray(5))).toEqual({
      statuses: { '': { status: 'NOT_SERVING' }, 'envoy.Ads': { status: 'NOT_SERVING' } },
    });
  });

  it('sends a watch each change once, and NOT_SERVING at the drain, and ends it', async () => {
    const { set, ask, listeners, draining } = await served();
    const { stream, answer } = ask('Watch', '');
    const told: unknown[] = [];
    stream.on('data', (chunk: Buffer) => told.push(statusIn(chunk)));
    await eventually(() => told.length === 1, { what: 'the first status' });
    set('NOT_SERVING');
    set('SERVING');
    await eventually(() => told.length === 2, { what: 'the second status' });
    set('SERVING');
    draining.abort();
    expect((await answer).trailers).toMatchObject({ 'grpc-status': '14' });
    expect(told).toEqual(['NOT_SERVING', 'SERVING', 'NOT_SERVING']);
    await eventually(() => listeners.size === 0, { what: 'the watch is forgotten' });
  });

  it('keeps a watch of an unknown service', async () => {
    const { ask, listeners } = await served();
    const { stream } = ask('Watch', 'envoy.Nothing');
    const first = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
    expect(statusIn(first)).toBe('SERVICE_UNKNOWN');
    stream.close(8);
    await eventually(() => listeners.size === 0, { what: 'the watch is forgotten' });
  });

  it('rejects an invalid request', async () => {
    const { ask } = await served();
    const cutShort = Buffer.from([0x0a, 200]); // announces a text of 200 bytes that does not follow
    const { answer } = ask('Check', '', Buffer.concat(frame([cutShort])));
    expect((await answer).headers).toMatchObject({ 'grpc-status': '3' });
  });
});
