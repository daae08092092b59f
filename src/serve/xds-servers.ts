import { file_envoy_service_cluster_v3_cds } from '#gen/envoy/service/cluster/v3/cds_pb.js';
import { file_envoy_service_discovery_v3_ads } from '#gen/envoy/service/discovery/v3/ads_pb.js';
import { file_envoy_service_endpoint_v3_eds } from '#gen/envoy/service/endpoint/v3/eds_pb.js';
import { file_envoy_service_extension_v3_config_discovery } from '#gen/envoy/service/extension/v3/config_discovery_pb.js';
import { file_envoy_service_listener_v3_lds } from '#gen/envoy/service/listener/v3/lds_pb.js';
import { file_envoy_service_route_v3_rds } from '#gen/envoy/service/route/v3/rds_pb.js';
import { file_envoy_service_secret_v3_sds } from '#gen/envoy/service/secret/v3/sds_pb.js';
import { file_envoy_service_status_v3_csds } from '#gen/envoy/service/status/v3/csds_pb.js';
import { listenError } from '../api/listen.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { discoveryServices } from '../push/discovery/services.ts';
import type { RpcMethod } from '../rpc/handlers/handler.ts';
import { defaultLimits } from '../rpc/limits.ts';
import type { RpcAddress } from '../rpc/listener.ts';
import type { RpcObserver } from '../rpc/observer.ts';
import { Peers } from '../rpc/peers.ts';
import { createRpcServer, type RpcServer } from '../rpc/server.ts';
import { type HealthSource, healthService } from '../rpc/services/health.ts';
import { reflectionMethods } from '../rpc/services/reflection.ts';
import { loadTlsFiles, watchTlsFiles } from '../security/tls-files.ts';
import type { ServeConfig, XdsTlsConfig } from './config.ts';
import type { Address } from './config-fields.ts';

/** gRPC listeners of the control plane: plaintext and, if configured, TLS. */
export interface XdsServers {
  /** Starts all listeners. Rejects with PORT_TAKEN or CONFIG_INVALID, which name the flag to change. */
  listen(): Promise<{ readonly plaintext: string; readonly tls: string | null }>;
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface XdsServersOptions {
  readonly services: readonly RpcMethod[];
  /** Names of the parts that must sync first. Health reports NOT_SERVING until the list is empty. */
  readonly awaited: () => readonly string[];
  /** Aborts when the process is about to end. */
  readonly signal: AbortSignal;
  readonly observer: RpcObserver;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Creates the listeners without listening. Rejects with CONFIG_INVALID for unusable certificates. */
export async function createXdsServers(xds: ServeConfig['xds'], options: XdsServersOptions): Promise<XdsServers> {
  const { clock, log, observer } = options;
  const health = healthService(healthOf(options));
  const files = [...envoyServices, health.file];
  const services = [...options.services, ...health.methods, ...reflectionMethods(files)];
  const elapsed = () => performance.now();
  const peers = new Peers({ limits: { ...defaultLimits, ...xds.limits }, elapsed, observer });
  const common = { services, clock, elapsed, log, observer, limits: xds.limits, peers };

  const secured = xds.tls === null ? null : { config: xds.tls, server: await tlsServer(xds.tls, common, options) };
  const plaintext = createRpcServer(common);
  const servers = secured === null ? [plaintext] : [plaintext, secured.server];
  return {
    async listen() {
      return {
        plaintext: await listenOn(plaintext, xds.plaintext, '--xds'),
        tls: secured === null ? null : await listenOn(secured.server, secured.config.address, '--xds-tls'),
      };
    },
    drain: async (graceMs) => void (await Promise.all(servers.map((server) => server.drain(graceMs)))),
    close: async () => void (await Promise.all(servers.map((server) => server.close()))),
  };
}

/** Services of Envoy's API that reflection lists: those that are served. */
const envoyServices = [
  file_envoy_service_discovery_v3_ads,
  file_envoy_service_cluster_v3_cds,
  file_envoy_service_endpoint_v3_eds,
  file_envoy_service_listener_v3_lds,
  file_envoy_service_route_v3_rds,
  file_envoy_service_secret_v3_sds,
  file_envoy_service_extension_v3_config_discovery,
  file_envoy_service_status_v3_csds,
];

async function tlsServer(
  { certFile, keyFile, clientCaFile, requireClientCert }: XdsTlsConfig,
  common: Parameters<typeof createRpcServer>[0],
  { clock, log, signal }: XdsServersOptions,
): Promise<RpcServer> {
  const files = { certFile, keyFile, clientCaFile };
  const current = await loadTlsFiles(files);
  const server = createRpcServer({ ...common, tls: { material: current, requireClientCert } });
  watchTlsFiles(files, { current, apply: (texts) => server.setTlsMaterial(texts), clock, log, signal });
  return server;
}

async function listenOn(server: RpcServer, { host, port }: Address, flag: string): Promise<string> {
  const listened: RpcAddress = await server.listen(host, port).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error; // raised by Node
    throw listenError(cause, { address: `${host}:${port}`, flag });
  });
  return `${listened.host}:${listened.port}`;
}

/** Interval of readiness checks while a client watches, because readiness emits no events. */
const readinessPollMs = 500;

function healthOf({ awaited, signal, clock }: XdsServersOptions): HealthSource {
  return {
    services: ['', ...discoveryServices.map(({ name }) => name)],
    status: () => (awaited().length === 0 ? 'SERVING' : 'NOT_SERVING'),
    draining: signal,
    subscribe(changed) {
      let cancel = () => {};
      const poll = () => {
        changed();
        cancel = clock.after(readinessPollMs, poll);
      };
      cancel = clock.after(readinessPollMs, poll);
      return () => cancel();
    },
  };
}
