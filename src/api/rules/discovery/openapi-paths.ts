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

const dryRun = query('dryRun', 'string', 'All: nothing is kept, and the answer is what it would have been.');

const writeParameters: readonly Schema[] = [
  dryRun,
  query('fieldManager', 'string', 'Accepted and without effect.'),
  query(
    'fieldValidation',
    'string',
    'What becomes of unknown and duplicate fields. Strict (default): the object is refused. Warn: they are dropped, and a Warning header says so. Ignore: they are dropped.',
  ),
];

const selectors: readonly Schema[] = [
  query('labelSelector', 'string', 'Only objects with these labels: app=shop,tier!=web,env in (test,live),!old.'),
  query('fieldSelector', 'string', 'Only objects with this metadata.name or metadata.namespace.'),
];

const listParameters: readonly Schema[] = [
  ...selectors,
  query('limit', 'integer', 'How many objects at most; continue in the answer leads to the others.'),
  query('continue', 'string', 'Of an earlier answer: what comes after it.'),
  query('resourceVersion', 'string', 'What the client has seen; a watch tells what changed since.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('watch', 'boolean', 'To be told of changes as they happen, one JSON object to a line.'),
  query('allowWatchBookmarks', 'boolean', 'Whether a watch tells its position now and then.'),
  query('sendInitialEvents', 'boolean', 'Whether a watch begins with the objects that there are.'),
  query('timeoutSeconds', 'integer', 'When a watch ends by itself; half an hour to an hour if it is not said.'),
];
