import { sleep } from '../../src/lib/sleep.ts';
import type { NamespaceBook } from './book.ts';
import { connect } from './connection.ts';
import { type RequestTls, sendHttp } from './http.ts';
import { type ConnectedServer, type KeptConnectionOptions, keepConnection } from './keep-connection.ts';
import type { HttpGet, SendRequest } from './listing.ts';
import { type ServiceInfo, serviceInfo } from './messages.ts';
import type { NacosService } from './names.ts';
import { createSession, type NamespaceSession, type NamespaceSessionOptions } from './session.ts';

export interface FollowedNamespace
  extends Omit<KeptConnectionOptions, 'module'>,
    Pick<
      NamespaceSessionOptions,
      'services' | 'groups' | 'listSeconds' | 'settleSeconds' | 'reconcileSeconds' | 'changed' | 'problem'
    > {
  readonly book: NamespaceBook;
  readonly contextPath: string;
  /** Reads the files of TLS for each request over HTTP. */
  readonly httpTls: () => Promise<RequestTls>;
  readonly ready: () => void;
}

const httpMs = 5_000;
/** Delay before the only server of a cluster is asked for its own second opinion. */
const opinionMs = 1_000;

/** Follows the services of one namespace over a connection of its own, because a push does not tell its namespace. */
export const followNamespace = (options: FollowedNamespace, signal: AbortSignal): Promise<void> =>
  keepConnection({ ...options, module: 'naming' }, (server) => sessionAt(server, options), signal);

function sessionAt({ request, signal }: ConnectedServer, options: FollowedNamespace): NamespaceSession {
  const { rotation, log, namespace } = options;
  return createSession({
    ...options,
    request,
    signal,
    get: httpGet(options, signal),
    secondOpinion: (name) => secondOpinion(name, { options, request, signal }),
    ready() {
      rotation.succeeded();
      log.info({ namespace, server: rotation.current().target }, 'server followed');
      options.ready();
    },
  });
}

/** Builds the access to the HTTP interface of the current server. */
export function httpGet(
  { rotation, contextPath, login, httpTls }: Pick<FollowedNamespace, 'rotation' | 'contextPath' | 'login' | 'httpTls'>,
  signal: AbortSignal,
): HttpGet {
  return async (path, query) => {
    const parameters = new URLSearchParams({ ...query, ...login.headers() });
    const { status, text } = await sendHttp(`${rotation.current().url}${contextPath}${path}?${parameters}`, {
      method: 'GET',
      tls: await httpTls(),
      signal: AbortSignal.any([signal, AbortSignal.timeout(httpMs)]),
    });
    return status === 200 ? JSON.parse(text) : null;
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
        { target, security, namespace, module: 'naming', clock, headers: login.headers, pushed: () => {} },
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
