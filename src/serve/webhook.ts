import type { Server } from 'node:https';
import type { AccessCheck } from '../api/access/guard.ts';
import { closeHttp, listenError } from '../api/listen.ts';
import { createHttpServer } from '../api/server.ts';
import { webhookRoutes } from '../api/webhook/routes.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { contextOptions } from '../rpc/tls.ts';
import { servedKinds } from '../rules/kinds/index.ts';
import { loadTlsFiles, type TlsTexts, watchTlsFiles } from '../security/tls-files.ts';
import type { WebhookConfig } from './config.ts';
import type { Parts } from './parts.ts';

export interface WebhookOptions {
  readonly findings: Parts['findings'];
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Server of the validating webhook, not yet listening. */
export interface Webhook {
  /** Rejects with PORT_TAKEN or CONFIG_INVALID. Returns the URL. */
  listen(): Promise<string>;
  /** Stops accepting connections and waits up to `graceMs` for open requests. */
  close(graceMs: number): Promise<void>;
}

/** Creates the webhook. Its certificate is read again when the files change. Rejects with CONFIG_INVALID. */
export async function createWebhook(config: WebhookConfig, options: WebhookOptions): Promise<Webhook> {
  const { findings, clock, log, signal } = options;
  const { tls, address } = config;
  const texts = await loadTlsFiles(tls);
  const server = createHttpServer({
    log,
    accessCheck: everybody,
    tls: {
      ...contextOptions(texts),
      requestCert: tls.clientCaFile !== null,
      rejectUnauthorized: tls.clientCaFile !== null,
    },
    routes: [webhookRoutes({ kinds: servedKinds, unresolved: findings.unresolved })],
  });
  return {
    async listen() {
      const { host, port } = address;
      const url = await server.listen({ host, port }).catch((cause: unknown) => {
        throw listenError(cause, { address: `${host}:${port}`, flag: 'webhook.address' });
      });
      const https = server.server as unknown as Server; // with `https`, fastify creates an HTTPS server
      const apply = (changed: TlsTexts) => https.setSecureContext(contextOptions(changed));
      watchTlsFiles(tls, { current: texts, apply, clock, log, signal });
      return url;
    },
    close: (graceMs) => closeHttp(server, { clock, graceMs }),
  };
}

/** A review reveals nothing and changes nothing; `clientCaFile` restricts who may ask. */
const everybody: AccessCheck = {
  admit: () => ({ type: 'admitted', caller: { identity: null, reasonAgainst: () => null } }),
  onChange: () => {},
};
