import { create, toBinary } from '@bufbuild/protobuf';
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { ClientStatusRequestSchema } from '#gen/envoy/service/status/v3/csds_pb.js';
import { namedTypeUrls, typeUrls } from '../../../src/proto/resource.ts';
import { bytesField } from '../../../src/proto/wire.ts';
import type { FuzzRandom } from './hostile-script.ts';

/** Paths of the discovery and client status methods. */
export const discoveryPaths = [
  '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
  '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
  '/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters',
  '/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters',
  '/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints',
  '/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts',
  '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets',
  '/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus',
] as const;

/**
 * Builds a request of xDS, mostly a plausible one: subscriptions, answers to real and invented responses, rejections
 * that name resources, nodes of every size, and misplaced fields. `nonces` are some that the server has sent.
 */
export function hostileRequest(random: FuzzRandom, path: string, nonces: readonly string[]): Buffer {
  const fitting = path.includes('Status') ? statusRequest : path.includes('Delta') ? deltaRequest : sotwRequest;
  const write = random.chance(0.9) ? fitting : random.pick([sotwRequest, deltaRequest, statusRequest]);
  const request = write(random, { nonces, isAggregated: path.includes('Aggregated') });
  const stuffing = random.chance(0.1) ? [bytesField(1_000 + random.below(9), Buffer.alloc(random.below(20_000)))] : [];
  const bytes = Buffer.concat([request, ...stuffing]);
  if (random.chance(0.2) && bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
  return random.chance(0.05) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

const urls = [...Object.values(typeUrls), ...Object.values(namedTypeUrls)];
const someNames = ['a', 'b', 'c', '*', '', 'shop/one.test', 'none'] as const;

const namesOf = (random: FuzzRandom): string[] =>
  random.chance(0.05)
    ? Array.from({ length: random.below(2_000) }, (_, index) => `many-${index}`)
    : Array.from({ length: random.below(4) }, () => random.pick(someNames));

interface Call {
  readonly nonces: readonly string[];
  /** An ADS request, which must name its type. */
  readonly isAggregated: boolean;
}

const headOf = (random: FuzzRandom, { nonces, isAggregated }: Call) => ({
  ...(random.chance(0.9) ? { node: nodeOf(random) } : {}),
  typeUrl: random.chance(isAggregated ? 0.9 : 0.3)
    ? (urls[random.below(urls.length)] ?? '')
    : random.pick(['', 'type.googleapis.com/x']),
  responseNonce: random.chance(0.6)
    ? (nonces[random.below(nonces.length)] ?? '')
    : random.pick(['', '1', 'unheard of']),
  ...(random.chance(0.25) ? { errorDetail: { code: 3, message: errorOf(random) } } : {}),
});

function nodeOf(random: FuzzRandom) {
  const labels = Object.fromEntries(
    Array.from({ length: random.pick([0, 1, 2, 3, 4, 300]) }, (_, index) => [
      `label-${index}`,
      'x'.repeat(random.below(50)),
    ]),
  );
  return {
    id: random.pick(['n', 'n', 'n', 'sidecar~10.0.0.1~web.default~default.svc.cluster.local', '', '~~~', tooLong]),
    metadata: { LABELS: random.chance(0.9) ? labels : 'no labels', NAMESPACE: random.pick(['', 'default']) },
    userAgentName: random.pick(['envoy', 'grpc-go', 'mosn', '']),
  };
}

const errorOf = (random: FuzzRandom): string =>
  random.pick([
    '',
    'Error adding/updating cluster(s) a: bad',
    '"b" is wrong, and c',
    'a'.repeat(9_000),
    'VirtualHosts[80]',
  ]);

const tooLong = 'x'.repeat(1_500);

function sotwRequest(random: FuzzRandom, call: Call): Uint8Array {
  const versionInfo = random.pick(['', '1', 'x']);
  const init = { ...headOf(random, call), versionInfo, resourceNames: namesOf(random) };
  return toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, init));
}

function deltaRequest(random: FuzzRandom, call: Call): Uint8Array {
  const init = {
    ...headOf(random, call),
    resourceNamesSubscribe: namesOf(random),
    resourceNamesUnsubscribe: namesOf(random),
    initialResourceVersions: Object.fromEntries(namesOf(random).map((name) => [name, random.pick(['', '1'])])),
  };
  return toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, init));
}

function statusRequest(random: FuzzRandom): Uint8Array {
  const regex = random.pick(['.*', 'n', '(', 'a{1000}', '(a|b)*'.repeat(90)]);
  const matchPattern = random.chance(0.5)
    ? ({ case: 'safeRegex', value: { regex } } as const)
    : ({ case: 'prefix', value: 'n' } as const);
  const nodeMatchers = Array.from({ length: random.below(3) }, () => ({ nodeId: { matchPattern } }));
  return toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, { nodeMatchers }));
}
