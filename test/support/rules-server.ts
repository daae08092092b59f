import type { AccessCheck } from '../../src/api/access/guard.ts';
import type { RulesApiOptions } from '../../src/api/rules/options.ts';
import { rulesApi } from '../../src/api/rules/routes.ts';
import { createHttpServer } from '../../src/api/server.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { RuleId, RuleKind } from '../../src/rules/rule.ts';
import type { RuleStatuses } from '../../src/rules/status.ts';
import type { RuleStore } from '../../src/rules/store.ts';
import { memoryStore } from '../../src/store/memory/memory.ts';
import { allowAll } from './allow-all.ts';
import { fakeClock } from './fake-clock.ts';
import { ruleIdOf } from './rules.ts';
import { sampleKind } from './sample-kind.ts';

const base = '/apis/sample.binnacle.io/v1';
const list = `${base}/namespaces/default/sampleroutes`;

/** URLs of the sample kind in the rules API: all namespaces, one namespace, one object. */
export const urls = { all: `${base}/sampleroutes`, list, one: `${list}/reviews` };

export interface SentRequest {
  readonly headers?: Record<string, string>;
  /** A text or bytes are sent unchanged, other values as JSON. */
  readonly body?: unknown;
}

export interface RulesServerOptions {
  readonly kinds?: readonly RuleKind[];
  readonly awaited?: RulesApiOptions['awaited'];
  /** True if lists also show the object of the file. */
  readonly areAdapterObjectsShown?: boolean;
  readonly unresolved?: RulesApiOptions['unresolved'];
  readonly statuses?: RuleStatuses | null;
  readonly accessCheck?: AccessCheck;
  /** Replaces the store. */
  readonly store?: (store: RuleStore) => RuleStore;
}

/** Creates the rules API of the sample kind (or of others) over an empty store. A file defines the object `from-file`. */
export function rulesServer({
  kinds = [sampleKind],
  unresolved = null,
  areAdapterObjectsShown = false,
  awaited = () => [],
  statuses = null,
  accessCheck = allowAll,
  store: change = (one) => one,
}: RulesServerOptions = {}) {
  const clock = fakeClock();
  const store = change(memoryStore({ clock, log: silentLogger }));
  const adapterOrigin = (id: string) => (id === 'SampleRoute/default/from-file' ? 'mesh/routes.yaml#2' : null);
  const adapterObject = (id: string): RawObject | null =>
    id === 'SampleRoute/default/from-file'
      ? {
          apiVersion: 'sample.binnacle.io/v1',
          kind: 'SampleRoute',
          metadata: {
            name: 'from-file',
            namespace: 'default',
            labels: {},
            annotations: {},
            creationTimestamp: '2026-01-01T00:00:00Z',
          },
          spec: { hosts: ['from-file'] },
          origin: 'mesh/routes.yaml#2',
        }
      : null;
  const onAdapterObjects = (listener: (ids: readonly RuleId[]) => void) => {
    if (areAdapterObjectsShown) listener([ruleIdOf('SampleRoute/default/from-file')]);
  };
  const server = createHttpServer({
    log: silentLogger,
    accessCheck,
    routes: [
      rulesApi({
        kinds,
        store,
        book: { adapterOrigin, adapterObject, onAdapterObjects },
        unresolved,
        awaited,
        statuses,
        clock,
      }),
    ],
  });
  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    { headers = {}, body }: SentRequest = {},
  ) => {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const payload = body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await server.inject({ method, url, headers: { ...type, ...headers }, ...payload });
    const isJson = String(response.headers['content-type']).startsWith('application/json');
    const text = response.body;
    return { code: response.statusCode, headers: response.headers, text, body: isJson ? response.json() : null };
  };
  return { server, store, clock, send, close: () => server.close() };
}

export const mergeType = { 'content-type': 'application/merge-patch+json' };
export const jsonPatchHeaders = { 'content-type': 'application/json-patch+json' };
export const yamlType = { 'content-type': 'application/yaml' };
