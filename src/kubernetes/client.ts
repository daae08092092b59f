import type { Clock } from '../lib/clock.ts';
import { answerOf, eventOf, type ListPage, pageOf, type WatchEvent } from './answers.ts';
import { type ConnectionOptions, createApiConnection } from './connection.ts';
import type { CredentialSource } from './credentials.ts';
import { Deadline } from './deadline.ts';
import { lineBatches } from './lines.ts';

/** One request with a JSON answer. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with query: `/api/v1/namespaces/default/pods/one?dryRun=All`. */
  readonly path: string;
  readonly body?: unknown;
  /** Media type of the body: `application/json` by default. */
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** Time in which the whole answer must come, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface Selection {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends Selection {
  /** Objects per page. Default 250: parsing a page blocks the event loop for some milliseconds. */
  readonly limit?: number;
  /** Asks for metadata alone. */
  readonly metadataOnly?: boolean;
}

export interface ListWatchOptions extends Selection {
  /** Version after which events are wanted. */
  readonly resourceVersion: string;
  /** Time without a byte after which the watch ends, in milliseconds. Default 120,000: bookmarks come each minute. */
  readonly idleMs?: number;
  /** Time after which the server ends the watch. Default 300 to 600 seconds, at random. */
  readonly timeoutSeconds?: number;
}

/** Client of one apiserver. Every method rejects with a `KubernetesError`, also if its signal aborts. */
export interface KubernetesClient {
  /** Resolves with the parsed answer of any 2xx status. */
  request(request: ApiRequest): Promise<unknown>;
  /** Yields the pages of a list at `path`, such as `/api/v1/pods`. Rejects with status 410 if it expires meanwhile. */
  list(path: string, options: ListOptions, signal: AbortSignal): AsyncGenerator<ListPage>;
  /**
   * Yields first an empty batch, once the server has answered, then events as they arrive, those of one read together.
   * Returns when the server ends the watch or nothing came for too long. An `ERROR` event rejects.
   */
  watch(path: string, options: ListWatchOptions, signal: AbortSignal): AsyncGenerator<readonly WatchEvent[]>;
  /** Ends everything that is under way. */
  close(): void;
}

export interface ClientOptions extends Omit<ConnectionOptions, 'clock'> {
  readonly clock: Clock;
  /** Default for `ApiRequest.timeoutMs`, and for the answer's head of a watch. */
  readonly timeoutMs?: number;
  /** Default for `ListWatchOptions.idleMs`. */
  readonly idleMs?: number;
}

const defaultTimeoutMs = 30_000;
const defaultIdleMs = 120_000;
const defaultLimit = 250;
const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

export function createKubernetesClient(source: CredentialSource, options: ClientOptions): KubernetesClient {
  const { clock, timeoutMs: defaultMs = defaultTimeoutMs, idleMs: defaultIdle = defaultIdleMs } = options;
  const connection = createApiConnection(source, options);

  async function request(given: ApiRequest): Promise<unknown> {
    const { method, path, body, contentType = 'application/json', accept = 'application/json' } = given;
    const deadline = new Deadline(clock, given.signal);
    deadline.set(given.timeoutMs ?? defaultMs, `${method} ${path.split('?')[0]} was not answered in time`);
    try {
      const text = body === undefined ? null : JSON.stringify(body);
      const headers = { accept, ...(text === null ? {} : { 'content-type': contentType }) };
      const response = await connection.send({ method, path, headers, body: text, signal: deadline.signal });
      return await answerOf(response);
    } catch (cause) {
      throw deadline.explain(cause);
    } finally {
      deadline.end();
    }
  }

  async function* list(path: string, given: ListOptions, signal: AbortSignal): AsyncGenerator<ListPage> {
    const { limit = defaultLimit, metadataOnly = false } = given;
    let rest: string | null = null;
    do {
      const query = queryOf({ ...selectionOf(given), limit: String(limit), continue: rest });
      const accept = metadataOnly ? metadataList : 'application/json';
      const answer = await request({ method: 'GET', path: path + query, accept, signal });
      const { rest: next, ...page } = pageOf(answer);
      rest = next;
      yield page;
    } while (rest !== null);
  }

  async function* watch(
    path: string,
    given: ListWatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<readonly WatchEvent[]> {
    const timeoutSeconds = given.timeoutSeconds ?? 300 + Math.floor(Math.random() * 300);
    const { resourceVersion, idleMs = defaultIdle } = given;
    const query = queryOf({
      ...selectionOf(given),
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: String(timeoutSeconds),
    });
    const deadline = new Deadline(clock, signal);
    deadline.set(defaultMs, `the watch of ${path} was not answered in time`);
    try {
      const headers = { accept: 'application/json' };
      const head = { method: 'GET', path: path + query, headers, body: null, signal: deadline.signal };
      const response = await connection.send(head);
      if (response.status !== 200) await answerOf(response); // throws
      yield [];
      const idle = () => deadline.set(idleMs, null);
      for await (const lines of lineBatches(response.body, idle)) yield lines.map(eventOf);
    } catch (cause) {
      if (deadline.isIdle()) return;
      throw deadline.explain(cause);
    } finally {
      deadline.end();
    }
  }

  return { request, list, watch, close: () => connection.close() };
}

const selectionOf = ({ labelSelector, fieldSelector }: Selection) => ({
  labelSelector: labelSelector || null,
  fieldSelector: fieldSelector || null,
});

function queryOf(parameters: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== null);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
