import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openapiRoutes } from '../../../src/api/rules/discovery/openapi.ts';
import { openapiSchemas } from '../../../src/api/rules/discovery/openapi-schema.ts';
import { createHttpServer } from '../../../src/api/server.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { servedKinds } from '../../../src/rules/kinds/index.ts';
import { allowAll } from '../../support/allow-all.ts';
import { sampleKind } from '../../support/sample-kind.ts';

async function served(kinds = [sampleKind]) {
  const server = createHttpServer({
    log: silentLogger,
    accessCheck: allowAll,
    routes: [openapiRoutes({ kinds, version: '1.2.3' })],
  });
  const ask = async (url: string, headers: Record<string, string> = {}) => {
    const response = await server.inject({ method: 'GET', url, headers });
    return {
      code: response.statusCode,
      headers: response.headers,
      body: String(response.headers['content-type']).startsWith('application/json') ? response.json() : null,
    };
  };
  return { ask, close: () => server.close() };
}

const v1 = '/openapi/v3/apis/sample.binnacle.io/v1';
const item = '/apis/sample.binnacle.io/v1/namespaces/{namespace}/sampleroutes/{name}';

describe('OpenAPI 3', () => {
  it('lists a document for each version, under a URL that may be cached indefinitely', async () => {
    const { ask, close } = await served();
    const { body } = await ask('/openapi/v3');
    expect(Object.keys(body.paths)).toEqual(['apis/sample.binnacle.io/v1', 'apis/sample.binnacle.io/v1beta1']);
    const { serverRelativeURL } = body.paths['apis/sample.binnacle.io/v1'];
    const document = await ask(serverRelativeURL);
    expect(document.headers['cache-control']).toContain('immutable');
    expect((await ask(v1)).headers['cache-control']).toBe('no-cache, private');
    expect(await ask(v1, { 'if-none-match': String(document.headers.etag) })).toMatchObject({ code: 304 });
    expect((await ask('/openapi/v2')).body).toMatchObject({
      code: 404,
      message: expect.stringContaining('/openapi/v3'),
    });
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'; // as kubectl writes it
    expect(await ask('/openapi/v2', { accept })).toMatchObject({
      code: 200,
      headers: { 'content-type': 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' },
    });
    await close();
  });

  it('tells kubectl the kind of a path, that fields are validated and that dry runs work', async () => {
    const { ask, close } = await served();
    const { paths } = (await ask(v1)).body;
    for (const [path, method] of [
      [item, 'patch'],
      [item, 'put'],
      [item.replace('/{name}', ''), 'post'],
    ] as const) {
      const operation = paths[path][method];
      expect(operation['x-kubernetes-group-version-kind']).toEqual({
        ...{ group: 'sample.binnacle.io', version: 'v1', kind: 'SampleRoute' },
      });
      const names = operation.parameters.map(({ name }: { name: string }) => name);
      expect(names).toEqual(expect.arrayContaining(['dryRun', 'fieldValidation']));
    }
    expect(Object.keys(paths[item].patch.requestBody.content)).not.toContain('application/strategic-merge-patch+json');
    await close();
  });

  it('describes an object: its spec by its schema, and its status', async () => {
    const { ask, close } = await served();
    const { schemas } = (await ask(v1)).body.components;
    const object = schemas['io.binnacle.sample.v1.SampleRoute'];
    expect(object).toMatchObject({
      description: sampleKind.about,
      'x-kubernetes-group-version-kind': [{ kind: 'SampleRoute' }],
    });
    expect(Object.keys(object.properties)).toEqual(['apiVersion', 'kind', 'metadata', 'spec', 'status']);
    expect(schemas['io.binnacle.sample.v1.SampleRouteSpec']).toMatchObject({
      type: 'object',
      required: ['hosts'],
      properties: {
        hosts: { type: 'array', items: { type: 'string' } },
        mode: { type: 'string', enum: ['STRICT', 'PERMISSIVE'], default: 'STRICT' },
        headers: {
          additionalProperties: {
            type: 'object',
            properties: { exact: { type: 'string' }, prefix: { type: 'string' } },
          },
        },
      },
    });
    await close();
  });

  it('has no dangling reference in any kind', async () => {
    const { ask, close } = await served([...servedKinds]);
    const { paths } = (await ask('/openapi/v3')).body;
    expect(Object.keys(paths).length).toBeGreaterThan(2);
    for (const { serverRelativeURL } of Object.values<{ serverRelativeURL: string }>(paths)) {
      const { body } = await ask(serverRelativeURL);
      const missing = referencesIn(body).filter(
        (reference) => body.components.schemas[reference.replace('#/components/schemas/', '')] === undefined,
      );
      expect(missing).toEqual([]);
    }
    await close();
  });
});

describe('a schema of OpenAPI', () => {
  const tree: z.ZodType = z.strictObject({
    name: z.string().describe('its name'),
    children: z.array(z.lazy(() => tree)).optional(),
  });
  for (const { name, schema, want } of [
    {
      name: 'of a choice between objects has the fields of all',
      schema: z.union([
        z.strictObject({ a: z.string(), b: z.string() }),
        z.strictObject({ a: z.string(), c: z.int() }),
      ]),
      want: {
        T: {
          type: 'object',
          required: ['a'],
          properties: { a: { type: 'string' }, b: { type: 'string' }, c: { type: 'integer' } },
        },
      },
    },
    {
      name: 'of two schemas that both apply has the fields of both',
      schema: z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })),
      want: {
        T: { type: 'object', required: ['a', 'b'], properties: { a: { type: 'string' }, b: { type: 'string' } } },
      },
    },
    {
      name: 'of a choice between values lists them',
      schema: z.union([z.literal(301), z.literal(302)]).describe('a code'),
      want: { T: { type: 'number', enum: [301, 302], description: 'a code' } },
    },
    {
      name: 'of a number or a text has the format that Kubernetes uses',
      schema: z.union([z.int(), z.string()]),
      want: { T: { 'x-kubernetes-int-or-string': true } },
    },
    {
      name: 'of a recursive type refers to itself',
      schema: tree,
      want: {
        T: {
          type: 'object',
          required: ['name'],
          properties: {
            name: { type: 'string', description: 'its name' },
            children: { type: 'array', items: { $ref: '#/components/schemas/T' } },
          },
        },
      },
    },
    {
      name: 'of a type that contains a recursive one has that as a component',
      schema: z.strictObject({ tree }),
      want: {
        T: { type: 'object', required: ['tree'], properties: { tree: { $ref: '#/components/schemas/T.schema0' } } },
        'T.schema0': {
          type: 'object',
          required: ['name'],
          properties: {
            name: { type: 'string', description: 'its name' },
            children: { type: 'array', items: { $ref: '#/components/schemas/T.schema0' } },
          },
        },
      },
    },
    {
      name: 'of any value allows any value',
      schema: z.record(z.string(), z.unknown()),
      want: { T: { type: 'object', additionalProperties: {} } },
    },
  ]) {
    it(name, () => expect(Object.fromEntries(openapiSchemas('T', schema))).toEqual(want));
  }
});

function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : referencesIn(inner)));
}
