import { backoffMs } from '../../src/lib/backoff.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { sleep } from '../../src/lib/sleep.ts';
import type { NamespaceBook } from './book.ts';
import { connect, type NacosConnection, NacosError, type Security } from './connection.ts';
import type { HttpGet, SendRequest } from './listing.ts';
import type { Login } from './login.ts';
import { type ServiceInfo, serviceInfo } from './messages.ts';
import type { NacosService } from './names.ts';
import type { ServerRotation } from './servers.ts';
import { createSession, type NamespaceSession, type NamespaceSessionOptions } from './session.ts';

export interface FollowedNamespace
  extends Pick<
    NamespaceSessionOptions,
    'namespace' | 'services' | 'groups' | 'listSeconds' | 'settleSeconds' | 'reconcileSeconds' | 'changed' | 'problem'
  > {
  readonly book: NamespaceBook;
  readonly rotation: ServerRotation;
  /** Reads the files of TLS for each connection, so that they may be rotated. */
  readonly security: () => Promise<Security>;
  readonly contextPath: string;
  readonly login: Login;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ready: () => void;
  /** Called when a server is lost or cannot be reached. `isDenied`: it works, and refuses this user. */
  readonly lost: (reason: string, isDenied: boolean) => void;
}

const backoff = { baseMs: 200, maxMs: 5_000 };
const httpMs = 5_000;
/** Delay before the only server of a cluster is asked for its own second opinion. */
const opinionMs = 1_000;

/**
 * Follows the services of one namespace over one connection at a time, because a push does not tell its namespace. Goes
 * on to the next server when one fails, until `signal` aborts.
 */
export async function followNamespace(options: FollowedNamespace, signal: AbortSignal): Promise<void> {
  const { rotation, clock, log, namespace } = options;
  while (!signal.aborted) {
    const { target } = rotation.current();
    let isDenied = false;
    let reason: string;
    try {
      reason = await followServer(options, signal);
    } catch (cause) {
      isDenied = cause instanceof NacosError && cause.isDenied;
      reason = cause instanceof Error ? cause.message : String(cause);
    }
    if (signal.aborted) return;
    log.info({ namespace, server: target, reason }, 'server lost');
    options.lost(`${target}: ${reason}`, isDenied);
    const rounds = rotation.failed();
    if (rounds > 0) await sleep(clock, backoffMs(rounds - 1, backoff), signal);
  }
}

/** Follows over one connection until it is lost. Returns the reason. */
async function followServer(options: FollowedNamespace, signal: AbortSignal): Promise<string> {
  const { rotation, login, clock, log, namespace } = options;
  const server = rotation.current();
  await login.ensure(server, signal);
  const ending = new AbortController();
  const ended = AbortSignal.any([signal, ending.signal]);
  let session: NamespaceSession | null = null;
  const security = await options.security();
  const opened = await connect(
    {
      target: server.target,
      security,
      namespace,
      clock,
      headers: login.headers,
      pushed: (type, body) => session?.pushed(type, body),
    },
    signal,
  );
  const request = authorised(opened, options, ended);
  session = createSession({
    ...options,
    request,
    get: httpGet(options, ended),
    secondOpinion: (name) => secondOpinion(name, { options, request, signal: ended }),
    ready() {
      rotation.succeeded();
      log.info({ namespace, server: server.target }, 'server followed');
      options.ready();
    },
  });
  void opened.lost.then(() => ending.abort());
  try {
    await session.run(opened, ended);
    return await opened.lost;
  } finally {
    opened.close();
  }
}

/** Sends requests, and once more with a new token if the server refuses the token. */
function authorised(
  connection: NacosConnection,
  { login, rotation }: FollowedNamespace,
  signal: AbortSignal,
): SendRequest {
  return async (type, body) => {
    try {
      return await connection.request(type, body);
    } catch (cause) {
      if (!(cause instanceof NacosError && cause.isDenied)) throw cause;
      login.refused();
      await login.ensure(rotation.current(), signal);
      return await connection.request(type, body);
    }
  };
}

function httpGet({ rotation, contextPath, login }: FollowedNamespace, signal: AbortSignal): HttpGet {
  return async (path, query) => {
    const parameters = new URLSearchParams({ ...query, ...login.headers() });
    const response = await fetch(`${rotation.current().url}${contextPath}${path}?${parameters}`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(httpMs)]),
    });
    const text = await response.text();
    return response.ok ? JSON.parse(text) : null;
  };
}

interface Asking {
  readonly options: FollowedNamespace;
  readonly request: SendRequest;
  readonly signal: AbortSignal;
}

/** Asks the other servers in turn, then the same one. Returns null if none answers. */
async function secondOpinion(name: NacosService, { options, request, signal }: Asking): Promise<ServiceInfo | null> {
  const { rotation, clock, login, namespace } = options;
  for (const { target } of rotation.others()) {
    try {
      const security = await options.security();
      const other = await connect(
        { target, security, namespace, clock, headers: login.headers, pushed: () => {} },
        signal,
      );
      try {
        return await query(other.request, name);
      } finally {
        other.close();
      }
    } catch {
      // it may be down: the next one is asked
    }
  }
  await sleep(clock, opinionMs, signal);
  return signal.aborted ? null : await query(request, name).catch(() => null);
}

async function query(
  request: SendRequest,
  { namespace, group: groupName, name: serviceName }: NacosService,
): Promise<ServiceInfo> {
  const body = { namespace, groupName, serviceName, cluster: '', healthyOnly: false, udpPort: 0, module: 'naming' };
  const answer = await request('ServiceQueryRequest', body);
  return serviceInfo.parse(answer.serviceInfo ?? {});
}
