import { request } from 'node:http';

export interface HttpRequest {
  readonly method?: string;
  readonly path?: string;
  /** The Host header, which `fetch` does not let one set: what a sidecar routes by. */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated headers joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One HTTP/1.1 request to a port of 127.0.0.1, on a connection of its own, so that every request is balanced anew. */
export function send(port: number, options: HttpRequest = {}): Promise<HttpResponse> {
  const { method = 'GET', path = '/', host, headers = {}, body, timeoutMs = 10_000 } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
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

/** Sends JSON; answers with the parsed body (null when there is none) and fails on any status of 400 and above. */
export async function sendJson(port: number, method: string, path: string, value?: unknown): Promise<unknown> {
  const response = await send(port, {
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
