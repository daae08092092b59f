import { Agent, request } from 'node:http';
import { request as secureRequest } from 'node:https';

export interface HttpRequest {
  readonly method?: string;
  readonly path?: string;
  /** The Host header, by which a sidecar routes. `fetch` cannot set it. */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
  /** Another address of this machine than 127.0.0.1. */
  readonly address?: string;
  /** Path of a Unix domain socket, in place of the address and port. */
  readonly socket?: string;
  /** Uses TLS, with a server whose certificate this CA signed. */
  readonly tlsCa?: string | null;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated headers joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A connection that stays open between requests, which run one after another. */
export interface KeptConnection {
  readonly port: number;
  readonly agent: Agent;
  close(): void;
}

export function keepConnection(port: number): KeptConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return { port, agent, close: () => agent.destroy() };
}

/**
 * Sends one HTTP/1.1 request to 127.0.0.1, unless the options say otherwise. A port number opens a new connection, so that every request is balanced
 * separately.
 */
export function send(to: number | KeptConnection, options: HttpRequest = {}): Promise<HttpResponse> {
  const { port, agent } = typeof to === 'number' ? { port: to, agent: false as const } : to;
  const { method = 'GET', path = '/', host, headers = {}, body, timeoutMs = 60_000, tlsCa = null } = options;
  const { address = '127.0.0.1', socket } = options;
  return new Promise((resolve, reject) => {
    const begin = tlsCa === null ? request : secureRequest;
    const outgoing = begin(
      {
        ...(tlsCa === null ? {} : { ca: tlsCa }),
        ...(socket === undefined ? { host: address, port } : { socketPath: socket }),
        method,
        path,
        agent,
        headers: host === undefined ? headers : { ...headers, host },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: plainHeaders(incoming.headers), body: text }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export const get = (port: number, options: HttpRequest = {}): Promise<HttpResponse> => send(port, options);

/** Sends JSON. Returns the parsed body (null when there is none). Fails on any status of 400 and above. */
export async function sendJson(
  to: number | KeptConnection,
  method: string,
  path: string,
  value?: unknown,
): Promise<unknown> {
  const response = await send(to, {
    method,
    path,
    ...(value === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }),
  });
  if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${response.body}`);
  return response.body === '' ? null : JSON.parse(response.body);
}

function plainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}
