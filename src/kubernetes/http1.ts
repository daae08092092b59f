import http from 'node:http';
import https from 'node:https';
import type { ClusterCredentials } from './credentials.ts';
import type { Wire, WireRequest, WireResponse } from './wire.ts';

/** Speaks HTTP/1.1 to servers without HTTP/2, such as `kubectl proxy`. Each watch has a connection of its own. */
export function http1Wire({ server, tls }: ClusterCredentials): Wire {
  const isTls = server.startsWith('https:');
  const agent = isTls
    ? new https.Agent({ ...tls, keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
    : new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const open = new AbortController();
  let exchanges = 0;
  let isRetired = false;

  function send({ method, path, headers, body, signal }: WireRequest): Promise<WireResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<WireResponse>();
    const request = (isTls ? https : http).request(
      server + path,
      {
        agent,
        method,
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
        ),
        signal: AbortSignal.any([signal, open.signal]),
      },
      (response) =>
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'] ?? null,
          body: response,
        }),
    );
    request.on('error', reject);
    exchanges += 1;
    request.once('close', () => {
      exchanges -= 1;
      if (isRetired && exchanges === 0) agent.destroy();
    });
    request.end(body ?? undefined);
    return promise;
  }

  return {
    send,
    retire() {
      isRetired = true;
      if (exchanges === 0) agent.destroy();
    },
    close() {
      isRetired = true;
      open.abort(new Error('the client was closed'));
      agent.destroy();
    },
    isDone: () => isRetired && exchanges === 0,
  };
}
