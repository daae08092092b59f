import { create, type DescMessage, fromJson, type JsonObject } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { Cluster_RingHashLbConfigSchema, ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.js';
import { HeaderValueSchema, MetadataSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { RateLimitSettingsSchema } from '#gen/envoy/config/core/v3/config_source_pb.js';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.js';
import { HealthCheck_HttpHealthCheckSchema } from '#gen/envoy/config/core/v3/health_check_pb.js';
import {
  KeepaliveSettingsSchema,
  QuicKeepAliveSettingsSchema,
  SchemeHeaderTransformationSchema,
  UpstreamHttpProtocolOptionsSchema,
} from '#gen/envoy/config/core/v3/protocol_pb.js';
import { ProxyProtocolConfigSchema } from '#gen/envoy/config/core/v3/proxy_protocol_pb.js';
import { LbEndpointSchema } from '#gen/envoy/config/endpoint/v3/endpoint_components_pb.js';
import {
  ClusterLoadAssignment_PolicySchema,
  ClusterLoadAssignmentSchema,
} from '#gen/envoy/config/endpoint/v3/endpoint_pb.js';
import {
  FilterChainMatchSchema,
  ListenerFilterChainMatchPredicateSchema,
} from '#gen/envoy/config/listener/v3/listener_components_pb.js';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.js';
import {
  DirectResponseActionSchema,
  HeaderMatcherSchema,
  InternalRedirectPolicySchema,
  QueryParameterMatcherSchema,
  RetryPolicy_RetryBackOffSchema,
  RouteActionSchema,
  RouteMatchSchema,
  RouteSchema,
  VirtualHostSchema,
} from '#gen/envoy/config/route/v3/route_components_pb.js';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.js';
import { HttpConnectionManagerSchema } from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { TcpProxySchema } from '#gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import { HttpProtocolOptionsSchema } from '#gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import { PercentSchema } from '#gen/envoy/type/v3/percent_pb.js';
import { Matcher_MatcherTree_MatchMapSchema } from '#gen/xds/type/matcher/v3/matcher_pb.js';
import { createMessageChecks } from '../../../src/proto/constraints/message-check.ts';
import { encodeCluster, encodeVirtualHostBody } from '../../../src/proto/json.ts';

const checkOf = createMessageChecks(() => null);

/** Returns the first violation in a message as text; null for none. */
function wrong(schema: DescMessage, json: object): string | null {
  const violation = checkOf(schema)(fromJson(schema, json as JsonObject)); // every sample is JSON
  return violation === null ? null : `${violation.path} ${violation.what}`;
}

const match = { prefix: '/' };
const manyHeaders = Array.from({ length: 1_001 }, () => ({ header: { key: 'a', value: 'b' } }));

describe("Envoy's own constraints", () => {
  for (const [name, schema, json, want] of [
    ['a text that is missing', QueryParameterMatcherSchema, {}, 'name must not be empty'],
    [
      'a text that is too long',
      QueryParameterMatcherSchema,
      { name: 'é'.repeat(513) },
      'name must have at most 1024 bytes',
    ],
    ['a header with a line break', HeaderMatcherSchema, { name: 'a\n' }, 'name must be one line'],
    ['a path with a NUL', RouteActionSchema, { cluster: 'a', prefixRewrite: '\0' }, 'prefix_rewrite must be one line'],
    [
      'a text of a choice',
      RouteActionSchema,
      { cluster: 'a', hostRewriteLiteral: '\r' },
      'host_rewrite_literal must be one line',
    ],
    ['a pattern', RouteMatchSchema, { pathSeparatedPrefix: '/a?' }, 'path_separated_prefix must match ^[^?#]+[^?#/]$'],
    [
      'a text out of a list',
      SchemeHeaderTransformationSchema,
      { schemeToOverwrite: 'ftp' },
      'scheme_to_overwrite must be one of http, https',
    ],
    [
      'a text that may be empty',
      UpstreamHttpProtocolOptionsSchema,
      { overrideAutoSniHeader: 'a\n' },
      'override_auto_sni_header must be the name of a header',
    ],
    ['a choice that is missing', RouteMatchSchema, {}, 'path_specifier one of prefix, path,'],
    [
      'a message that is missing',
      RouteSchema,
      { match, route: { cluster: 'a' }, requestHeadersToAdd: [{}] },
      'request_headers_to_add[0].header must be set',
    ],
    ['an extension that is missing', TypedExtensionConfigSchema, { name: 'a' }, 'typed_config must be set'],
    ['a duration that is missing', RetryPolicy_RetryBackOffSchema, {}, 'base_interval must be set'],
    [
      'a duration that is too short',
      ClusterSchema,
      { name: 'a', connectTimeout: '0s' },
      'connect_timeout must be more than 0s',
    ],
    [
      'a duration below the least',
      KeepaliveSettingsSchema,
      { interval: '0.0005s' },
      'interval must be at least 0.001s',
    ],
    ['a duration above the most', QuicKeepAliveSettingsSchema, { maxInterval: '-1s' }, 'max_interval must be'],
    ['too few items', VirtualHostSchema, { name: 'a' }, 'domains must have at least 1 items'],
    [
      'too many items',
      RouteSchema,
      { match, route: { cluster: 'a' }, requestHeadersToAdd: manyHeaders },
      'request_headers_to_add must have at most 1000 items',
    ],
    [
      'an item twice',
      InternalRedirectPolicySchema,
      { responseHeadersToCopy: ['a', 'a'] },
      'response_headers_to_copy must have no item twice',
    ],
    ['a text among others', VirtualHostSchema, { name: 'a', domains: ['a', 'b\n'] }, 'domains[1] must be one line'],
    [
      'a number among others',
      FilterChainMatchSchema,
      { sourcePorts: [80, 65_536] },
      'source_ports[1] must be at most 65535',
    ],
    [
      'a number below 1 among others',
      FilterChainMatchSchema,
      { sourcePorts: [0] },
      'source_ports[0] must be at least 1',
    ],
    [
      'a choice of texts among others',
      RouterSchema,
      { strictCheckHeaders: ['x-a'] },
      'strict_check_headers[0] must be one of',
    ],
    [
      'a number of a byte',
      ProxyProtocolConfigSchema,
      { passThroughTlvs: { tlvType: [256] } },
      'pass_through_tlvs.tlv_type[0] must be less than 256',
    ],
    [
      'a port',
      ClusterLoadAssignmentSchema,
      assignment(65_536),
      'endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value must be at most 65535',
    ],
    [
      'a number in its wrapper',
      LbEndpointSchema,
      { loadBalancingWeight: 0 },
      'load_balancing_weight must be at least 1',
    ],
    [
      'a number that is not above',
      ClusterLoadAssignment_PolicySchema,
      { overprovisioningFactor: 0 },
      'overprovisioning_factor must be more than 0',
    ],
    ['a number that is not below', DirectResponseActionSchema, { status: 600 }, 'status must be less than 600'],
    [
      'a large number',
      Cluster_RingHashLbConfigSchema,
      { minimumRingSize: '8388609' },
      'minimum_ring_size must be at most 8388608',
    ],
    ['a share', PercentSchema, { value: 100.5 }, 'value must be at most 100'],
    ['a rate', RateLimitSettingsSchema, { fillRate: 0 }, 'fill_rate must be more than 0'],
    ['a method', HealthCheck_HttpHealthCheckSchema, { path: '/', method: 'CONNECT' }, 'method must be none of 6'],
    [
      'a value that is no other',
      ListenerFilterChainMatchPredicateSchema,
      { anyMatch: false },
      'any_match must be true',
    ],
    ['a key', MetadataSchema, { filterMetadata: { '': {} } }, 'filter_metadata[""] must not be empty'],
    ['too few entries', Matcher_MatcherTree_MatchMapSchema, {}, 'map must have at least 1 entries'],
    [
      'bytes',
      HeaderValueSchema,
      { key: 'a', rawValue: Buffer.alloc(16_385).toString('base64') },
      'raw_value must have at most 16384 bytes',
    ],
  ] as const) {
    it(`find ${name}`, () => {
      expect(wrong(schema, json)).toContain(want);
    });
  }

  it('find a value that its enum does not have', () => {
    const message = create(ClusterSchema, { name: 'a' });
    Reflect.set(message, 'lbPolicy', 99); // JSON has no such name
    expect(checkOf(ClusterSchema)(message)).toEqual({ path: 'lb_policy', what: 'must be a value of LbPolicy' });
  });

  it('accept valid values, absent fields, and other choices of a oneof', () => {
    expect(wrong(RouteActionSchema, { cluster: 'a', timeout: '0s' })).toBeNull();
    expect(wrong(UpstreamHttpProtocolOptionsSchema, {})).toBeNull();
    expect(wrong(LbEndpointSchema, {})).toBeNull();
    expect(wrong(ClusterLoadAssignmentSchema, assignment(65_535))).toBeNull();
  });

  it('are all known, for every generated message', () => {
    const roots = [
      ...[ClusterSchema, ClusterLoadAssignmentSchema, ListenerSchema, RouteConfigurationSchema],
      ...[HttpConnectionManagerSchema, TcpProxySchema, RouterSchema, HttpProtocolOptionsSchema],
    ];
    const types = new Set<DescMessage>();
    for (const root of roots) collect(root, types);
    expect(types.size).toBeGreaterThan(250);
    for (const type of types) expect(() => checkOf(type)).not.toThrow();
  });
});

describe('encoding', () => {
  it('rejects a part that Envoy would reject, and names the field', () => {
    const routes = [{ match, route: { cluster: 'a', retryPolicy: { retryBackOff: { baseInterval: '0s' } } } }];
    expect(() => encodeVirtualHostBody({ routes })).toThrow(
      'VirtualHost.routes[0].route.retry_policy.retry_back_off.base_interval must be more than 0s',
    );
  });

  it('checks the content of extensions', () => {
    const options = '@type';
    const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
    const typedExtensionProtocolOptions = {
      [type]: { [options]: `type.googleapis.com/${type}`, explicitHttpConfig: {} },
    };
    const bad = () => encodeCluster({ name: 'a', typedExtensionProtocolOptions });
    const says = `Cluster.typed_extension_protocol_options["${type}"].explicit_http_config.protocol_config one of`;
    expect(bad).toThrow(says);
    expect(bad).toThrow(says); // from the cache
  });
});

/** Collects a message type and all types that its messages may contain. */
function collect(type: DescMessage, into: Set<DescMessage>): void {
  if (into.has(type)) return;
  into.add(type);
  for (const { message } of type.fields) if (message !== undefined) collect(message, into);
}

function assignment(portValue: number): object {
  const endpoint = { address: { socketAddress: { address: '10.0.0.1', portValue } } };
  return { clusterName: 'a', endpoints: [{ lbEndpoints: [{ endpoint }] }] };
}
