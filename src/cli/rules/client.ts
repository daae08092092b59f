import { MeshError } from '../../lib/errors.ts';
import { readVersion } from '../../serve/version.ts';
import { readFailure, readWarnings } from './answer.ts';
import type { Settings } from './settings.ts';
import { tlsFetch } from './tls-fetch.ts';
import { notBinnacle, notReached } from './unreachable.ts';

export interface ClientRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path from `/`, percent-encoded. */
  readonly path: string;
  /** Query parameters; null values are omitted. */
  readonly query?: Readonly<Record<string, string | null>>;
  /** Accepted media type; `application/json` by default. */
  readonly accept?: string;
  /** Body, sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface StreamRequest extends ClientRequest {
  /** Longest pause within the answer; null for no limit. */
  readonly pauseMs: number | null;
}

/** Client of a server's rules API. */
export interface ApiClient {
  readonly server: string;
  /**
   * Sends a request and returns the JSON of the answer. Rejects with a ServerError for a rejection, and with
   * SERVER_UNREACHABLE if no Binnacle answers. Warnings of the server go to `warn`.
   */
  send(request: ClientRequest): Promise<unknown>;
  /** Sends a request and returns the chunks of its answer as they arrive. Rejects as `send` does. */
  stream(request: StreamRequest): Promise<AsyncIterable<Uint8Array>>;
}

export interface ApiClientOptions extends Settings {
  readonly warn: (message: string) => void;
  readonly maxAnswerBytes?: number;
}

/** Limit of an answer, so that an endless one cannot exhaust memory. */
const defaultMaxAnswerBytes = 256 * 1024 * 1024;

export function createClient(options: ApiClientOptions): ApiClient {
  const { server, author, timeoutMs, maxAnswerBytes = defaultMaxAnswerBytes, warn } = options;
  const { token, tls } = options.credentials;
  const isOwnTls = server.startsWith('https:') && (tls.ca !== null || tls.cert !== null);

  const open = async (request: ClientRequest, signal: AbortSignal): Promise<Response> => {
    const { method = 'GET', accept = 'application/json', body } = request;
    const url = `${server}${request.path}${queryText(request.query ?? {})}`;
    const asked = {
      method,
      headers: {
        accept,
        'user-agent': `binnacle/${await readVersion()}`,
        'x-binnacle-author': Buffer.from(author, 'utf8').toString('latin1'), // header bytes hold UTF-8
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    const sent = isOwnTls ? tlsFetch(url, asked, tls) : fetch(url, { ...asked, redirect: 'manual' });
    const response = await sent.catch((error: unknown) => {
      throw notReached(options, error);
    });
    if (!response.ok) throw await refusal(response, options);
    const type = response.headers.get('content-type') ?? 'no type';
    if (!/[/+](json|yaml)/.test(type)) {
      await response.body?.cancel();
      throw notBinnacle(options, `it answers with ${type}`);
    }
    for (const message of readWarnings(response.headers.get('warning'))) warn(message);
    return response;
  };

  return {
    server,
    async send(request) {
      const response = await open(request, eitherOf(AbortSignal.timeout(timeoutMs), request.signal));
      return parseJson(await readAll(response, { ...options, maxAnswerBytes }), options);
    },
    async stream(request) {
      const { signal, pauseMs } = request;
      const patience = createIdleTimeout(timeoutMs);
      const response = await open(request, eitherOf(patience.signal, signal)).finally(patience.end);
      patience.begin(pauseMs);
      return chunksOf(response, { settings: options, onChunk: () => patience.begin(pauseMs), onEnd: patience.end });
    },
  };
}

const eitherOf = (one: AbortSignal, other: AbortSignal | undefined): AbortSignal =>
  other === undefined ? one : AbortSignal.any([one, other]);

/** Creates a signal that aborts after a period without activity. */
function createIdleTimeout(firstMs: number) {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const end = () => clearTimeout(timer);
  const begin = (ms: number | null) => {
    end();
    if (ms !== null) timer = setTimeout(() => controller.abort(new DOMException('', 'TimeoutError')), ms);
  };
  begin(firstMs);
  return { signal: controller.signal, begin, end };
}

interface ChunkOptions {
  readonly settings: Settings;
  readonly onChunk: () => void;
  readonly onEnd: () => void;
}

async function* chunksOf(response: Response, { settings, onChunk, onEnd }: ChunkOptions): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) {
      onChunk();
      yield chunk;
    }
  } catch (error) {
    throw notReached(settings, error);
  } finally {
    onEnd();
  }
}

async function refusal(response: Response, settings: Settings): Promise<MeshError> {
  const { status, headers } = response;
  if (status < 400) {
    await response.body?.cancel();
    const to = headers.get('location');
    return notBinnacle(settings, `it sends on to ${to ?? 'nowhere'} (${status}), which is not followed`);
  }
  const body = await readAll(response, { ...settings, maxAnswerBytes: 16 * 1024 * 1024 });
  const failure = isJson(body) ? readFailure(status, JSON.parse(body)) : null;
  const type = headers.get('content-type') ?? 'nothing';
  return failure ?? notBinnacle(settings, `it answers ${status} with ${type}, which is not of Binnacle`);
}

async function readAll(response: Response, options: Settings & { maxAnswerBytes: number }): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(response, { settings: options, onChunk: () => {}, onEnd: () => {} })) {
    bytes += chunk.length;
    if (bytes > options.maxAnswerBytes) {
      throw new MeshError('SERVER_FAILED', `${options.server} answers with more than ${options.maxAnswerBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(body: string, settings: Settings): unknown {
  if (isJson(body)) return JSON.parse(body);
  const start = JSON.stringify(body.slice(0, 40));
  throw notBinnacle(settings, `it answers with something else than JSON (${start})`);
}

function isJson(body: string): boolean {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}

function queryText(query: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== null);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
