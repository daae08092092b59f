import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { typeUrls } from '../../../src/proto/resource.ts';
import { frame } from '../../../src/rpc/frame.ts';
import { changedAddress, changedPrefix, changedServices, clusterOf, firstPrefix, routeName } from '../../bench/mesh.ts';
import { startBare } from '../../bench/servers/bare.ts';
import { bareMessages, type SavedResponses } from '../../bench/servers/bare-messages.ts';
import type { BenchServer } from '../../bench/servers/contract.ts';
import { openAds } from '../../support/ads-client.ts';
import { endpointAddresses } from '../../support/ads-resources.ts';
import { type MeshType, meshTypes } from '../../support/mesh-types.ts';

const services = Array.from({ length: changedServices }, (_, service) => service);

const encoded = <Schema extends DescMessage>(schema: Schema, init: MessageInitShape<Schema>) =>
  toBinary(schema, create(schema, init));

const saved = (type: MeshType, bodies: readonly Uint8Array[]) =>
  encoded(DiscoveryResponseSchema, {
    versionInfo: '1',
    nonce: `${type}-1`,
    typeUrl: typeUrls[type],
    resources: bodies.map((value) => ({ typeUrl: typeUrls[type], value })),
  });

const assignment = (service: number) => {
  const socketAddress = { address: `10.1.0.${service}`, portSpecifier: { case: 'portValue', value: 8080 } } as const;
  const address = { address: { case: 'socketAddress', value: socketAddress } } as const;
  return encoded(ClusterLoadAssignmentSchema, {
    clusterName: clusterOf(service),
    endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address } } }] }],
  });
};

const routesWith = (prefixes: readonly string[]) =>
  encoded(RouteConfigurationSchema, {
    name: routeName,
    virtualHosts: prefixes.map((value) => {
      const pathSpecifier = { case: 'prefix', value } as const;
      return { name: value, routes: [{ match: { pathSpecifier } }] };
    }),
  });

/** A folder with what `xdsload --save` keeps. */
async function savedFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-bare-'));
  const files = { cluster: 'cds', endpoint: 'eds', listener: 'lds', route: 'rds' } as const;
  for (const type of meshTypes) await writeFile(join(folder, `${files[type]}.pb`), mesh[type]);
  return folder;
}

const mesh: SavedResponses = {
  cluster: saved(
    'cluster',
    services.map((service) => encoded(ClusterSchema, { name: clusterOf(service) })),
  ),
  endpoint: saved('endpoint', services.map(assignment)),
  listener: saved('listener', [encoded(ListenerSchema, { name: 'outbound' })]),
  route: saved('route', [routesWith(['/', firstPrefix])]),
};

const prefixesOf = (body: Uint8Array | undefined) =>
  fromBinary(RouteConfigurationSchema, body ?? new Uint8Array()).virtualHosts.flatMap(({ routes }) =>
    routes.map(({ match }) => match?.pathSpecifier.value),
  );

for (const mode of ['delta', 'sotw'] as const) {
  describe(`the bare server, ${mode}`, () => {
    let folder = '';
    let server: BenchServer;
    beforeAll(async () => {
      folder = await savedFolder();
      server = await startBare(folder, mode);
    });
    afterAll(async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    });

    it('answers the first request for a type with everything, and nothing after it', async () => {
      const stream = openAds(server.xdsPort, { mode });

      const clusters = await stream.subscribe('cluster');
      expect([...clusters.resources.keys()]).toEqual(services.map(clusterOf));
      stream.ask(typeUrls.cluster);
      const assignments = await stream.subscribe('endpoint', [clusterOf(0)]);
      expect(endpointAddresses(assignments.resources.get(clusterOf(7)))).toEqual(['10.1.0.7:8080']);
      await stream.subscribe('listener');
      const routes = await stream.subscribe('route', [routeName]);
      expect(prefixesOf(routes.resources.get(routeName))).toEqual(['/', firstPrefix]);

      const change = stream.next('endpoint');
      await server.changeEndpoint(0, changedAddress(1));
      await change;
      const types = stream.responses.map(({ type }) => type);
      expect(types).toEqual(['cluster', 'endpoint', 'listener', 'route', 'endpoint']);
    });

    it('sends a change to every stream, with the text of this change only', async () => {
      const streams = [openAds(server.xdsPort, { mode }), openAds(server.xdsPort, { mode })];
      for (const type of ['endpoint', 'route'] as const) {
        await Promise.all(streams.map((stream) => stream.subscribe(type)));
      }
      const told = (type: MeshType) => Promise.all(streams.map((stream) => stream.next(type)));

      for (const [service, token] of [
        [42, changedAddress(0)],
        [99, changedAddress(15_599)],
      ] as const) {
        const responses = told('endpoint');
        await server.changeEndpoint(service, token);
        for (const { resources } of await responses) {
          expect([...resources.keys()]).toEqual([clusterOf(service)]);
          expect(endpointAddresses(resources.get(clusterOf(service)))).toEqual([`${token}:8080`]);
        }
      }
      for (const token of [changedPrefix(3), changedPrefix(99_999)]) {
        const responses = told('route');
        await server.changeRoute(token);
        for (const { resources } of await responses) {
          expect(prefixesOf(resources.get(routeName))).toEqual(['/', token]);
        }
      }
    });
  });
}

it('reads a request whose type arrives in two pieces', async () => {
  const folder = await savedFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const server = await startBare(folder, 'sotw');
  onTestFinished(() => server.stop());
  const session = connect(`http://127.0.0.1:${server.xdsPort}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ':method': 'POST', ':path': '/ads' });
  const request = Buffer.concat(frame([encoded(DiscoveryRequestSchema, { typeUrl: typeUrls.listener })]));
  await once(stream, 'response');
  await new Promise((resolve) => stream.write(request.subarray(0, 30), resolve));
  stream.write(request.subarray(30));

  const [chunk] = await once(stream, 'data');
  expect(chunk).toEqual(Buffer.concat(frame([mesh.listener])));
});

describe('saved data is rejected', () => {
  for (const { name, part, want } of [
    {
      name: 'without a service that is to be changed',
      part: { endpoint: saved('endpoint', services.slice(1).map(assignment)) },
      want: `${clusterOf(0)} was saved without an endpoint`,
    },
    {
      name: 'with a service that has no endpoint',
      part: { endpoint: saved('endpoint', [encoded(ClusterLoadAssignmentSchema, { clusterName: clusterOf(0) })]) },
      want: `${clusterOf(0)} was saved without an endpoint`,
    },
    {
      name: 'without the route that is to be changed',
      part: { route: saved('route', [routesWith(['/', '/benches'])]) },
      want: `no route was saved with the prefix ${firstPrefix}`,
    },
  ]) {
    it(name, () => {
      expect(() => bareMessages({ ...mesh, ...part }, 'delta')).toThrow(want);
    });
  }
});
