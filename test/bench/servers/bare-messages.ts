import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ClusterLoadAssignment, ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import {
  DeltaDiscoveryResponseSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { contentHash } from '../../../src/lib/hash.ts';
import { frame } from '../../../src/rpc/frame.ts';
import { nameOf } from '../../support/ads-resources.ts';
import type { MeshType } from '../../support/mesh-types.ts';
import type { Mode } from '../load-client.ts';
import { changedAddress, changedPrefix, changedServices, clusterOf, firstPrefix } from '../mesh.ts';

/** A DiscoveryResponse of each type, as `xdsload --save` writes it. */
export type SavedResponses = Readonly<Record<MeshType, Uint8Array>>;

/** A message with gRPC's prefix that contains a replaceable text. */
export interface Replaceable {
  readonly message: Buffer;
  /** Offset of the text. The replacement must have its length. */
  readonly at: number;
}

/** All messages of a server without logic. */
export interface BareMessages {
  /** Answer to the first request of each type. */
  readonly answers: Readonly<Record<MeshType, Buffer>>;
  /** Assignment of each service, with a `changedAddress`. */
  readonly endpointChanges: readonly Replaceable[];
  /** The route configuration with a `changedPrefix`. */
  readonly routeChange: Replaceable;
}

/** Builds the messages of a mesh. Throws when the saved responses lack something that the bench changes. */
export function bareMessages(saved: SavedResponses, mode: Mode): BareMessages {
  const read = (type: MeshType) => fromBinary(DiscoveryResponseSchema, saved[type]);
  const answer = (type: MeshType) => responseOf(type, read(type), mode);
  return {
    answers: {
      cluster: answer('cluster'),
      endpoint: answer('endpoint'),
      listener: answer('listener'),
      route: answer('route'),
    },
    endpointChanges: endpointChanges(read('endpoint'), mode),
    routeChange: routeChange(read('route'), mode),
  };
}

/** Returns the response in the form of the mode, with gRPC's prefix. */
function responseOf(type: MeshType, response: DiscoveryResponse, mode: Mode): Buffer {
  if (mode === 'sotw') return Buffer.concat(frame([toBinary(DiscoveryResponseSchema, response)]));
  const { versionInfo, typeUrl, nonce, controlPlane, resources } = response;
  const delta = create(DeltaDiscoveryResponseSchema, {
    systemVersionInfo: versionInfo,
    typeUrl,
    nonce,
    ...(controlPlane === undefined ? {} : { controlPlane }),
    resources: resources.map((resource) => ({
      name: nameOf(type, resource.value),
      version: contentHash(resource.value),
      resource,
    })),
  });
  return Buffer.concat(frame([toBinary(DeltaDiscoveryResponseSchema, delta)]));
}

function endpointChanges(response: DiscoveryResponse, mode: Mode): readonly Replaceable[] {
  const assignments = response.resources.map(({ value }) => fromBinary(ClusterLoadAssignmentSchema, value));
  const byName = new Map(assignments.map((assignment) => [assignment.clusterName, assignment]));
  return Array.from({ length: changedServices }, (_, service) => {
    const name = clusterOf(service);
    const assignment = byName.get(name);
    const address = assignment && firstAddress(assignment);
    if (assignment === undefined || address === undefined) throw new Error(`${name} was saved without an endpoint`);
    address.address = changedAddress(0);
    const value = toBinary(ClusterLoadAssignmentSchema, assignment);
    return replaceable('endpoint', { response, value, mode, text: changedAddress(0) });
  });
}

function firstAddress({ endpoints }: ClusterLoadAssignment) {
  const host = endpoints[0]?.lbEndpoints[0]?.hostIdentifier;
  const address = host?.case === 'endpoint' ? host.value.address?.address : undefined;
  return address?.case === 'socketAddress' ? address.value : undefined;
}

function routeChange(response: DiscoveryResponse, mode: Mode): Replaceable {
  for (const { value } of response.resources) {
    const configuration = fromBinary(RouteConfigurationSchema, value);
    const matches = configuration.virtualHosts.flatMap(({ routes }) => routes.flatMap(({ match }) => match ?? []));
    for (const match of matches) {
      if (match.pathSpecifier.value !== firstPrefix) continue;
      match.pathSpecifier = { case: 'prefix', value: changedPrefix(0) };
      const changed = toBinary(RouteConfigurationSchema, configuration);
      return replaceable('route', { response, value: changed, mode, text: changedPrefix(0) });
    }
  }
  throw new Error(`no route was saved with the prefix ${firstPrefix}`);
}

interface Changed {
  readonly response: DiscoveryResponse;
  /** The changed resource. */
  readonly value: Uint8Array;
  readonly mode: Mode;
  /** The replaceable text in it. */
  readonly text: string;
}

/** Builds a response like the saved one with only this resource. */
function replaceable(type: MeshType, { response, value, mode, text }: Changed): Replaceable {
  const resources = response.resources.slice(0, 1).map((any) => ({ ...any, value }));
  const message = responseOf(type, { ...response, resources }, mode);
  return { message, at: message.indexOf(text) };
}
