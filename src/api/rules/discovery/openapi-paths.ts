import type { RuleKind } from '../../../rules/rule.ts';
import { type ApiVersion, verbsOf } from './groups.ts';
import { metaRef, ref } from './openapi-common.ts';
import type { Schema } from './openapi-schema.ts';

/** Builds the paths of one kind in one version, with their operations. `schema` is the component of its objects. */
export function kindPaths(kind: RuleKind, served: ApiVersion, schema: string): Readonly<Record<string, unknown>> {
  const operation = operationsOf(kind, served, schema);
  const isNamespaced = kind.scope === 'namespaced';
  const list = isNamespaced ? `${served.path}/namespaces/{namespace}/${kind.plural}` : `${served.path}/${kind.plural}`;
  const inNamespace = isNamespaced ? [pathParameter('namespace', 'The namespace of the object.')] : [];
  const named = [...inNamespace, pathParameter('name', 'The name of the object.')];
  const object = ref(schema);
  const status = metaRef('Status');
  const canDeleteMany = verbsOf(kind).includes('deletecollection');
  return {
    ...(isNamespaced
      ? { [`${served.path}/${kind.plural}`]: { get: operation('list', `${schema}List`, listParameters) } }
      : {}),
    [list]: {
      parameters: inNamespace,
      get: operation('list', `${schema}List`, listParameters),
      post: { ...operation('post', schema, writeParameters), requestBody: body(object, writtenTypes) },
      ...(canDeleteMany
        ? { delete: { ...operation('deletecollection', null, [...selectors, dryRun]), responses: ok(status) } }
        : {}),
    },
    [`${list}/{name}`]: {
      parameters: named,
      get: operation('get', schema, []),
      put: { ...operation('put', schema, writeParameters), requestBody: body(object, writtenTypes) },
      patch: { ...operation('patch', schema, writeParameters), requestBody: body(metaRef('Patch'), patchTypes) },
      delete: {
        ...operation('delete', null, [dryRun]),
        requestBody: body(metaRef('DeleteOptions'), writtenTypes, false),
        responses: ok(status),
      },
    },
    [`${list}/{name}/status`]: { parameters: named, get: operation('get', schema, []) },
  };
}

const writtenTypes = ['application/json', 'application/yaml'];
const patchTypes = ['application/merge-patch+json', 'application/json-patch+json'];

function operationsOf(kind: RuleKind, { group, version }: ApiVersion, schema: string) {
  const gvk = { group, version, kind: kind.kind };
  return (action: string, answered: string | null, parameters: readonly Schema[]) => ({
    tags: [schema.slice(0, schema.lastIndexOf('.'))],
    parameters,
    responses: answered === null ? {} : ok(ref(answered)),
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
  });
}

const ok = (schema: Schema) => ({ '200': { description: 'OK', content: { 'application/json': { schema } } } });

const body = (schema: Schema, types: readonly string[], required = true) => ({
  content: Object.fromEntries(types.map((type) => [type, { schema }])),
  required,
});

const pathParameter = (name: string, description: string): Schema => ({
  name,
  in: 'path',
  description,
  required: true,
  schema: { type: 'string' },
});

const query = (name: string, type: string, description: string): Schema => ({
  name,
  in: 'query',
  description,
  schema: { type },
});

const dryRun = query('dryRun', 'string', 'All: nothing is stored; the answer is that of the real write.');

const writeParameters: readonly Schema[] = [
  dryRun,
  query('fieldManager', 'string', 'Accepted without effect.'),
  query(
    'fieldValidation',
    'string',
    'Treatment of unknown and duplicate fields. Strict (default): the object is rejected. Warn: they are dropped, and a Warning header says so. Ignore: they are dropped.',
  ),
];

const selectors: readonly Schema[] = [
  query('labelSelector', 'string', 'Only objects with these labels: app=shop,tier!=web,env in (test,live),!old.'),
  query('fieldSelector', 'string', 'Only objects with this metadata.name or metadata.namespace.'),
];

const listParameters: readonly Schema[] = [
  ...selectors,
  query('limit', 'integer', 'Maximum number of objects; continue in the answer is the token for the rest.'),
  query('continue', 'string', 'Token of an earlier answer, to get the next page.'),
  query('resourceVersion', 'string', 'Version that the client has; a watch sends the changes since.'),
  query('resourceVersionMatch', 'string', 'Meaning of resourceVersion: Exact or NotOlderThan.'),
  query('watch', 'boolean', 'Sends changes as they happen, one JSON object per line.'),
  query('allowWatchBookmarks', 'boolean', 'Sends the position of a watch periodically.'),
  query('sendInitialEvents', 'boolean', 'Starts a watch with the existing objects.'),
  query('timeoutSeconds', 'integer', 'Duration of a watch; half an hour to an hour by default.'),
];
