import { contentHash } from '../lib/hash.ts';
import { fieldLength, stringField, writeFieldHead } from './wire.ts';

/** Properties of one type of resource. */
export interface TypeRow {
  /** Type URL in requests, responses and every Any. */
  readonly typeUrl: string;
  /** Short name for people: `CDS`. */
  readonly short: string;
  /** Discovery service of this type. */
  readonly service: string;
  /** Name in the service's methods: `StreamClusters`, `DeltaClusters`, `FetchClusters`. */
  readonly plural: string;
  /** True if a subscription without names means everything. A state-of-the-world response is then a whole set. */
  readonly isWhole: boolean;
  /** Types that it may refer to: what they add must be answered before it is sent (rule 3 of docs/protocol.md). */
  readonly waitsFor: readonly XdsType[];
  /** Types that may refer to it: its removals wait until these have settled (rule 4). */
  readonly releasedBy: readonly XdsType[];
  /**
   * Answer to a request for an absent name (rule 5): reported as removed, an empty resource, or none until it exists.
   */
  readonly unknown: 'removed' | 'empty' | 'unanswered';
  /** Message about a removed name to a client that had it. `kept`: the client is not informed. */
  readonly gone: 'removed' | 'empty' | 'kept';
  /** True if only the client may see its contents: debug views hide them. */
  readonly isPrivate?: true;
}

/**
 * All types with tables, in sending order: make before break. A new type is a row here, its message in `json.ts`, and a
 * source of its resources. Everything between the compiler and the wire follows from the row.
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
    gone: 'empty', // otherwise the client would keep sending there
  },
  secret: {
    typeUrl: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
    short: 'SDS',
    service: 'envoy.service.secret.v3.SecretDiscoveryService',
    plural: 'Secrets',
    isWhole: false,
    waitsFor: [],
    releasedBy: [],
    unknown: 'unanswered', // no answer lets Envoy continue before its `initial_fetch_timeout`
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
    gone: 'removed', // it is removed with its listener, which may still drain with it
  },
  extension: {
    typeUrl: 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
    short: 'ECDS',
    service: 'envoy.service.extension.v3.ExtensionConfigDiscoveryService',
    plural: 'ExtensionConfigs',
    isWhole: false,
    waitsFor: ['cluster'],
    releasedBy: [],
    unknown: 'unanswered', // after a removal, Envoy waits for ever
    gone: 'kept',
  },
} as const;

export type XdsType = keyof typeof rows;

export const typeRows: Readonly<Record<XdsType, TypeRow>> = rows;

/** Types in sending order. */
export const xdsTypes = Object.keys(rows) as readonly XdsType[]; // the keys are the types

/** Creates a record with a value for each type. */
export function mapTypes<T>(valueOf: (type: XdsType) => T): Readonly<Record<XdsType, T>> {
  // Sound: every type is among the keys.
  return Object.fromEntries(xdsTypes.map((type) => [type, valueOf(type)])) as Record<XdsType, T>;
}

/** Type URLs in requests, responses and every Any. */
export const typeUrls = mapTypes((type) => typeRows[type].typeUrl);

/** Types whose state-of-the-world responses are whole sets for every kind of client. */
export const wholeTypes = xdsTypes.filter((type) => typeRows[type].isWhole);

/** Types without tables. Virtual hosts on demand are found in the route configurations (src/xds/named). */
export type NamedType = 'virtual-host';

export const namedTypes: readonly NamedType[] = ['virtual-host'];

export const namedTypeUrls: Readonly<Record<NamedType, string>> = {
  'virtual-host': 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
};

/**
 * Resource, encoded once as its *record*: field 2 of a DeltaDiscoveryResponse, a Resource with name, version and, last,
 * the Any. `Resource.resource` and `DiscoveryResponse.resources` are both field 2. The state-of-the-world record is
 * therefore the tail of these bytes.
 */
export interface EncodedResource {
  readonly name: string;
  /** Hash of the content: equal on every replica and across restarts. */
  readonly version: string;
  /** First bytes of the record: all of them if there is no `rest`. */
  readonly start: Uint8Array;
  /** Offset in `start` at which the state-of-the-world record begins. */
  readonly sotwOffset: number;
  /**
   * Bytes after `start` in a big resource, in pieces of whole fields of its message. Its versions share equal pieces.
   */
  readonly rest: readonly Uint8Array[];
  /** Length of the whole record. */
  readonly byteLength: number;
}

/** Value of `rest` for resources in one piece. */
export const noRest: readonly Uint8Array[] = [];

/** Returns the record for messages of a mode, in one piece or several. */
export function recordParts({ start, sotwOffset, rest }: EncodedResource, mode: 'sotw' | 'delta'): Uint8Array[] {
  return [mode === 'delta' ? start : start.subarray(sotwOffset), ...rest];
}

/** Returns the message inside (a serialized Cluster, ClusterLoadAssignment, …) in parts of whole fields. */
export function bodyParts(type: XdsType, { start, sotwOffset, rest }: EncodedResource): Uint8Array[] {
  return [start.subarray(bodyOffset(type, start, sotwOffset)), ...rest];
}

/** Returns the message inside in one piece. */
export function resourceBody(type: XdsType, resource: EncodedResource): Uint8Array {
  const [first = new Uint8Array(0), ...others] = bodyParts(type, resource);
  return others.length === 0 ? first : Buffer.concat([first, ...others]);
}

/** Wraps a serialized message. Callers that know a cheaper hash than that of all bytes pass it as `version`. */
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

/** `Any.type_url` of each type as written on the wire. */
const urlFields = mapTypes((type) => stringField(1, typeUrls[type]));

/**
 * Returns the offset of the body. It is the last field of the Any, which is the last of the Resource: after the type
 * URL, a tag and a length.
 */
function bodyOffset(type: XdsType, start: Uint8Array, sotwOffset: number): number {
  const anyOffset = sotwOffset + 1 + varintLength(start, sotwOffset + 1);
  const bodyTag = anyOffset + urlFields[type].length;
  if (bodyTag >= start.length) return start.length; // an empty message omits the field
  return bodyTag + 1 + varintLength(start, bodyTag + 1);
}

function varintLength(bytes: Uint8Array, at: number): number {
  let length = 1;
  while (((bytes[at + length - 1] ?? 0) & 0x80) !== 0) length++;
  return length;
}
