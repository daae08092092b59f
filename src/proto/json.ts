import {
  create,
  createRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type MessageShape,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Any } from '@bufbuild/protobuf/wkt';
import { type ClusterJson, ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.js';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.js';
import {
  type ClusterLoadAssignmentJson,
  ClusterLoadAssignmentSchema,
} from '#gen/envoy/config/endpoint/v3/endpoint_pb.js';
import {
  type FilterChainJson,
  type FilterChainMatchJson,
  FilterChainMatchSchema,
  FilterChainSchema,
} from '#gen/envoy/config/listener/v3/listener_components_pb.js';
import { type ListenerJson, ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.js';
import { type VirtualHostJson, VirtualHostSchema } from '#gen/envoy/config/route/v3/route_components_pb.js';
import { type RouteConfigurationJson, RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import { ClusterConfigSchema as DynamicDnsClusterSchema } from '#gen/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.js';
import {
  type CorsPolicyJson,
  CorsPolicySchema,
  CorsSchema,
} from '#gen/envoy/extensions/filters/http/cors/v3/cors_pb.js';
import { FilterConfigSchema as DynamicDnsFilterSchema } from '#gen/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.js';
import { type HTTPFaultJson, HTTPFaultSchema } from '#gen/envoy/extensions/filters/http/fault/v3/fault_pb.js';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.js';
import { HttpInspectorSchema } from '#gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js';
import { OriginalDstSchema } from '#gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js';
import { TlsInspectorSchema } from '#gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';
import {
  type HttpConnectionManagerJson,
  HttpConnectionManagerSchema,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { FilterConfigSchema as SniDnsFilterSchema } from '#gen/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy_pb.js';
import { type TcpProxyJson, TcpProxySchema } from '#gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import { PreviousHostsPredicateSchema } from '#gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js';
import { PreviousPrioritiesConfigSchema } from '#gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js';
import {
  type ProxyProtocolUpstreamTransportJson,
  ProxyProtocolUpstreamTransportSchema,
} from '#gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js';
import { RawBufferSchema } from '#gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js';
import { SecretSchema } from '#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import {
  type UpstreamTlsContextJson,
  UpstreamTlsContextSchema,
} from '#gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import {
  type HttpProtocolOptionsJson,
  HttpProtocolOptionsSchema,
} from '#gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import { rememberedForSmall } from './constraints/extensions.ts';
import { createMessageChecks, type Violation } from './constraints/message-check.ts';
import { type EncodedResource, encodeResource, resourceBody, type XdsType } from './resource.ts';

/*
 * Envoy's messages are written in proto JSON: the field names of Envoy's docs in camelCase, enums and durations as
 * text, an extension as an object with '@type'. `satisfies ClusterJson` rejects misspelled fields. Encoding rejects
 * values that the message cannot represent.
 */
export type {
  ClusterJson,
  ClusterLoadAssignmentJson,
  CorsPolicyJson,
  FilterChainJson,
  FilterChainMatchJson,
  HTTPFaultJson,
  HttpConnectionManagerJson,
  HttpProtocolOptionsJson,
  ListenerJson,
  ProxyProtocolUpstreamTransportJson,
  RouteConfigurationJson,
  TcpProxyJson,
  UpstreamTlsContextJson,
  VirtualHostJson,
};

/** All messages that an Any may contain. An unknown '@type' is an error; nothing is dropped. */
const messageTypes = createRegistry(
  ClusterSchema,
  ClusterLoadAssignmentSchema,
  ListenerSchema,
  RouteConfigurationSchema,
  VirtualHostSchema,
  HttpConnectionManagerSchema,
  TcpProxySchema,
  DynamicDnsClusterSchema,
  DynamicDnsFilterSchema,
  SniDnsFilterSchema,
  RouterSchema,
  CorsSchema,
  CorsPolicySchema,
  HTTPFaultSchema,
  OriginalDstSchema,
  HttpInspectorSchema,
  TlsInspectorSchema,
  HttpProtocolOptionsSchema,
  PreviousHostsPredicateSchema,
  ProxyProtocolUpstreamTransportSchema,
  RawBufferSchema,
  UpstreamTlsContextSchema,
  PreviousPrioritiesConfigSchema,
);

const schemas: Readonly<Record<XdsType, DescMessage>> = {
  cluster: ClusterSchema,
  endpoint: ClusterLoadAssignmentSchema,
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
  secret: SecretSchema,
  extension: TypedExtensionConfigSchema,
};

export const encodeCluster = (cluster: ClusterJson & { name: string }): EncodedResource =>
  encodeResource('cluster', cluster.name, encodeJson(ClusterSchema, cluster));

export const encodeListener = (listener: ListenerJson & { name: string }): EncodedResource =>
  encodeResource('listener', listener.name, encodeJson(ListenerSchema, listener));

/** The bytes of a Listener without its filter chains: what comes before these (name and address), and what after. */
export function encodeListenerFrame(frame: ListenerJson & { name: string }): { head: Uint8Array; end: Uint8Array } {
  const bytes = encodeJson(ListenerSchema, frame);
  const at = endOfFields(bytes, 2);
  return { head: bytes.subarray(0, at), end: bytes.subarray(at) };
}

/** Offset at which the leading length-delimited fields end, up to field `last`. Fields are in the order of their numbers. */
function endOfFields(bytes: Uint8Array, last: number): number {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const before = reader.pos;
    const [field, wireType] = reader.tag();
    if (field > last) return before;
    reader.skip(wireType);
  }
  return reader.len;
}

/** The bytes of a FilterChain without its match, which comes before them. */
export const encodeFilterChain = (chain: FilterChainJson): Uint8Array => encodeJson(FilterChainSchema, chain);

export const encodeFilterChainMatch = (match: FilterChainMatchJson): Uint8Array =>
  encodeJson(FilterChainMatchSchema, match);

/** Encodes a complete VirtualHost message: one value of `RouteConfiguration.virtual_hosts`. */
export const encodeVirtualHost = (host: VirtualHostJson): Uint8Array => encodeJson(VirtualHostSchema, host);

/** Encodes a VirtualHost message without its name and domains. These precede it, and `checkVirtualHost` checks them. */
export function encodeVirtualHostBody(body: VirtualHostJson): Uint8Array {
  const message = messageFrom(VirtualHostSchema, body);
  refuseViolation(VirtualHostSchema, checkOf(VirtualHostSchema)({ ...message, ...placeholders }));
  return toBinary(VirtualHostSchema, message);
}

const placeholders = { name: '-', domains: ['-'] };

/** Throws for a name or a domain that Envoy would reject. */
export function checkVirtualHost({
  name,
  domains,
}: {
  readonly name: string;
  readonly domains: readonly string[];
}): void {
  refuseViolation(
    VirtualHostSchema,
    checkOf(VirtualHostSchema)(create(VirtualHostSchema, { name, domains: [...domains] })),
  );
}

/** Encodes a RouteConfiguration without its virtual hosts, whose records are concatenated after it. */
export const encodeRouteConfigurationHead = (head: RouteConfigurationJson): Uint8Array =>
  encodeJson(RouteConfigurationSchema, head);

/**
 * Converts a resource to proto JSON with every Any resolved, for debug views and golden files. Fields have the names of
 * the .proto files (`connect_timeout`), as in Envoy's own dumps.
 */
export function resourceToJson(
  type: XdsType,
  resource: EncodedResource,
  { names = 'json' }: { readonly names?: 'json' | 'proto' } = {},
): JsonObject {
  const schema = schemas[type];
  const message = fromBinary(schema, resourceBody(type, resource));
  const json = toJson(schema, message, { registry: messageTypes, useProtoFieldName: names === 'proto' });
  return json as JsonObject; // in JSON, a message that is not a well-known type is an object
}

/** Finds the first violation of Envoy's constraints in an encoded resource, for tests; null for none. */
export const resourceViolation = (type: XdsType, resource: EncodedResource): Violation | null =>
  checkOf(schemas[type])(fromBinary(schemas[type], resourceBody(type, resource)));

function encodeJson(schema: DescMessage, json: object): Uint8Array {
  const message = messageFrom(schema, json);
  refuseViolation(schema, checkOf(schema)(message));
  return toBinary(schema, message);
}

const messageFrom = <Desc extends DescMessage>(schema: Desc, json: object): MessageShape<Desc> =>
  fromJson(schema, json as JsonObject, { registry: messageTypes }); // the generated JSON types are JSON

function refuseViolation({ name }: DescMessage, violation: Violation | null): void {
  if (violation !== null) throw new Error(`${name}.${violation.path} ${violation.what}`);
}

const checkOf = createMessageChecks((any) => checkExtension(any as Any)); // the checks pass only Any messages

const checkExtension = rememberedForSmall(({ typeUrl, value }) => {
  const type = messageTypes.getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  return type === undefined ? null : checkOf(type)(fromBinary(type, value));
});
