import { create, createRegistry, fromBinary, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.js';
import { HttpConnectionManagerSchema } from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { silentLogger } from '../../../src/lib/logger.ts';
import { typeUrls } from '../../../src/proto/resource.ts';
import { createFetch } from '../../../src/push/discovery/fetch.ts';
import { discoveryServices } from '../../../src/push/discovery/services.ts';
import { openAds, sidecarId } from '../../support/ads-client.ts';
import { callOnce } from '../../support/call.ts';
import type { Contents } from '../../support/conversation.ts';
import { FakePush } from '../../support/fake-push.ts';
import { type HandFilledPlane, httpListener, startHandFilledPlane } from '../../support/hand-filled-plane.ts';
import type { MeshType } from '../../support/mesh-types.ts';
import { discovery, restServer } from '../../support/rest.ts';

interface Service {
  readonly type: MeshType;
  readonly service: string;
  readonly plural: string;
}

const clusters: Service = {
  type: 'cluster',
  service: 'envoy.service.cluster.v3.ClusterDiscoveryService',
  plural: 'Clusters',
};
const endpoints: Service = {
  type: 'endpoint',
  service: 'envoy.service.endpoint.v3.EndpointDiscoveryService',
  plural: 'Endpoints',
};
const types: readonly Service[] = [
  clusters,
  endpoints,
  { type: 'listener', service: 'envoy.service.listener.v3.ListenerDiscoveryService', plural: 'Listeners' },
  { type: 'route', service: 'envoy.service.route.v3.RouteDiscoveryService', plural: 'Routes' },
];

const edsCluster = '{"type":"EDS","eds_cluster_config":{"eds_config":{"ads":{},"resource_api_version":"V3"}}}';
const contents = {
  cluster: { a: edsCluster, b: '{}', c: '{}' },
  endpoint: { a: '{}', b: '{}' },
  listener: { a: httpListener('a'), b: httpListener('b') },
  route: { a: '{"virtual_hosts":[{"name":"x","domains":["x"]}]}', b: '{}' },
} satisfies Contents;

let plane: HandFilledPlane;
beforeEach(async () => {
  plane = await startHandFilledPlane();
  onTestFinished(() => plane.stop());
  plane.put(contents);
});

const registry = createRegistry(
  ...[ClusterSchema, ClusterLoadAssignmentSchema, ListenerSchema, RouteConfigurationSchema],
  ...[HttpConnectionManagerSchema, RouterSchema],
);

async function overGrpc({ service, plural }: Service, request: object = {}) {
  const init = { node: { id: sidecarId() }, ...request };
  const messages = { request: DiscoveryRequestSchema, response: DiscoveryResponseSchema, init };
  return callOnce(plane.xdsPort, `/${service}/Fetch${plural}`, messages);
}

const overRest = (plural: string, request: object = {}) =>
  restServer({ coordinator: plane.coordinator }).inject(discovery(plural.toLowerCase(), request));

const versionOver = async (plural: string, request: object = {}): Promise<string> =>
  (await overRest(plural, request)).json().version_info;

describe('a request without a stream', () => {
  for (const one of types) {
    for (const names of [[], ['a'], ['a', 'nope'], ['b', 'a', 'b'], ['nope'], ['*'], ['*', 'a', 'nope']]) {
      it(`gets the first response of a stream: ${one.type} [${names}]`, async () => {
        const stream = openAds(plane.xdsPort, { answer: () => undefined });
        const { bytes } = await stream.subscribe(one.type, names);
        const sent = fromBinarySorted(bytes);
        const fetched = await overGrpc(one, { resourceNames: names });
        if (fetched instanceof Error) throw fetched;
        expect(fetched).toMatchObject({
          typeUrl: typeUrls[one.type],
          nonce: '',
          controlPlane: { identifier: 'by hand' },
        });
        expect(sorted(fetched.resources)).toEqual(sent);

        const answer = await overRest(one.plural, { resource_names: names });
        expect(answer).toMatchObject({
          statusCode: 200,
          headers: { 'content-type': 'application/json; charset=utf-8' },
        });
        const read = fromJson(DiscoveryResponseSchema, answer.json() as JsonValue, { registry });
        expect(read).toMatchObject({ versionInfo: fetched.versionInfo, typeUrl: fetched.typeUrl, nonce: '' });
        expect(sorted(read.resources)).toEqual(sent);
      });
    }
  }

  it('leaves no state except its layers, for a minute', async () => {
    await overRest('clusters');
    expect(plane.coordinator.clients.size).toBe(0);
    expect([...plane.coordinator.layers.all()].map(({ users, ready }) => ({ users, ready }))).toEqual([
      { users: 0, ready: true },
    ]);
    expect([...plane.coordinator.context.interests.all()]).toEqual([]);
  });
});

describe('the version', () => {
  for (const { type, plural } of types) {
    it(`is unchanged without changes, and changes with its content (${type})`, async () => {
      const resource_names = ['a', 'b'];
      const version_info = await versionOver(plural, { resource_names });
      const again = await overRest(plural, { resource_names, version_info });
      expect(again).toMatchObject({ statusCode: 304, body: '' });
      plane.put({ [type]: { a: null } });
      await plane.coordinator.flush();
      const after = await overRest(plural, { resource_names, version_info });
      expect(after.statusCode).toBe(200);
      expect(after.json().version_info).not.toBe(version_info);
      plane.put({ [type]: { a: contents[type].a } });
      await plane.coordinator.flush();
      expect((await overRest(plural, { resource_names, version_info })).statusCode).toBe(304);
      const metrics = await plane.metrics();
      expect(metrics).toContain(`binnacle_fetches_total{type="${type}",answer="resources"} 2\n`);
      expect(metrics).toContain(`binnacle_fetches_total{type="${type}",answer="unchanged"} 2\n`);
    });
  }

  it('of a wildcard changes with every resource, and does not depend on their order', async () => {
    const server = restServer({ coordinator: plane.coordinator });
    const { version_info } = (await server.inject(discovery('clusters'))).json();
    plane.put({ cluster: { d: '{}' } });
    await plane.coordinator.flush();
    expect((await server.inject(discovery('clusters', { version_info }))).statusCode).toBe(200);
    const other = await startHandFilledPlane();
    onTestFinished(() => other.stop());
    other.put({ cluster: Object.fromEntries(Object.entries(contents.cluster).reverse()) });
    const elsewhere = restServer({ coordinator: other.coordinator });
    expect((await elsewhere.inject(discovery('clusters', { version_info }))).statusCode).toBe(304);
  });

  it('depends on the names', async () => {
    const version_info = await versionOver('endpoints', { resource_names: ['a'] });
    const more = await overRest('endpoints', { resource_names: ['a', 'nope'], version_info });
    expect(more.statusCode).toBe(200);
  });

  it('is ignored over gRPC, which has no "not modified"', async () => {
    const versionInfo = await versionOver('clusters');
    expect(await overGrpc(clusters, { versionInfo })).toMatchObject({ versionInfo, resources: [{}, {}, {}] });
  });
});

describe('a request without an answer', () => {
  for (const { name, body, says } of [
    { name: 'no JSON', body: '{"node":', says: /^the body is not JSON: / },
    { name: 'no object', body: '[]', says: /^the body is no DiscoveryRequest: the body must be a JSON object$/ },
    { name: 'null', body: 'null', says: /must be a JSON object/ },
    {
      name: 'a field of another type',
      body: '{"resource_names":"a"}',
      says: /^the body is no DiscoveryRequest: .*resource_names/,
    },
    { name: 'no node', body: '{}', says: /^the first request must carry node\.id: give the client one/ },
    { name: 'an invalid node', body: '{"node":7}', says: /^the body is no DiscoveryRequest: .*Node/ },
    { name: 'a node without an id', body: '{"node":{"cluster":"x"}}', says: /must carry node\.id/ },
    {
      name: 'another type',
      body: JSON.stringify({ node: { id: 'n' }, type_url: typeUrls.route }),
      says: /^CDS serves .*Cluster and not ".*RouteConfiguration": ask the service of that type/,
    },
    {
      name: 'an invalid refresh',
      body: withMetadata({ REST_CLUSTER: 'x', REST_REFRESH: '0s' }),
      says: /^node\.metadata: REST_REFRESH must be seconds above 0 as text, such as "5s"$/,
    },
    {
      name: 'a cluster that is not a string',
      body: withMetadata({ REST_CLUSTER: 7 }),
      says: /REST_CLUSTER must be text/,
    },
  ]) {
    it(`gets the reason over REST: ${name}`, async () => {
      const answer = await restServer({ coordinator: plane.coordinator }).inject({ ...discovery('clusters'), body });
      expect(answer.json()).toMatchObject({ code: 400, reason: 'BadRequest', message: expect.stringMatching(says) });
    });
  }

  it('gets the reason over gRPC', async () => {
    expect(await overGrpc(clusters, { node: { id: '' } })).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await overGrpc(endpoints, { typeUrl: typeUrls.route })).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('gets the names of pending adapters before everything has synced', async () => {
    const server = restServer({ coordinator: plane.coordinator, awaited: () => ['nacos', 'files'] });
    const answer = await server.inject(discovery('clusters'));
    expect(answer.headers['retry-after']).toBe('1');
    const message = 'not ready: waiting for the first sync of nacos, files';
    expect(answer.json()).toMatchObject({ code: 503, reason: 'ServiceUnavailable', message });
  });

  it('gets 404 for a type without tables', async () => {
    expect((await overRest('secrets')).statusCode).toBe(404);
  });
});

describe('a client that polls', () => {
  it('may send ignored fields, as Envoy does: its extensions, details of unknown types', async () => {
    const warnings: object[] = [];
    const log = { ...silentLogger, warn: (facts: object, message: string) => warnings.push({ ...facts, message }) };
    const details = [{ '@type': 'type.googleapis.com/nobody.Knows', x: 1 }];
    const request = {
      node: { id: 'n', extensions: [{ name: 'x', type_descriptor: 5 }], new_field: {} },
      error_detail: { code: 3, message: 'a is bad', details },
    };
    const answer = await restServer({ coordinator: plane.coordinator, log }).inject(discovery('clusters', request));
    expect(answer.statusCode).toBe(200);
    const message = 'resources rejected by proxy';
    expect(warnings).toEqual([{ message, proxy: 'n', type: 'cluster', reason: 'a is bad' }]);
  });

  it('gets the configuration of its kind of client', async () => {
    const push = new FakePush();
    push.compiler.layersFor = ({ client }) => [client];
    push.compiler.put('mosn', { cluster: { a: '1' } });
    const fetch = createFetch({
      coordinator: push.coordinator,
      log: silentLogger,
      awaited: () => [],
      domainSuffix: 'cluster.local',
    });
    const service = discoveryServices.find(({ short }) => short === 'CDS');
    if (service === undefined) throw new Error('no CDS');
    const request = create(DiscoveryRequestSchema, { node: { id: 'm', userAgentName: 'mosn' } });
    const fetching = fetch(service, toBinary(DiscoveryRequestSchema, request), { key: 'test', workload: null });
    await push.rest();
    expect((await fetching).resources.map(({ name }) => name)).toEqual(['a']);
  });

  it('gets JSON that is built in slices, once for all clients', async () => {
    let elapsedMs = 0;
    let pauses = 0;
    const server = restServer({
      coordinator: plane.coordinator,
      elapsed: () => (elapsedMs += 3),
      pause: async () => void pauses++,
    });
    const asked = [server.inject(discovery('clusters')), server.inject(discovery('clusters'))];
    const [one, two] = (await Promise.all(asked)).map(({ body }) => body);
    expect(one).toBe(two);
    // Each resource takes 3 ms of 5: of three resources the second ends a slice, in either answer.
    expect(pauses).toBe(2);
  });

  it('gets references to REST if its node names a REST cluster', async () => {
    const node = { id: 'n', metadata: { REST_CLUSTER: 'http"$&', REST_REFRESH: '0.5s' } };
    const source = {
      resource_api_version: 'V3',
      api_config_source: {
        api_type: 'REST',
        transport_api_version: 'V3',
        cluster_names: ['http"$&'],
        refresh_delay: '0.5s',
      },
    };
    const [cluster] = (await overRest('clusters', { node })).json().resources;
    expect(cluster).toMatchObject({ '@type': typeUrls.cluster, eds_cluster_config: { eds_config: source } });
    const listener = (await overRest('listeners', { node })).json().resources[0];
    const { rds } = listener.filter_chains[0].filters[0].typed_config;
    expect(rds).toEqual({ route_config_name: 'a', config_source: source });
    const [plain] = (await overRest('clusters')).json().resources;
    expect(plain).toMatchObject({ eds_cluster_config: { eds_config: { ads: {}, resource_api_version: 'V3' } } });
  });
});

function withMetadata(metadata: object): string {
  return JSON.stringify({ node: { id: 'n', metadata } });
}

type Any = { readonly typeUrl: string; readonly value: Uint8Array };

const sorted = (resources: readonly Any[]) =>
  resources.map(({ typeUrl, value }) => `${typeUrl} ${Buffer.from(value).toString('base64')}`).sort();

function fromBinarySorted(bytes: Uint8Array) {
  return sorted(fromBinary(DiscoveryResponseSchema, bytes).resources);
}
