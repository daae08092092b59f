import type { FastifyInstance, FastifyRequest } from 'fastify';
import { didYouMean } from '../../lib/nearest.ts';
import type { RuleKind } from '../../rules/rule.ts';
import { apiVersionsOf } from '../../rules/validation/validate.ts';
import { ApiError, type ApiStatus, failure } from '../status.ts';
import type { ApiContext } from './context.ts';
import { listHandlers } from './handlers/lists.ts';
import { objectHandlers } from './handlers/objects.ts';
import { versionHandlers } from './handlers/versions.ts';
import { isNamespaceKind, presentationOf } from './options.ts';
import { type HttpHandlers, serveUrl } from './serve.ts';

/** Paths of a kind, by the objects that they address. */
type Place = 'everywhere' | 'list' | 'object' | 'status' | 'history' | 'rollback';

interface Resource {
  readonly kind: string;
  readonly handlers: Readonly<Record<Place, HttpHandlers>>;
}

/**
 * Adds the paths of all kinds. One route serves all kinds of an API version, with the kind as a parameter, because each
 * route costs some kilobytes. Cluster-scoped kinds have their own routes, which `/namespaces/{name}/{plural}` would
 * hide.
 */
export function serveKinds(server: FastifyInstance, shared: ApiContext, kinds: readonly RuleKind[]): void {
  for (const apiVersion of new Set(kinds.flatMap(apiVersionsOf))) {
    const served = kinds.filter((kind) => apiVersionsOf(kind).includes(apiVersion));
    const base = `${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}`;
    for (const kind of served.filter(({ scope }) => scope === 'cluster')) {
      const resource = resourceOf(shared, kind, apiVersion);
      for (const [place, url] of placesUnder(`${base}/${kind.plural}`)) {
        serveUrl(server, { url, answers: () => ({ kind: resource.kind, handlers: resource.handlers[place] }) });
      }
    }
    const namespaced = new Map(
      served
        .filter(({ scope }) => scope === 'namespaced')
        .map((kind) => [kind.plural, resourceOf(shared, kind, apiVersion)]),
    );
    if (namespaced.size === 0) continue;
    const urls = [['everywhere', `${base}/:plural`], ...placesUnder(`${base}/namespaces/:namespace/:plural`)] as const;
    for (const [place, url] of urls) {
      serveUrl(server, {
        url,
        answers: (request) => {
          const resource = namespaced.get(pluralIn(request));
          if (resource === undefined) throw new ApiError(unknownPath(request.url, kinds));
          return { kind: resource.kind, handlers: resource.handlers[place] };
        },
      });
    }
  }
}

const placesUnder = (list: string): readonly (readonly [Place, string])[] => [
  ['list', list],
  ['object', `${list}/:name`],
  ['status', `${list}/:name/status`],
  ['history', `${list}/:name/history`],
  ['rollback', `${list}/:name/rollback`],
];

/** Plural in the URL of the routes above. */
const pluralIn = (request: FastifyRequest): string => (request.params as { plural: string }).plural;

function resourceOf(shared: ApiContext, kind: RuleKind, apiVersion: string): Resource {
  const context = { ...shared, kind, apiVersion, as: presentationOf(kind, apiVersion, shared) };
  const [objects, lists, versions] = [objectHandlers(context), listHandlers(context), versionHandlers(context)];
  // Kubernetes also deletes namespaces only one at a time.
  const removeAll: HttpHandlers = isNamespaceKind(kind) ? {} : { DELETE: ['deletecollection', lists.removeAll] };
  return {
    kind: kind.kind,
    handlers: {
      everywhere: { GET: [null, lists.list] },
      list: { GET: [null, lists.list], POST: ['create', objects.create], ...removeAll },
      object: {
        GET: [null, objects.get],
        PUT: ['update', objects.replace],
        PATCH: ['patch', objects.patch],
        DELETE: ['delete', objects.remove],
      },
      status: { GET: [null, objects.get] },
      history: { GET: [null, versions.history] },
      rollback: { POST: ['rollback', versions.rollback] },
    },
  };
}

/** Builds the answer for a path that serves no kind. */
export function unknownPath(url: string, kinds: readonly RuleKind[]): ApiStatus {
  const words = url.slice(0, 1_000).split(/[/?]/);
  const plurals = kinds.map((kind) => kind.plural);
  const near = words.map((word) => didYouMean(word, plurals)).find((text) => text !== '') ?? '';
  const known = kinds.map(
    ({ plural, group, versions }) => `${plural} of ${group === '' ? '' : `${group}/`}${versions.join('|')}`,
  );
  const message = `no rules are served at ${url.slice(0, 200)}${words.some((word) => plurals.includes(word)) ? '' : near}; there are ${known.join(', ')}`;
  return failure('NotFound', message);
}
