import { Agent, request as httpsRequest } from 'node:https';

/** Everything that a request to the API server says besides its path. */
export interface ApiRequest {
  readonly method?: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** A bearer token. Default: the administrator's. */
  readonly token?: string;
}

export interface ApiResponse {
  readonly status: number;
  /** The parsed JSON, or the text if it is none. */
  readonly body: unknown;
}

/** Address of an API server, with credentials. */
export interface ApiAccess {
  readonly url: string;
  /** PEM text. */
  readonly ca: string;
  readonly token: string;
}

/** Requests to an API server, as sent. */
export interface ApiClient {
  /** Resolves with any answer. Rejects when there is none. */
  send(path: string, request?: ApiRequest): Promise<ApiResponse>;
  /** Resolves with the body of a success. Rejects with the server's message. */
  ask(path: string, request?: ApiRequest): Promise<unknown>;
  close(): void;
}

/** An answer of the API server that is no success. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function apiClient({ url, ca, token: own }: ApiAccess): ApiClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ca });
  const send = (path: string, { method = 'GET', body, contentType, token = own }: ApiRequest = {}) =>
    new Promise<ApiResponse>((resolve, reject) => {
      const sending = body === undefined ? '' : JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': contentType ?? 'application/json',
        'content-length': Buffer.byteLength(sending), // node:http does not say it for DELETE
      };
      const sent = httpsRequest(new URL(path, url), { method, headers, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parse(text) }));
      });
      sent.setTimeout(30_000, () => sent.destroy(new Error(`${method} ${path}: no answer for 30 s`)));
      sent.on('error', reject);
      sent.end(sending);
    });
  return {
    send,
    async ask(path, request) {
      const { status, body } = await send(path, request);
      if (status >= 200 && status < 300) return body;
      throw new ApiError(status, `${request?.method ?? 'GET'} ${path}: ${status} ${messageOf(body)}`);
    },
    close: () => agent.destroy(),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The message of a Kubernetes Status, or the whole body. */
const messageOf = (body: unknown): string =>
  typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : JSON.stringify(body);
