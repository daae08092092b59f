import { contentHash } from '../lib/hash.ts';
import { bytesField, stringField } from './wire.ts';

/** The four types of this slice, in make-before-break order. */
export type XdsType = 'cluster' | 'endpoint' | 'listener' | 'route';

/** In the order in which they are sent. */
export const xdsTypes: readonly XdsType[] = ['cluster', 'endpoint', 'listener', 'route'];

/**
 * Types that proxies may ask for by name and of which no resources are compiled: virtual hosts are found in the route
 * configurations, the others do not exist here (src/xds/named).
 */
export type NamedType = 'secret' | 'virtual-host' | 'extension';

export const namedTypes: readonly NamedType[] = ['secret', 'virtual-host', 'extension'];

/** As they stand in requests, responses and every Any. */
export const typeUrls: Readonly<Record<XdsType, string>> = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
};

export const namedTypeUrls: Readonly<Record<NamedType, string>> = {
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  'virtual-host': 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
  extension: 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
};

/**
 * A resource, encoded once. `record` is field 2 of a DeltaDiscoveryResponse: a Resource with name, version and, last,
 * the Any. As `Resource.resource` and `DiscoveryResponse.resources` are both field 2, the state-of-the-world record
 * is the tail of the same bytes.
 */
export interface EncodedResource {
  readonly name: string;
  /** A hash of the content: equal on every replica and across restarts. */
  readonly version: string;
  readonly record: Uint8Array;
  /** Where in `record` the state-of-the-world record begins. */
  readonly sotwOffset: number;
}

/** The resource as field 2 of a DiscoveryResponse. */
export const sotwRecord = (resource: EncodedResource): Uint8Array => resource.record.subarray(resource.sotwOffset);

/** The message bytes inside: a serialized Cluster, ClusterLoadAssignment, … */
export function resourceBody(type: XdsType, resource: EncodedResource): Uint8Array {
  return resource.record.subarray(resource.record.length - bodyLength(type, resource));
}

/** Wraps a serialized message. `version` is given by callers that know a cheaper hash than that of all the bytes. */
export function encodeResource(
  type: XdsType,
  name: string,
  body: Uint8Array,
  version = contentHash(body),
): EncodedResource {
  const any = Buffer.concat([stringField(1, typeUrls[type]), bytesField(2, body)]);
  const sotw = bytesField(2, any);
  const head = Buffer.concat([stringField(1, version), stringField(3, name)]);
  const record = bytesField(2, Buffer.concat([head, sotw]));
  return { name, version, record, sotwOffset: record.length - sotw.length };
}

/** The body is the last field of the Any, which is the last of the Resource: count from the type URL on. */
function bodyLength(type: XdsType, resource: EncodedResource): number {
  const sotw = sotwRecord(resource);
  const anyStart = 1 + varintLength(sotw, 1);
  const urlLength = stringField(1, typeUrls[type]).length;
  const bodyTag = anyStart + urlLength;
  if (bodyTag >= sotw.length) return 0; // an empty message leaves the field out
  return sotw.length - bodyTag - 1 - varintLength(sotw, bodyTag + 1);
}

function varintLength(bytes: Uint8Array, at: number): number {
  let length = 1;
  while (((bytes[at + length - 1] ?? 0) & 0x80) !== 0) length++;
  return length;
}
