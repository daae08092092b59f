import { status } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { namedTypeUrls, typeRows, typeUrls, type XdsType } from '../../../src/proto/resource.ts';
import { syncz } from '../../../src/telemetry/debug/client-views.ts';
import type { Mode } from '../../../src/xds/wire/response.ts';
import { openAds } from '../../support/ads-client.ts';
import { callOnce, openCall } from '../../support/call.ts';
import { eventually } from '../../support/eventually.ts';
import { type HandFilledPlane, httpListener, startHandFilledPlane } from '../../support/hand-filled-plane.ts';

const delta = { request: DeltaDiscoveryRequestSchema, response: DeltaDiscoveryResponseSchema };
const sotw = { request: DiscoveryRequestSchema, response: DiscoveryResponseSchema };

/** A stream of either mode that asks by names alone, and acknowledges nothing. */
function openNamed(path: string, mode: Mode) {
  const ofSotw = mode === 'sotw' ? openCall(plane.xdsPort, path, sotw) : null;
  const ofDelta = mode === 'delta' ? openCall(plane.xdsPort, path, delta) : null;
  return {
    heard: ofSotw?.heard ?? ofDelta?.heard ?? [],
    ask({ id, typeUrl = '', names = [] }: { id?: string; typeUrl?: string; names?: string[] }) {
      const head = { typeUrl, ...(id === undefined ? {} : { node: { id } }) };
      ofSotw?.say({ ...head, resourceNames: names });
      ofDelta?.say({ ...head, resourceNamesSubscribe: names });
    },
  };
}

const services = [
  { type: 'cluster', service: 'envoy.service.cluster.v3.ClusterDiscoveryService', plural: 'Clusters', short: 'CDS' },
  {
    type: 'endpoint',
    service: 'envoy.service.endpoint.v3.EndpointDiscoveryService',
    plural: 'Endpoints',
    short: 'EDS',
  },
  {
    type: 'listener',
    service: 'envoy.service.listener.v3.ListenerDiscoveryService',
    plural: 'Listeners',
    short: 'LDS',
  },
  { type: 'route', service: 'envoy.service.route.v3.RouteDiscoveryService', plural: 'Routes', short: 'RDS' },
] satisfies { type: XdsType; service: string; plural: string; short: string }[];

const vhds = '/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts';
const sds = '/envoy.service.secret.v3.SecretDiscoveryService';

let plane: HandFilledPlane;
beforeEach(async () => {
  plane = await startHandFilledPlane();
  onTestFinished(() => plane.stop());
  plane.put({
    cluster: { a: '{}', b: '{}' },
    endpoint: { a: '{}', b: '{}' },
    listener: { a: httpListener('a'), b: httpListener('b') },
    route: { a: hosts({ shop: ['shop.test', 'shop'], rest: ['*'] }), b: '{}' },
  });
});

const hosts = (virtualHosts: Readonly<Record<string, readonly string[]>>) =>
  JSON.stringify({ virtual_hosts: Object.entries(virtualHosts).map(([name, domains]) => ({ name, domains })) });

async function synczOf() {
  const report = syncz(plane.coordinator).read({});
  if (!report.ok) throw new Error(report.error.message);
  return JSON.parse([...report.value].join(''));
}

for (const { type, service, plural, short } of services) {
  describe(`the service of ${short}`, () => {
    for (const [mode, method] of [
      ['sotw', `Stream${plural}`],
      ['delta', `Delta${plural}`],
    ] as const) {
      const path = `/${service}/${method}`;

      it(`${method} serves its type with all changes`, async () => {
        const stream = openAds(plane.xdsPort, { mode, path });
        const first = await stream.subscribe(type, ['a']);
        expect([...first.resources.keys()]).toEqual(['a']);
        const next = stream.next(type);
        plane.put({ [type]: { a: type === 'listener' ? httpListener('a', 1) : changed[type] } });
        expect([...(await next).resources.keys()]).toEqual(['a']);
        expect((await synczOf()).map(({ service: called }: { service: string }) => called)).toEqual([short]);
      });

      it(`${method} accepts a request without a type URL as its own type`, async () => {
        const call = openNamed(path, mode);
        call.ask({ id: 'n', names: ['b'] });
        await eventually(() => call.heard.length === 1, { what: 'an answer' });
        expect(call.heard[0]).toMatchObject({ typeUrl: typeUrls[type], controlPlane: { identifier: 'by hand' } });
      });

      it(`${method} rejects another type`, async () => {
        const other = type === 'cluster' ? typeUrls.listener : typeUrls.cluster;
        const stream = openAds(plane.xdsPort, { mode, path });
        stream.ask(other);
        const details = `${short} serves ${typeUrls[type]} and not "${other}": ask the service of that type, or the AggregatedDiscoveryService for all types`;
        expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT, details });
      });
    }
  });
}

const changed = { cluster: '{"connect_timeout": "9s"}', endpoint: '{"policy": {}}', route: hosts({ other: ['*'] }) };

for (const [service, plural] of [
  [sds, 'Secrets'],
  ['/envoy.service.extension.v3.ExtensionConfigDiscoveryService', 'ExtensionConfigs'],
] as const) {
  it(`Fetch${plural}, a type without fetch, names the alternative`, async () => {
    const answer = await callOnce(plane.xdsPort, `${service}/Fetch${plural}`, { ...sotw, init: {} });
    const details = `Fetch${plural} is not served: use Stream${plural} or Delta${plural}, or the AggregatedDiscoveryService (api_type GRPC, DELTA_GRPC)`;
    expect(answer).toMatchObject({ code: status.UNIMPLEMENTED, details });
  });
}

for (const mode of ['sotw', 'delta'] as const) {
  it(`a client that subscribes to too many names gets an error, and others are still served (${mode})`, async () => {
    const names = Array.from({ length: 100_001 }, (_, index) => `c${index}`);
    const stream = openAds(plane.xdsPort, { mode });
    stream.subscribe('endpoint', names).catch(() => {});
    const details = 'more than 100000 names of one type on one stream (xds.limits.maxNamesPerType)';
    expect(await stream.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details });
    const other = openAds(plane.xdsPort, { mode });
    expect([...(await other.subscribe('endpoint', ['a'])).resources.keys()]).toEqual(['a']);
  });
}

describe('clients with equal long subscriptions', () => {
  const others = (letter: string) => Array.from({ length: 200 }, (_, index) => `${letter}-${index}`);
  for (const mode of ['sotw', 'delta'] as const) {
    it(`each get their own subscriptions (${mode})`, async () => {
      const asked = [
        [...others('x'), 'a'],
        [...others('x'), 'a'], // the same bytes
        [...others('x'), 'b'], // as many
        [...others('y'), 'a'],
      ];
      for (const names of asked) {
        const stream = openAds(plane.xdsPort, { mode });
        await stream.subscribe('cluster', []); // the node goes with the first request alone
        const { resources } = await stream.subscribe('endpoint', names);
        expect([...resources.keys()].sort()).toEqual(names.toSorted()); // the others are told to be empty
      }
      const wanted = [...plane.coordinator.clients].map(({ stream }) => stream.types.get('endpoint')?.names.names);
      expect(wanted).toEqual(asked);
      expect(wanted[0]).toBe(wanted[1]); // one list for both
    });
  }
});

describe('the streams of one client', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    it(`a later node with another id changes nothing, and is logged once (${mode})`, async () => {
      const call = openNamed(servicePath(mode), mode);
      for (const id of ['one', 'other', 'other']) call.ask({ id, typeUrl: typeUrls.cluster });
      await eventually(() => call.heard.length === 1 && plane.warnings.length > 0, { what: 'the answer' });
      call.ask({ id: 'other', typeUrl: typeUrls.cluster, names: ['c'] });
      await eventually(() => [...plane.coordinator.clients][0]?.stream.types.get('cluster')?.names.has('c'), {
        what: 'the last request',
      });
      expect([...plane.coordinator.clients].map(({ proxy }) => proxy.id)).toEqual(['one']);
      expect(plane.warnings.map(([message]) => message)).toEqual(['another node id on the same stream ignored']);
    });

    it(`a first request without a node gets an error with the remedy (${mode})`, async () => {
      const stream = openAds(plane.xdsPort, { mode, nodeId: null });
      stream.ask(typeUrls.cluster);
      expect(await stream.ended).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: 'the first request must carry node.id: give the client one ("binnacle bootstrap" writes it)',
      });
    });
  }

  it('are served and shown separately, even with the same node id', async () => {
    const streams = [openAds(plane.xdsPort), openAds(plane.xdsPort), openAds(plane.xdsPort, { mode: 'delta' })];
    for (const stream of streams) expect((await stream.subscribe('cluster')).resources.size).toBe(2);
    const next = streams.map((stream) => stream.next('cluster'));
    plane.put({ cluster: { c: '{}' } });
    for (const response of await Promise.all(next)) expect(response.resources.keys()).toContain('c');
    const shown: { proxy: string; connectionId: string }[] = await synczOf();
    expect(new Set(shown.map(({ proxy }) => proxy)).size).toBe(1);
    expect(new Set(shown.map(({ connectionId }) => connectionId)).size).toBe(3);
  });

  it('assignments of changed clusters on one stream are sent again on the stream that subscribes to them', async () => {
    const clusters = openAds(plane.xdsPort, { path: `/${services[0]?.service}/DeltaClusters`, mode: 'delta' });
    const endpoints = openAds(plane.xdsPort, { mode: 'delta' });
    const stranger = openAds(plane.xdsPort, { mode: 'delta', nodeId: 'stranger' });
    await clusters.subscribe('cluster');
    for (const stream of [endpoints, stranger]) await stream.subscribe('endpoint', ['a', 'b']);
    const isAnswered = () => [...plane.coordinator.clients][0]?.stream.types.get('cluster')?.inFlight === null;
    await eventually(isAnswered, { what: 'the acknowledgement' });
    const next = endpoints.next('endpoint');
    plane.put({ cluster: { a: '{"connect_timeout": "9s"}' } });
    expect([...(await next).resources.keys()]).toEqual(['a']);
    const others = stranger.next('endpoint');
    plane.put({ endpoint: { b: '{"policy": {}}' } });
    expect([...(await others).resources.keys()]).toEqual(['b']);
    expect(stranger.responses).toHaveLength(2);
  });
});

const servicePath = (mode: Mode) =>
  `/envoy.service.discovery.v3.AggregatedDiscoveryService/${mode === 'sotw' ? 'Stream' : 'Delta'}AggregatedResources`;

describe.each(['secret', 'extension'] as const)('the table of the type %s', (type) => {
  const content = type === 'secret' ? '{"generic_secret":{"secret":{"inline_string":"x"}}}' : '{"typed_config":null}';
  for (const mode of ['sotw', 'delta'] as const) {
    const { service, plural } = typeRows[type];
    for (const path of [servicePath(mode), `/${service}/${mode === 'sotw' ? 'Stream' : 'Delta'}${plural}`]) {
      it(`is served over ${path.slice(path.lastIndexOf('/') + 1)}: existing resources at once, others when they are created, without removals`, async () => {
        plane.put({ [type]: { there: content } });
        await plane.coordinator.flush();
        const stream = openAds(plane.xdsPort, { mode, path });
        const first = await stream.subscribe(type, ['there', 'later']);
        expect([...first.resources.keys()]).toEqual(['there']);
        const next = stream.next(type);
        plane.put({ [type]: { there: null } });
        await plane.coordinator.flush();
        plane.put({ [type]: { later: content } });
        const second = await next;
        expect([[...second.resources.keys()], second.removed ?? []]).toEqual([['later'], []]);
      });
    }
  }
});

describe('secrets and extensions that do not exist', () => {
  for (const { type, base, plural } of [
    { type: 'secret', base: sds, plural: 'Secrets' },
    {
      type: 'extension',
      base: '/envoy.service.extension.v3.ExtensionConfigDiscoveryService',
      plural: 'ExtensionConfigs',
    },
  ] as const) {
    for (const { name, path, mode } of [
      { name: 'its own stream', path: `${base}/Stream${plural}`, mode: 'sotw' },
      { name: 'its own delta stream', path: `${base}/Delta${plural}`, mode: 'delta' },
      { name: 'ADS', path: servicePath('sotw'), mode: 'sotw' },
      { name: 'delta ADS', path: servicePath('delta'), mode: 'delta' },
    ] as const) {
      it(`${type} by ${name}: they are not answered, but reported once, and the stream continues`, async () => {
        const call = openNamed(path, mode);
        for (let time = 0; time < 2; time++) call.ask({ id: 'n', typeUrl: typeUrls[type], names: ['default'] });
        const state = async () => (await synczOf())[0]?.types[type];
        await eventually(async () => (await state())?.state === 'UNANSWERED', { what: 'the report' });
        expect(await state()).toMatchObject({ state: 'UNANSWERED', unanswered: ['default'], lastNack: null });
        expect(plane.warnings).toEqual([['nothing to serve by these names', { proxy: 'n', type, names: ['default'] }]]);
        expect(call.heard).toEqual([]);
        if (!path.includes('Aggregated')) return;
        call.ask({ typeUrl: typeUrls.cluster });
        await eventually(() => call.heard.length === 1, { what: 'the clusters' });
      });
    }
  }
});

describe('virtual hosts', () => {
  for (const path of [vhds, servicePath('delta')]) {
    it(`are found in the route configurations, updated and removed (${path.slice(path.lastIndexOf('/') + 1)})`, async () => {
      const call = openCall(plane.xdsPort, path, delta);
      const typeUrl = namedTypeUrls['virtual-host'];
      let heard = 0;
      const answer = async () => {
        await eventually(() => call.heard.length > heard, { what: 'an answer' });
        const response = call.heard[heard++];
        if (response === undefined) throw new Error('nothing was heard');
        call.say({ typeUrl, responseNonce: response.nonce });
        const said = response.resources.map(({ name, aliases, resource }) => [
          name,
          aliases.join(),
          resource !== undefined,
        ]);
        return { said, removed: response.removedResources };
      };
      call.say({ node: { id: 'n' }, typeUrl });
      expect(await answer()).toEqual({ said: [], removed: ['a/', 'b/'] });
      call.say({ typeUrl, resourceNamesSubscribe: ['a/shop', 'a/shop.test', 'b/shop', 'none/shop'] });
      expect(await answer()).toEqual({
        said: [
          ['a/#shop', 'a/shop,a/shop.test', true],
          ['b/shop', 'b/shop', false],
          ['none/shop', 'none/shop', false],
        ],
        removed: [],
      });
      plane.put({ route: { a: hosts({ rest: ['*'] }) } });
      expect(await answer()).toEqual({
        said: [
          ['a/#rest#shop', 'a/shop', true],
          ['a/#rest#shop.test', 'a/shop.test', true],
        ],
        removed: ['a/#shop'],
      });
      call.say({ typeUrl, resourceNamesUnsubscribe: ['a/shop'] });
      const asked = () => [...plane.coordinator.clients][0]?.named?.states.get('virtual-host')?.names;
      await eventually(() => asked()?.size === 3, { what: 'one name less' });
      plane.put({ route: { a: null } });
      expect(await answer()).toEqual({
        said: [['a/shop.test', 'a/shop.test', false]],
        removed: ['a/#rest#shop', 'a/#rest#shop.test'],
      });
      expect(await plane.metrics()).toContain('binnacle_pushes_total{type="virtual-host"} 4\n');

      call.say({ typeUrl, resourceNamesSubscribe: ['b/other'] });
      await eventually(() => call.heard.length > heard, { what: 'an answer' });
      const errorDetail = { code: 3, message: 'no such host' };
      call.say({ typeUrl, responseNonce: call.heard[heard]?.nonce ?? '', errorDetail });
      await eventually(() => plane.rejections.length > 0, { what: 'the rejection' });
      expect(await plane.metrics()).toContain('binnacle_nacks_total{type="virtual-host"} 1\n');
    });
  }
});

describe('a client whose node is too large', () => {
  const init = { node: { id: 'n'.repeat(2_000) }, typeUrl: typeUrls.cluster };
  const refusal = {
    code: status.INVALID_ARGUMENT,
    details: 'node.id has 2000 bytes: 1024 is the most (xds.limits.maxNodeFieldBytes)',
  };

  it('gets an error with the field, and is not connected', async () => {
    const call = openCall(
      plane.xdsPort,
      '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
      sotw,
    );
    call.say(init);
    expect(await call.ended).toMatchObject(refusal);
    expect(plane.coordinator.clients.size).toBe(0);
  });

  it('gets the same error when it fetches', async () => {
    const path = '/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters';
    expect(await callOnce(plane.xdsPort, path, { ...sotw, init })).toMatchObject(refusal);
  });
});

describe('repeated actions of clients', () => {
  it('are logged up to the limit of their address', async () => {
    const bounded = await startHandFilledPlane({ logLinesPerPeer: { burst: 5, perSecond: 0 } });
    onTestFinished(() => bounded.stop());
    const call = openCall(bounded.xdsPort, `${sds}/DeltaSecrets`, delta);
    for (let time = 0; time < 20; time++) {
      call.say({ node: { id: 'n' }, resourceNamesSubscribe: [`secret-${time}`] });
    }
    call.halfClose();
    expect(await call.ended).toMatchObject({ code: status.OK });
    expect(bounded.warnings.map(([message]) => message)).toEqual(Array(5).fill('nothing to serve by these names'));
  });
});
