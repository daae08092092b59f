import { createRegistry, fromJson, toBinary } from '@bufbuild/protobuf';
import { ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.js';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.js';
import { ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.js';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.js';
import { HttpConnectionManagerSchema } from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { SecretSchema } from '#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { systemClock } from '../../src/lib/clock.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import type { CallerAuthentication } from '../../src/model/caller-authentication.ts';
import { encodeResource, type NamedType, type XdsType } from '../../src/proto/resource.ts';
import { clientStatusMethods } from '../../src/push/client-status/methods.ts';
import { Coordinator } from '../../src/push/coordinator.ts';
import { discoveryMethods } from '../../src/push/discovery/methods.ts';
import type { RpcMethod } from '../../src/rpc/handlers/handler.ts';
import type { Limits } from '../../src/rpc/limits.ts';
import { createRpcServer } from '../../src/rpc/server.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { Contents } from './conversation.ts';
import { FakeCompiler } from './fake-compiler.ts';

/** The real protocol and transport, over resources that a test writes as JSON. */
export interface HandFilledPlane {
  readonly xdsPort: number;
  readonly coordinator: Coordinator;
  /** Its methods, for a server that the test starts. */
  readonly services: readonly RpcMethod[];
  /** The types of rejected responses, in order. */
  readonly rejections: readonly (XdsType | NamedType)[];
  /** Messages of warnings, with their fields. */
  readonly warnings: readonly (readonly [string, object])[];
  /** Returns the metrics as Prometheus reads them. */
  metrics(): Promise<string>;
  /** Changes resources: `name: json`, without the name inside; null removes one. */
  put(contents: Contents): void;
  stop(): Promise<void>;
}

export async function startHandFilledPlane(
  limits: Partial<Limits> = {},
  authentication?: CallerAuthentication,
): Promise<HandFilledPlane> {
  const compiler = new FakeCompiler(encode);
  const rejections: (XdsType | NamedType)[] = [];
  const metrics = createMetrics();
  const coordinator = new Coordinator({
    compiler,
    take: () => [],
    clock: systemClock,
    log: silentLogger,
    observer: {
      ...metrics.observer,
      rejected(client, type) {
        rejections.push(type);
        metrics.observer.rejected(client, type);
      },
    },
    timing: { endpointQuietMs: 0, quietMs: 0, maxMs: 0 },
    identifier: 'by hand',
    defer: setImmediate,
    elapsed: () => performance.now(),
  });
  const warnings: [string, object][] = [];
  const log: Logger = { ...silentLogger, warn: (facts, message) => warnings.push([message, facts]) };
  const stopping = new AbortController();
  coordinator.start(stopping.signal);
  const services = [
    ...discoveryMethods({
      ...{ coordinator, log, awaited: () => [], domainSuffix: 'cluster.local' },
      ...(authentication === undefined ? {} : { authentication }),
    }),
    ...clientStatusMethods({ clients: coordinator.clients, pause: () => new Promise((done) => setImmediate(done)) }),
  ];
  const rpc = createRpcServer({ services, clock: systemClock, log: silentLogger, limits });
  const { port } = await rpc.listen('127.0.0.1', 0);
  return {
    xdsPort: port,
    coordinator,
    services,
    rejections,
    metrics: metrics.text,
    warnings,
    put(contents) {
      compiler.put('scope', contents);
      coordinator.changed('endpoints');
    },
    async stop() {
      metrics.stop();
      stopping.abort();
      await rpc.close();
    },
  };
}

const registry = createRegistry(HttpConnectionManagerSchema, RouterSchema);

/** A filter, or another extension, in the JSON of its message. */
export const typed = (name: string, schema: { readonly typeName: string }, value: object) => ({
  name,
  typed_config: { '@type': `type.googleapis.com/${schema.typeName}`, ...value },
});

/** A listener with the route configuration of the same name, over ADS. Port 0: the system chooses. */
export const httpListener = (name: string, port = 0): string => {
  const manager = {
    stat_prefix: name,
    rds: { route_config_name: name, config_source: { ads: {}, resource_api_version: 'V3' } },
    http_filters: [typed('router', RouterSchema, {})],
  };
  return JSON.stringify({
    address: { socket_address: { address: '127.0.0.1', port_value: port } },
    filter_chains: [{ filters: [typed('http', HttpConnectionManagerSchema, manager)] }],
  });
};

/** Encodes a real message with its content written as JSON. */
function encode(type: XdsType, name: string, content: string) {
  const json = JSON.parse(content);
  const bytes = (): Uint8Array => {
    switch (type) {
      case 'cluster':
        return toBinary(ClusterSchema, fromJson(ClusterSchema, { name, ...json }));
      case 'endpoint':
        return toBinary(
          ClusterLoadAssignmentSchema,
          fromJson(ClusterLoadAssignmentSchema, { clusterName: name, ...json }),
        );
      case 'listener':
        return toBinary(ListenerSchema, fromJson(ListenerSchema, { name, ...json }, { registry }));
      case 'route':
        return toBinary(RouteConfigurationSchema, fromJson(RouteConfigurationSchema, { name, ...json }));
      case 'secret':
        return toBinary(SecretSchema, fromJson(SecretSchema, { name, ...json }));
      case 'extension':
        return toBinary(
          TypedExtensionConfigSchema,
          fromJson(TypedExtensionConfigSchema, { name, ...json }, { registry }),
        );
    }
  };
  return encodeResource(type, name, bytes());
}
