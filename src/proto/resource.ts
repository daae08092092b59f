import { contentHash } from '../lib/hash.ts';
import { fieldLength, stringField, writeFieldHead } from './wire.ts';

/** One type of resource: how it is called, and how it is served. */
export interface TypeRow {
  /** As it stands in requests, responses and every Any. */
  readonly typeUrl: string;
  /** For people: `CDS`. */
  readonly short: string;
  /** Its own discovery service. */
  readonly service: string;
  /** As in the service's methods: `StreamClusters`, `DeltaClusters`, `FetchClusters`. */
  readonly plural: string;
  /** A subscription without names means everything, and a state-of-the-world response is all that there is. */
  readonly isWhole: boolean;
  /** Types that it may refer to: what they add must be answered before it is sent (rule 3 of ADR 1). */
  readonly waitsFor: readonly XdsType[];
  /** Types that may refer to it: its removals wait until these have settled (rule 4). */
  readonly releasedBy: readonly XdsType[];
  /**
   * The answer to a name that does not exist (rule 5): it is said to be removed, or an empty resource, or there is none until
   * it exists.
   */
  readonly unknown: 'removed' | 'empty' | 'unanswered';
  /** The way a client learns that a name is gone which it had; `kept`: it does not. */
  readonly gone: 'removed' | 'empty' | 'kept';
  /** Its contents are for the client alone: no view of what clients have shows them. */
  readonly isPrivate?: true;
}

/**
 * Every type that has tables, in the order in which they are sent: make before break. A new type is a row here, its message in
 * `json.ts`, and whatever fills its tables; everything between the compiler and the wire is derived from the row.
 */
const rows = {
  cluster: {
    typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
    short: 'CDS',
    service: 'envoy.service.cluster.v3.ClusterDiscoveryService',
    plural: 'Clusters',
    isWhole: true,
    waitsFor: [],
    releasedBy: ['listener', 'route'],
    unknown: 'removed',
    gone: 'removed',
  },
  endpoint: {
    typeUrl: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
    short: 'EDS',
    service: 'envoy.service.endpoint.v3.EndpointDiscoveryService',
    plural: 'Endpoints',
    isWhole: false,
    waitsFor: [],
    releasedBy: ['cluster'],
    unknown: 'empty', // Envoy ignores `removed_resources` here and for routes, and would wait
    gone: 'empty', // or the client would keep sending there
  },
  secret: {
    typeUrl: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
    short: 'SDS',
    service: 'envoy.service.secret.v3.SecretDiscoveryService',
    plural: 'Secrets',
    isWhole: false,
    waitsFor: [],
    releasedBy: [],
    unknown: 'unanswered', // no answer makes Envoy go on without it before its `initial_fetch_timeout`
    gone: 'kept',
    isPrivate: true,
  },
  listener: {
    typeUrl: 'type.googleapis.com/envoy.config.listener.v3.Listener',
    short: 'LDS',
    service: 'envoy.service.listener.v3.ListenerDiscoveryService',
    plural: 'Listeners',
    isWhole: true,
    waitsFor: ['cluster'],
    releasedBy: [],
    unknown: 'removed',
    gone: 'removed',
  },
  route: {
    typeUrl: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
    short: 'RDS',
    service: 'envoy.service.route.v3.RouteDiscoveryService',
    plural: 'Routes',
    isWhole: false,
    waitsFor: ['cluster'],
    releasedBy: ['listener'],
    unknown: 'empty',
    gone: 'removed', // it goes with its listener, which may still drain with it
  },
  extension: {
    typeUrl: 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
    short: 'ECDS',
    service: 'envoy.service.extension.v3.ExtensionConfigDiscoveryService',
    plural: 'ExtensionConfigs',
    isWhole: false,
    waitsFor: ['cluster'],
    releasedBy: [],
    unknown: 'unanswered', // told that it is gone, Envoy waits for ever
    gone: 'kept',
  },
} as const;

export type XdsType = keyof typeof rows;

export const typeRows: Readonly<Record<XdsType, TypeRow>> = rows;

/** In the order in which they are sent. */
export const xdsTypes = Object.keys(rows) as readonly XdsType[]; // its keys are the types

/** A value for each type. */
export function mapTypes<T>(valueOf: (type: XdsType) => T): Readonly<Record<XdsType, T>> {
  // Sound: every type is among the keys.
  return Object.fromEntries(xdsTypes.map((type) => [type, valueOf(type)])) as Record<XdsType, T>;
}

/** As they stand in requests, responses and every Any. */
export const typeUrls = mapTypes((type) => typeRows[type].typeUrl);

/** Types of which a state-of-the-world response is all that there is, for every kind of client. */
export const wholeTypes = xdsTypes.filter((type) => typeRows[type].isWhole);

/** Types that have no tables: virtual hosts on demand are found in the route configurations (src/xds/named). */
export type NamedType = 'virtual-host';

export const namedTypes: readonly NamedType[] = ['virtual-host'];

export const namedTypeUrls: Readonly<Record<NamedType, string>> = {
  'virtual-host': 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
};

/**
 * A resource, encoded once, as its *record*: field 2 of a DeltaDiscoveryResponse, a Resource with name, version and, last,
 * the Any. As `Resource.resource` and `DiscoveryResponse.resources` are both field 2, the state-of-the-world record
 * is the tail of the same bytes.
 */
export interface EncodedResource {
  readonly name: string;
  /** A hash of the content: equal on every replica and across restarts. */
  readonly version: string;
  /** The first bytes of the record: all of them, if there is no `rest`. */
  readonly start: Uint8Array;
  /** Offset in `start` at which the state-of-the-world record begins. */
  readonly sotwOffset: number;
  /** Bytes after `start` in a big resource, in pieces of whole fields of its message. Its versions share equal pieces. */
  readonly rest: readonly Uint8Array[];
  /** Of the whole record. */
  readonly byteLength: number;
}

/** For resources that are one piece. */
export const noRest: readonly Uint8Array[] = [];

/** The record as it stands in a message of a mode, in one piece or several. */
export function recordParts({ start, sotwOffset, rest }: EncodedResource, mode: 'sotw' | 'delta'): Uint8Array[] {
  return [mode === 'delta' ? start : start.subarray(sotwOffset), ...rest];
}

/** The message inside, a serialized Cluster, ClusterLoadAssignment, …, in parts of whole fields. */
export function bodyParts(type: XdsType, { start, sotwOffset, rest }: EncodedResource): Uint8Array[] {
  return [start.subarray(bodyOffset(type, start, sotwOffset)), ...rest];
}

/** The message inside as one. */
export function resourceBody(type: XdsType, resource: EncodedResource): Uint8Array {
  const [first = new Uint8Array(0), ...others] = bodyParts(type, resource);
  return others.length === 0 ? first : Buffer.concat([first, ...others]);
}

/** Wraps a serialized message. `version` is given by callers that know a cheaper hash than that of all the bytes. */
export function encodeResource(
  type: XdsType,
  name: string,
  body: Uint8Array,
  version = contentHash(body),
): EncodedResource {
  const url = urlFields[type];
  const [versionLength, nameLength] = [Buffer.byteLength(version), Buffer.byteLength(name)];
  const anyLength = url.length + fieldLength(2, body.length);
  const sotwLength = fieldLength(2, anyLength);
  const recordLength = fieldLength(1, versionLength) + fieldLength(3, nameLength) + sotwLength;
  const start = Buffer.allocUnsafe(fieldLength(2, recordLength));
  let at = writeFieldHead(start, 0, 2, recordLength);
  at = writeFieldHead(start, at, 1, versionLength);
  at += start.write(version, at);
  at = writeFieldHead(start, at, 3, nameLength);
  at += start.write(name, at);
  at = writeFieldHead(start, at, 2, anyLength);
  start.set(url, at);
  start.set(body, writeFieldHead(start, at + url.length, 2, body.length));
  return { name, version, start, sotwOffset: start.length - sotwLength, rest: noRest, byteLength: start.length };
}

/** `Any.type_url` of each type, as it stands on the wire. */
const urlFields = mapTypes((type) => stringField(1, typeUrls[type]));

/** The body is the last field of the Any, which is the last of the Resource: after the type URL, a tag and a length. */
function bodyOffset(type: XdsType, start: Uint8Array, sotwOffset: number): number {
  const anyOffset = sotwOffset + 1 + varintLength(start, sotwOffset + 1);
  const bodyTag = anyOffset + urlFields[type].length;
  if (bodyTag >= start.length) return start.length; // an empty message leaves the field out
  return bodyTag + 1 + varintLength(start, bodyTag + 1);
}

function varintLength(bytes: Uint8Array, at: number): number {
  let length = 1;
  while (((bytes[at + length - 1] ?? 0) & 0x80) !== 0) length++;
  return length;
}
