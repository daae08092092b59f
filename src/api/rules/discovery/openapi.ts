import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RuleKind } from '../../../rules/rule.ts';
import type { HttpRoutes } from '../../server.ts';
import { ApiError, failure } from '../../status.ts';
import { acceptables } from '../answers/negotiate.ts';
import { type CachedAnswer, cachedAnswer, sendCached } from './cached-answer.ts';
import type { DiscoveryRoutesOptions } from './discovery.ts';
import { type ApiVersion, apiGroups } from './groups.ts';
import { commonSchemas, metaRef, namespaceStatusSchema, ref, ruleStatusSchema } from './openapi-common.ts';
import { kindPaths } from './openapi-paths.ts';
import { openapiSchemas, type Schema } from './openapi-schema.ts';
import { isOpenapiV2, openapiV2, openapiV2Type } from './openapi-v2.ts';

/**
 * Serves OpenAPI 3.0, one document for each group and version, derived from the schemas of the kinds. `kubectl explain`
 * prints it. kubectl also checks there whether the server validates fields and supports dry runs. Documents are built
 * on first request.
 */
export function openapiRoutes({ kinds, version }: DiscoveryRoutesOptions): HttpRoutes {
  return (server) => {
    const versions = apiGroups(kinds).flatMap((group) => group.versions);
    let made: Promise<Documents> | null = null;
    const documents = () => {
      made ??= makeDocuments(versions, version);
      return made;
    };

    server.get('/openapi/v3', async (request, reply) => {
      const { index } = await documents();
      return sendCached(request, reply, { answer: index, type: 'application/json' });
    });
    for (const served of versions) {
      server.get(`/openapi/v3${served.path}`, async (request, reply) => {
        const answer = (await documents()).byPath.get(served.path);
        if (answer === undefined) throw new Error(`no document was made for ${served.path}`);
        return sendCached(request, reply, { answer, type: 'application/json' });
      });
    }
    let second: Buffer | null = null;
    server.get('/openapi/v2', async (request, reply) => {
      if (!acceptables(request.headers.accept).some(({ type }) => isOpenapiV2(type))) {
        const message = `OpenAPI 2 is served as ${openapiV2Type} only, for kubectl: ask for /openapi/v3`;
        throw new ApiError(failure('NotFound', message));
      }
      second ??= openapiV2(versions, version);
      return reply.type(openapiV2Type).send(second);
    });
  };
}

interface Documents {
  readonly index: CachedAnswer;
  readonly byPath: ReadonlyMap<string, CachedAnswer>;
}

async function makeDocuments(versions: readonly ApiVersion[], programVersion: string): Promise<Documents> {
  const byPath = new Map<string, CachedAnswer>();
  for (const served of versions) {
    const schemas: Record<string, Schema> = { ...commonSchemas };
    const paths: Record<string, unknown> = {};
    for (const kind of served.kinds) {
      Object.assign(schemas, kindSchemas(kind, served));
      Object.assign(paths, kindPaths(kind, served, componentOf(kind, served)));
      await nextTurn();
    }
    const info = { title: 'Binnacle', version: programVersion };
    byPath.set(served.path, cachedAnswer({ openapi: '3.0.0', info, paths, components: { schemas } }));
    await nextTurn();
  }
  const paths = [...byPath].map(([path, { hash }]) => [
    path.slice(1),
    { serverRelativeURL: `/openapi/v3${path}?hash=${encodeURIComponent(hash)}` },
  ]);
  return { index: cachedAnswer({ paths: Object.fromEntries(paths) }), byPath };
}

/** Names a schema as Kubernetes does, the group reversed: `io.istio.networking.v1.VirtualService`. */
function componentOf({ group, kind }: RuleKind, { version }: ApiVersion): string {
  const prefix = group === '' ? 'io.k8s.api.core' : group.split('.').reverse().join('.');
  return `${prefix}.${version}.${kind}`;
}

function kindSchemas(kind: RuleKind, served: ApiVersion): Readonly<Record<string, Schema>> {
  const name = componentOf(kind, served);
  const { group, version } = served;
  const gvk = (suffix: string) => [{ group, version, kind: `${kind.kind}${suffix}` }];
  const head = (suffix: string) => ({
    apiVersion: { type: 'string', description: served.apiVersion },
    kind: { type: 'string', description: `${kind.kind}${suffix}` },
  });
  const described = (component: Schema, description: string): Schema => ({ description, allOf: [component] });
  const spec = openapiSchemas(`${name}Spec`, kind.spec);
  return {
    ...Object.fromEntries(spec),
    [name]: {
      description: kind.about,
      type: 'object',
      properties: {
        ...head(''),
        metadata: described(metaRef('ObjectMeta'), 'Its name, namespace, labels and the like.'),
        spec: described(ref(`${name}Spec`), 'What it says.'),
        status: kind.group === '' ? namespaceStatusSchema : ruleStatusSchema,
      },
      'x-kubernetes-group-version-kind': gvk(''),
    },
    [`${name}List`]: {
      description: `A list of objects of kind ${kind.kind}.`,
      type: 'object',
      required: ['items'],
      properties: {
        ...head('List'),
        metadata: described(metaRef('ListMeta'), 'Its version, and how to go on.'),
        items: { type: 'array', items: ref(name), description: 'The objects.' },
      },
      'x-kubernetes-group-version-kind': gvk('List'),
    },
  };
}
