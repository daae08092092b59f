import { closeHttp, listenHttp } from '../api/listen.ts';
import { createHttpServer } from '../api/server.ts';
import { steadyClock, systemClock } from '../lib/clock.ts';
import { sleep } from '../lib/sleep.ts';
import { refusalReasons } from '../model/access.ts';
import { clientStatusMethods } from '../push/client-status/methods.ts';
import type { DiscoveryOptions } from '../push/discovery/discovery-stream.ts';
import { discoveryMethods } from '../push/discovery/methods.ts';
import { cutOffs } from '../rpc/observer.ts';
import { createLogger } from '../telemetry/logging.ts';
import { runAdapters } from './adapters.ts';
import { announcement } from './announce.ts';
import type { ServeConfig } from './config.ts';
import { httpRoutes } from './http-routes.ts';
import { createHttpSecurity, readHttpSecurityFiles } from './http-security.ts';
import { reportStatuses } from './kubernetes-store.ts';
import { createParts, discoveryOptions, type Parts, pause, type ServeContext } from './parts.ts';
import { stopSignal } from './stop-signal.ts';
import { readVersion } from './version.ts';
import { createWebhook, type Webhook } from './webhook.ts';
import { authenticationResults, createXdsAuthentication, tokenVerdicts } from './xds-authentication.ts';
import { createXdsServers } from './xds-servers.ts';

/**
 * Runs the control plane until a signal stops the process. Then, or if the start fails, it closes everything, newest
 * first.
 */
export async function serve(config: ServeConfig): Promise<void> {
  const closing = new AsyncDisposableStack();
  try {
    await serveUntilStopped(config, closing);
  } finally {
    await closing.disposeAsync();
  }
}

async function serveUntilStopped(config: ServeConfig, closing: AsyncDisposableStack): Promise<void> {
  const log = createLogger({ level: config.logLevel });
  const clock = systemClock;
  const stopping = new AbortController();
  const { signal } = stopping;
  closing.defer(() => stopping.abort());
  const context = { config, version: await readVersion(), clock, log, closing };
  const securityFiles = await readHttpSecurityFiles(config.http, log);
  const parts = await createParts(context);
  const { metrics, coordinator, feed, firstCompile, adapters } = parts;
  const { awaited } = firstCompile;

  const status = clientStatusMethods({ clients: coordinator.clients, pause, access: config.xds.clientStatus });
  const authentication = await xdsAuthentication(parts, context);
  const discovery = discoveryMethods({ ...discoveryOptions(parts, context), ...authentication });
  const services = [...discovery, ...status];
  const observer = metrics.rpcObserver(cutOffs);
  const rpc = await createXdsServers(config.xds, { services, awaited, signal, observer, clock: steadyClock, log });
  closing.defer(() => rpc.close());
  const security = createHttpSecurity(securityFiles, {
    clock,
    log,
    signal,
    observer: metrics.httpObserver(refusalReasons),
  });
  const routes = httpRoutes(parts, context);
  const http = createHttpServer({ log, accessCheck: security.accessCheck, tls: security.tls, routes });
  closing.defer(() => http.close());
  const webhook = await openWebhook(parts, context, signal);
  const xds = await rpc.listen();
  await listenHttp(http, config.http.address);

  // Started last, so that a failed start logs one error only. Until then readiness waits for the shard of service
  // entries.
  feed.start((urgency) => coordinator.changed(urgency));
  coordinator.start(signal);
  firstCompile.start(signal);
  security.follow(http);
  const adaptersEnded = runAdapters(adapters, log, signal);
  const reportingEnded = reportWhenReady(parts, context, signal);
  closing.defer(async () => {
    stopping.abort();
    for (const client of coordinator.clients) client.outlet.end('the control plane is stopping');
    const servers = [rpc.drain(drainMs), closeHttp(http, { clock, graceMs: drainMs }), webhook?.close(drainMs)];
    await Promise.all([...servers, adaptersEnded, reportingEnded]);
  });
  const served = { web: http.listeningOrigin, xds: xds.plaintext, xdsTls: xds.tls };
  log.info({ ...served, adapters: adapters.map(({ name }) => name) }, 'serving');
  process.stdout.write(announcement(config, served));
  await stopSignal();
  log.info({}, 'stopping');
}

/** Opens the webhook, if it is configured. */
async function openWebhook(
  { findings }: Parts,
  { config, clock, log }: ServeContext,
  signal: AbortSignal,
): Promise<Webhook | null> {
  if (config.webhook === null) return null;
  const webhook = await createWebhook(config.webhook, { findings, clock, log, signal });
  log.info({ webhook: await webhook.listen() }, 'webhook serving');
  return webhook;
}

/** Competes for writing statuses once they are known: before, everything would be pending. */
async function reportWhenReady(
  { cluster, statuses, firstCompile }: Parts,
  { config: { store }, log }: ServeContext,
  signal: AbortSignal,
): Promise<void> {
  if (cluster === null || store.type !== 'kubernetes') return;
  while (firstCompile.awaited().length > 0 && !signal.aborted) await sleep(steadyClock, readyPollMs, signal);
  await reportStatuses({ cluster, config: store, statuses, log }, signal);
}

const readyPollMs = 100;

/** Returns the authentication option of the gRPC services. Discovery over REST has the checks of the HTTP security. */
async function xdsAuthentication(
  { metrics }: Parts,
  { config, clock, closing }: ServeContext,
): Promise<Pick<DiscoveryOptions, 'authentication'>> {
  const { auth } = config.xds;
  const observer = metrics.authenticationObserver(authenticationResults, tokenVerdicts);
  if (auth === null) return {};
  return { authentication: await createXdsAuthentication(auth, { clock, observer, closing }) };
}

/** Time limit for open streams and HTTP requests to end. */
const drainMs = 2_000;
