import { Readable } from 'node:stream';
import { toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ClientResourceStatus } from '#gen/envoy/admin/v3/config_dump_shared_pb.js';
import {
  ClientStatusRequestSchema,
  type ClientStatusResponse,
  ClientStatusResponseSchema,
  ConfigStatus,
} from '#gen/envoy/service/status/v3/csds_pb.js';
import { typeUrls } from '../../../src/proto/resource.ts';
import { defaultAccess, requireAccess } from '../../../src/push/client-status/access.ts';
import { clientStatusMethods } from '../../../src/push/client-status/methods.ts';
import { configDump } from '../../../src/telemetry/debug/config-dump.ts';
import { type AdsStream, openAds } from '../../support/ads-client.ts';
import { callOnce, openCall } from '../../support/call.ts';
import { eventually } from '../../support/eventually.ts';
import { type HandFilledPlane, startHandFilledPlane } from '../../support/hand-filled-plane.ts';

const messages = { request: ClientStatusRequestSchema, response: ClientStatusResponseSchema };
const service = '/envoy.service.status.v3.ClientStatusDiscoveryService';

let plane: HandFilledPlane;
beforeEach(async () => {
  plane = await startHandFilledPlane();
  onTestFinished(() => plane.stop());
  plane.put({ cluster: { a: '{}', b: '{}' }, endpoint: { a: '{}' } });
});

const ask = (init: object = {}) => callOnce(plane.xdsPort, `${service}/FetchClientStatus`, { ...messages, init });
const fetched = async (init: object = {}): Promise<ClientStatusResponse> => {
  const answer = await ask(init);
  if (answer instanceof Error) throw answer;
  return answer;
};
const byId = (...matchers: object[]) => ({ nodeMatchers: matchers.map((nodeId) => ({ nodeId })) });
const matching = (name: string, value: unknown, ignoreCase = false) => ({
  matchPattern: { case: name, value },
  ignoreCase,
});

/** `type name version status`, a line for each resource of the first client. */
async function lines(init: object = {}): Promise<string[]> {
  const [client] = (await fetched(init)).config;
  const resources = client?.genericXdsConfigs ?? [];
  return resources.map(({ typeUrl, name, configStatus, clientStatus, errorState }) => {
    const type = typeUrl.slice(typeUrl.lastIndexOf('.') + 1);
    const error = errorState === undefined ? [] : [errorState.details];
    return [type, name, ConfigStatus[configStatus], ClientResourceStatus[clientStatus], ...error].join(' ');
  });
}

const acknowledged = (stream: AdsStream) =>
  eventually(
    () =>
      [...plane.coordinator.clients].every(({ stream: { types } }) =>
        types.values().every(({ inFlight }) => inFlight === null),
      ),
    {
      what: `the answers of ${stream.responses.length} responses`,
    },
  );

describe('the client status', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    it(`lists every resource with its sent version and its status (${mode})`, async () => {
      const verdicts = new Map<string, string | null | undefined>([['cluster', null]]);
      const stream = openAds(plane.xdsPort, { mode, answer: ({ type }) => verdicts.get(type) });
      await stream.subscribe('cluster');
      await stream.subscribe('endpoint', ['a', 'none']);
      await eventually(async () => (await lines()).length === 4, { what: 'all resources' });
      expect((await lines()).sort()).toEqual([
        'Cluster a SYNCED ACKED',
        'Cluster b SYNCED ACKED',
        'ClusterLoadAssignment a STALE REQUESTED',
        'ClusterLoadAssignment none NOT_SENT DOES_NOT_EXIST',
      ]);
      verdicts.set('cluster', 'a is bad');
      const next = stream.next('cluster');
      plane.put({ cluster: { a: '{"connect_timeout": "9s"}' }, endpoint: { a: '{"policy": {}}' } });
      await next;
      await eventually(async () => (await lines()).some((line) => line.includes('ERROR')), { what: 'the rejection' });
      expect((await lines()).filter((line) => line.includes(' a '))).toEqual([
        'Cluster a ERROR NACKED a is bad',
        'ClusterLoadAssignment a STALE REQUESTED',
      ]);
    });
  }

  it('shows contents and versions, or omits them on request', async () => {
    const stream = openAds(plane.xdsPort, { mode: 'delta' });
    await stream.subscribe('cluster', ['a']);
    await acknowledged(stream);
    for (const excludeResourceContents of [false, true]) {
      const [client] = (await fetched({ excludeResourceContents })).config;
      const body = stream.has.cluster.get('a');
      expect(client?.genericXdsConfigs).toMatchObject([
        { typeUrl: typeUrls.cluster, name: 'a', versionInfo: stream.versions.cluster.get('a') },
      ]);
      const contents = client?.genericXdsConfigs[0]?.xdsConfig;
      expect(contents && Buffer.from(contents.value)).toEqual(
        excludeResourceContents ? undefined : Buffer.from(body ?? []),
      );
    }
  });

  it("shows the client's identity, and each stream of one node separately", async () => {
    const streams = [
      openAds(plane.xdsPort, { nodeId: 'n', labels: { app: 'shop' } }),
      openAds(plane.xdsPort, { nodeId: 'n', path: '/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters' }),
    ];
    for (const stream of streams) await stream.subscribe('cluster');
    const { config } = await fetched();
    expect(config.map(({ node }) => node?.id)).toEqual(['n', 'n']);
    expect(config.map(({ clientScope }) => clientScope.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
      'ADS sotw',
      'CDS sotw',
    ]);
    expect(config[0]?.node?.metadata).toMatchObject({ NAMESPACE: 'default', LABELS: { app: 'shop' } });
  });

  it('lists the secrets of each client without their contents, as the config dump does', async () => {
    plane.put({ secret: { key: '{"generic_secret":{"secret":{"inline_string":"hidden"}}}' } });
    await openAds(plane.xdsPort, { mode: 'delta' }).subscribe('secret', ['key']);
    await eventually(async () => (await lines()).join() === 'Secret key SYNCED ACKED', { what: 'the acknowledgement' });
    const [client] = (await fetched()).config;
    expect(client?.genericXdsConfigs.map(({ name, xdsConfig }) => [name, xdsConfig])).toEqual([['key', undefined]]);
    const [{ id = '' } = {}] = [...plane.coordinator.clients].map(({ proxy }) => proxy);
    const dump = configDump(plane.coordinator).read({ proxyID: id });
    const text = dump.ok ? [...dump.value].join('') : '';
    expect(text).toContain('"name":"key"');
    expect(text).not.toContain('hidden');
  });

  it('shows subscribed names that do not exist', async () => {
    const stream = openAds(plane.xdsPort, { mode: 'delta' });
    stream.ask(typeUrls.secret);
    await eventually(() => plane.coordinator.clients.size === 1, { what: 'the client' });
    expect(await lines()).toEqual([]);
  });

  it('lists the clients that match one of the matchers', async () => {
    for (const nodeId of ['shop-1', 'shop-2', 'Cart-1']) await openAds(plane.xdsPort, { nodeId }).subscribe('cluster');
    for (const { matchers, want } of [
      { matchers: [], want: ['Cart-1', 'shop-1', 'shop-2'] },
      { matchers: [matching('exact', 'shop-1')], want: ['shop-1'] },
      { matchers: [matching('prefix', 'shop')], want: ['shop-1', 'shop-2'] },
      { matchers: [matching('suffix', '-1'), matching('exact', 'shop-2')], want: ['Cart-1', 'shop-1', 'shop-2'] },
      { matchers: [matching('contains', 'art')], want: ['Cart-1'] },
      { matchers: [matching('exact', 'CART-1')], want: [] },
      { matchers: [matching('exact', 'CART-1', true)], want: ['Cart-1'] },
      { matchers: [matching('safeRegex', { regex: 'shop-[2-9]' })], want: ['shop-2'] },
      { matchers: [matching('safeRegex', { regex: 'shop' })], want: [] },
    ]) {
      const { config } = await fetched(byId(...matchers));
      expect(config.map(({ node }) => node?.id).sort()).toEqual(want);
    }
  });

  it('rejects unsupported matchers with the reason', async () => {
    for (const { init, text } of [
      { init: byId(matching('safeRegex', { regex: '(' })), text: 'node_matchers: no regular expression of RE2' },
      { init: byId({}), text: 'node_matchers: node_id needs one of exact, prefix, suffix, contains and safe_regex' },
      {
        init: { nodeMatchers: [{ nodeMetadatas: [{}] }] },
        text: 'node_matchers: node_metadatas are not kept here: match by node_id',
      },
    ]) {
      const answer = await ask(init);
      expect(answer).toMatchObject({ code: status.INVALID_ARGUMENT });
      expect(answer).toHaveProperty('details', expect.stringContaining(text));
    }
  });

  it('answers every request on a stream, with an empty list when no client matches', async () => {
    await openAds(plane.xdsPort, { nodeId: 'n' }).subscribe('cluster');
    const call = openCall(plane.xdsPort, `${service}/StreamClientStatus`, messages);
    call.say({});
    call.say(byId(matching('exact', 'nobody')));
    await eventually(() => call.heard.length === 2, { what: 'both answers' });
    expect(call.heard.map(({ config }) => config.length)).toEqual([1, 0]);
    call.halfClose();
    expect(await call.ended).toMatchObject({ code: status.OK });
  });

  it('splits large answers into several responses, and names that method where only one is possible', async () => {
    const long = JSON.stringify({ alt_stat_name: 'x'.repeat(1 << 20) });
    plane.put({ cluster: { big: long, bigger: long } });
    for (const nodeId of ['one', 'two', 'three']) await openAds(plane.xdsPort, { nodeId }).subscribe('cluster');
    expect(await ask()).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details:
        'the answer would be larger than 4194304 bytes: narrow node_matchers, set exclude_resource_contents, or use StreamClientStatus',
    });
    expect((await fetched({ excludeResourceContents: true })).config).toHaveLength(3);
    const call = openCall(plane.xdsPort, `${service}/StreamClientStatus`, messages);
    call.say({});
    await eventually(() => call.heard.length === 3, { what: 'a response for each' });
    expect(call.heard.map(({ config }) => config[0]?.node?.id).sort()).toEqual(['one', 'three', 'two']);
  });

  it('lets other work run', async () => {
    plane.put({ cluster: Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`c${index}`, '{}'])) });
    await openAds(plane.xdsPort, { nodeId: 'n' }).subscribe('cluster');
    let pauses = 0;
    const methods = clientStatusMethods({ clients: plane.coordinator.clients, pause: async () => void pauses++ });
    const fetch = methods.find(({ path }) => path.endsWith('FetchClientStatus'));
    if (fetch?.type !== 'unary') throw new Error('no such method');
    await fetch.handle(
      toBinary(ClientStatusRequestSchema, {
        $typeName: ClientStatusRequestSchema.typeName,
        nodeMatchers: [],
        excludeResourceContents: true,
      }),
      { peer: '127.0.0.1:1', identity: null } as never, // what the handler reads of its call
    );
    expect(pauses).toBe(4);
  });

  for (const { name, matcher, says } of [
    {
      name: 'is long',
      matcher: { regex: '(a|b)'.repeat(600) },
      says: 'node_matchers: a regular expression may have 256 characters',
    },
    { name: 'has large counts', matcher: { regex: '\\pL{1000}' }, says: 'repeats too much' },
    { name: 'has nested counts', matcher: { regex: '((a{9}b{9}){9}c{9}){9}' }, says: 'repeats too much' },
  ]) {
    it(`rejects a regular expression that ${name}`, async () => {
      expect(await ask(byId(matching('safeRegex', matcher)))).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringContaining(says),
      });
    });
  }

  it('rejects too many matchers and too long requests', async () => {
    const matchers = Array.from({ length: 33 }, () => matching('exact', 'n'));
    expect(await ask(byId(...matchers))).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await ask(byId(matching('exact', 'n'.repeat(70_000))))).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'a ClientStatusRequest may have 65536 bytes',
    });
  });
});

describe('access to the client status', () => {
  const identity = (spiffeId: string) => ({ spiffeId, uris: [spiffeId], dnsNames: [], subject: '' });
  const admin = identity('spiffe://mesh/ns/ops/sa/admin');
  const access = { loopback: false, identities: ['spiffe://mesh/ns/ops/sa/admin', 'spiffe://mesh/ns/tools/*'] };
  const isRefused = (...call: Parameters<typeof requireAccess>) => {
    try {
      requireAccess(...call);
      return false;
    } catch (error) {
      expect(error).toMatchObject({ status: { code: 'PERMISSION_DENIED' } });
      return true;
    }
  };

  for (const { peer, of, allowed, refused } of [
    { peer: '127.0.0.1:4711', of: null, allowed: defaultAccess, refused: false },
    { peer: '[::1]:4711', of: null, allowed: defaultAccess, refused: false },
    { peer: '[::ffff:127.0.0.1]:4711', of: null, allowed: defaultAccess, refused: false },
    { peer: '10.0.0.1:4711', of: null, allowed: defaultAccess, refused: true },
    { peer: '10.0.0.1:4711', of: admin, allowed: defaultAccess, refused: true },
    { peer: '127.0.0.1:4711', of: null, allowed: access, refused: true },
    { peer: '10.0.0.1:4711', of: admin, allowed: access, refused: false },
    { peer: '10.0.0.1:4711', of: identity('spiffe://mesh/ns/tools/sa/x'), allowed: access, refused: false },
    { peer: '10.0.0.1:4711', of: identity('spiffe://mesh/ns/ops/sa/admin2'), allowed: access, refused: true },
  ]) {
    const name = `${of?.spiffeId ?? 'nobody'} from ${peer}${allowed === defaultAccess ? ' by default' : ''}`;
    it(`${refused ? 'rejects' : 'accepts'} ${name}`, () => {
      expect(isRefused({ peer, identity: of }, allowed)).toBe(refused);
    });
  }

  it('is checked with every call', async () => {
    const pause = async () => {};
    const methods = clientStatusMethods({ clients: plane.coordinator.clients, pause, access });
    const call = { peer: '127.0.0.1:1', identity: null } as never; // what the handlers read of their call
    for (const method of methods) {
      const answered =
        method.type === 'unary'
          ? method.handle(new Uint8Array(0), call)
          : method.type === 'bidi-streaming'
            ? method
                .handle(Readable.from([new Uint8Array(0)]), call)
                [Symbol.asyncIterator]()
                .next()
            : null;
      await expect(answered).rejects.toMatchObject({ status: { code: 'PERMISSION_DENIED' } });
    }
  });
});
