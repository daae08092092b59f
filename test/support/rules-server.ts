import { rulesApi } from '../../src/api/rules.ts';
import { createHttpServer } from '../../src/api/server.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { memoryStore } from '../../src/rules/store/memory.ts';
import { fakeClock } from './fake-clock.ts';
import { sampleKind } from './sample-kind.ts';

const base = '/apis/sample.binnacle.io/v1';
const list = `${base}/namespaces/default/sampleroutes`;

/** Where the rules API serves the sample kind: all namespaces, one namespace, one object. */
export const urls = { all: `${base}/sampleroutes`, list, one: `${list}/reviews` };

export interface Sent {
  readonly headers?: Record<string, string>;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

/** The rules API of the sample kind over an empty store. A file defines the object `filed`. */
export function rulesServer() {
  const store = memoryStore({ clock: fakeClock() });
  const adapterOrigin = (id: string) => (id === 'SampleRoute/default/filed' ? 'mesh/routes.yaml#2' : null);
  const server = createHttpServer({
    log: silentLogger,
    routes: [rulesApi({ kinds: [sampleKind], store, book: { adapterOrigin } })],
  });
  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    { headers = {}, body }: Sent = {},
  ) => {
    const payload = body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await server.inject({ method, url, headers: { ...type, ...headers }, ...payload });
    return { code: response.statusCode, headers: response.headers, body: response.json() };
  };
  return { store, send, close: () => server.close() };
}

export const mergeType = { 'content-type': 'application/merge-patch+json' };
