import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mergeType, rulesServer, urls } from '../../support/rules-server.ts';
import { sampleObject } from '../../support/sample-kind.ts';

const { list, one } = urls;

let { store, send, close } = rulesServer();
beforeEach(() => {
  ({ store, send, close } = rulesServer());
});
afterEach(() => close());

describe('the rules API rejects', () => {
  beforeEach(async () => {
    await send('POST', list, { body: sampleObject() });
  });

  it('every invalid field of an object', async () => {
    const spec = { hosts: ['a'], routes: [{ destination: { host: 'a' }, wieght: 1 }] };
    const { code, body } = await send('PUT', one, { body: sampleObject({ spec }) });
    expect(code).toBe(422);
    expect(body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      reason: 'Invalid',
      message: 'SampleRoute "reviews" is invalid: spec.routes[0].wieght: unknown field (did you mean "weight"?)',
      details: {
        name: 'reviews',
        group: 'sample.binnacle.io',
        kind: 'SampleRoute',
        causes: [
          {
            reason: 'FieldValueForbidden',
            message: 'unknown field (did you mean "weight"?)',
            field: 'spec.routes[0].wieght',
          },
        ],
      },
      code: 422,
    });
  });

  const stale = sampleObject({ metadata: { resourceVersion: '99' } });
  const json = (type: string) => ({ 'content-type': type });
  for (const { name, sent, code, reason, says } of [
    {
      name: 'half a JSON body',
      sent: () => send('POST', list, { body: '{"kind":' }),
      code: 400,
      reason: 'BadRequest',
      says: 'not JSON',
    },
    {
      name: 'broken YAML',
      sent: () => send('POST', list, { headers: json('application/yaml'), body: 'a: [' }),
      code: 400,
      reason: 'BadRequest',
      says: 'not YAML',
    },
    {
      name: 'two YAML documents',
      sent: () => send('POST', list, { headers: json('application/yaml'), body: 'a: 1\n---\nb: 2\n' }),
      code: 400,
      reason: 'BadRequest',
      says: 'one object per request',
    },
    {
      name: 'a list as body',
      sent: () => send('POST', list, { body: [] }),
      code: 400,
      reason: 'BadRequest',
      says: 'must be an object, not a list',
    },
    {
      name: 'a namespace that differs from the URL',
      sent: () => send('POST', list, { body: sampleObject({ namespace: 'other' }) }),
      code: 400,
      reason: 'BadRequest',
      says: 'the body says namespace "other", the URL "default"',
    },
    {
      name: 'a kind that differs from the URL',
      sent: () => send('POST', list, { body: { ...sampleObject(), kind: 'Sidecar' } }),
      code: 400,
      reason: 'BadRequest',
      says: 'the body says kind "Sidecar", the URL "SampleRoute"',
    },
    {
      name: 'an object without a name',
      sent: () => send('POST', list, { body: { spec: { hosts: ['a'] } } }),
      code: 422,
      reason: 'Invalid',
      says: 'metadata.name',
    },
    {
      name: 'reading a missing object',
      sent: () => send('GET', `${list}/none`),
      code: 404,
      reason: 'NotFound',
      says: 'sampleroutes "none" not found',
    },
    {
      name: 'replacing a missing object',
      sent: () => send('PUT', `${list}/none`, { body: sampleObject({ name: 'none' }) }),
      code: 404,
      reason: 'NotFound',
      says: 'not found',
    },
    {
      name: 'patching a missing object',
      sent: () => send('PATCH', `${list}/none`, { headers: mergeType, body: {} }),
      code: 404,
      reason: 'NotFound',
      says: 'not found',
    },
    {
      name: 'deleting a missing object',
      sent: () => send('DELETE', `${list}/none`),
      code: 404,
      reason: 'NotFound',
      says: 'not found',
    },
    {
      name: 'deleting an object that a file defines',
      sent: () => send('DELETE', `${list}/from-file`),
      code: 404,
      reason: 'NotFound',
      says: 'mesh/routes.yaml#2 defines it',
    },
    {
      name: 'a mistyped plural',
      sent: () => send('GET', `${list}s/x`),
      code: 404,
      reason: 'NotFound',
      says: 'did you mean "sampleroutes"',
    },
    {
      name: 'an unknown version',
      sent: () => send('GET', one.replace('/v1/', '/v7/')),
      code: 404,
      reason: 'NotFound',
      says: 'sampleroutes of sample.binnacle.io/v1|v1beta1',
    },
    {
      name: 'creating at the URL of an object',
      sent: () => send('POST', one, { body: sampleObject() }),
      code: 405,
      reason: 'MethodNotAllowed',
      says: 'GET, HEAD, PUT, PATCH, DELETE',
    },
    {
      name: 'deleting over all namespaces',
      sent: () => send('DELETE', urls.all),
      code: 405,
      reason: 'MethodNotAllowed',
      says: 'possible are GET, HEAD',
    },
    {
      name: 'creating without a namespace',
      sent: () => send('POST', urls.all, { body: sampleObject() }),
      code: 405,
      reason: 'MethodNotAllowed',
      says: 'possible are GET, HEAD',
    },
    {
      name: 'writing a status',
      sent: () => send('PUT', `${one}/status`, { body: sampleObject() }),
      code: 405,
      reason: 'MethodNotAllowed',
      says: 'status is computed',
    },
    {
      name: 'creating an existing object',
      sent: () => send('POST', list, { body: sampleObject() }),
      code: 409,
      reason: 'AlreadyExists',
      says: 'change it with PUT or PATCH',
    },
    {
      name: 'creating an object that a file defines',
      sent: () => send('POST', list, { body: sampleObject({ name: 'from-file' }) }),
      code: 409,
      reason: 'AlreadyExists',
      says: 'is defined by mesh/routes.yaml#2',
    },
    {
      name: 'replacing an outdated version',
      sent: () => send('PUT', one, { body: stale }),
      code: 409,
      reason: 'Conflict',
      says: 'it has resourceVersion 1 now',
    },
    {
      name: 'patching an outdated version',
      sent: () => send('PATCH', one, { headers: mergeType, body: { metadata: { resourceVersion: '99' } } }),
      code: 409,
      reason: 'Conflict',
      says: 'read it again',
    },
    {
      name: 'deleting an outdated version',
      sent: () => send('DELETE', one, { body: { preconditions: { resourceVersion: '99' } } }),
      code: 409,
      reason: 'Conflict',
      says: 'read it again',
    },
    {
      name: 'a body over 10 MiB',
      sent: () => send('POST', list, { body: 'x'.repeat(10 * 1024 * 1024 + 1) }),
      code: 413,
      reason: 'RequestEntityTooLarge',
      says: '10485760 bytes',
    },
    {
      name: 'a form',
      sent: () => send('POST', list, { headers: json('text/csv'), body: 'a' }),
      code: 415,
      reason: 'UnsupportedMediaType',
      says: 'application/yaml',
    },
    {
      name: 'a patch without a patch type',
      sent: () => send('PATCH', one, { body: {} }),
      code: 415,
      reason: 'UnsupportedMediaType',
      says: 'send application/merge-patch+json or application/json-patch+json',
    },
    {
      name: 'a strategic patch of a rule',
      sent: () => send('PATCH', one, { headers: json('application/strategic-merge-patch+json'), body: {} }),
      code: 415,
      reason: 'UnsupportedMediaType',
      says: 'send application/merge-patch+json',
    },
    {
      name: 'a patch instead of an object',
      sent: () => send('POST', list, { headers: mergeType, body: {} }),
      code: 415,
      reason: 'UnsupportedMediaType',
      says: 'send application/json or application/yaml',
    },
    {
      name: 'server-side apply',
      sent: () => send('PATCH', one, { headers: json('application/apply-patch+yaml'), body: 'a: 1' }),
      code: 415,
      reason: 'UnsupportedMediaType',
      says: 'not supported yet',
    },
    {
      name: 'a partial dry run',
      sent: () => send('DELETE', `${one}?dryRun=Some`),
      code: 400,
      reason: 'BadRequest',
      says: 'dryRun must be All, not "Some"; nothing was done',
    },
    {
      name: 'a duplicate parameter',
      sent: () => send('DELETE', `${one}?dryRun=All&dryRun=All`),
      code: 400,
      reason: 'BadRequest',
      says: 'dryRun is in the URL twice',
    },
    {
      name: 'an unknown fieldValidation',
      sent: () => send('PUT', `${one}?fieldValidation=strict`, { body: sampleObject() }),
      code: 400,
      reason: 'BadRequest',
      says: 'did you mean "Strict"?',
    },
    {
      name: 'no body',
      sent: () => send('POST', list),
      code: 400,
      reason: 'BadRequest',
      says: 'the body is empty',
    },
    {
      name: 'finalizers',
      sent: () => send('PUT', one, { body: sampleObject({ metadata: { finalizers: ['a.example/b'] } }) }),
      code: 422,
      reason: 'Invalid',
      says: 'metadata.finalizers: nothing here acts on finalizers',
    },
    {
      name: 'replacing an object that was created again',
      sent: () => send('PUT', one, { body: sampleObject({ metadata: { uid: 'other' } }) }),
      code: 409,
      reason: 'Conflict',
      says: 'it was deleted and made again',
    },
    {
      name: 'deleting an object that was created again',
      sent: () => send('DELETE', one, { body: { preconditions: { uid: 'other' } } }),
      code: 409,
      reason: 'Conflict',
      says: 'it was deleted and made again',
    },
    {
      name: 'a mistyped precondition',
      sent: () => send('DELETE', one, { body: { preconditions: { resourceversion: '1' } } }),
      code: 422,
      reason: 'Invalid',
      says: 'did you mean "resourceVersion"?',
    },
  ]) {
    it(`${name}: ${code}`, async () => {
      const before = await store.list('SampleRoute');
      const { body, ...answer } = await sent();
      expect(answer.code).toBe(code);
      expect(body).toMatchObject({ kind: 'Status', status: 'Failure', code, reason });
      expect(body.message).toContain(says);
      expect(await store.list('SampleRoute')).toEqual(before);
    });
  }

  it('unsupported methods, with the supported ones in a header', async () => {
    expect((await send('PUT', list, { body: {} })).headers.allow).toBe('GET, HEAD, POST, DELETE');
  });

  it('writes with 503 while the store is read-only', async () => {
    await store.close();
    const { headers, ...answer } = await send('DELETE', one);
    expect(answer).toMatchObject({ code: 503, body: { reason: 'ServiceUnavailable' } });
    expect(headers['retry-after']).toBe('1');
  });
});

it('writes wait for adapters that may define the same names: 503 with Retry-After, and nothing is changed', async () => {
  let awaited: readonly string[] = ['mesh-dir'];
  const api = rulesServer({ awaited: () => awaited });
  const body = sampleObject({ name: 'reviews' });
  for (const { method, url } of [
    { method: 'POST', url: urls.list },
    { method: 'PUT', url: urls.one },
    { method: 'PATCH', url: urls.one },
    { method: 'DELETE', url: urls.one },
    { method: 'POST', url: '/rules/v1/batch' },
  ] as const) {
    const answer = await api.send(method, url, { headers: method === 'PATCH' ? mergeType : {}, body });
    expect(answer).toMatchObject({ code: 503, headers: { 'retry-after': '1' } });
    expect(answer.body.message).toContain('mesh-dir has not answered since the start');
  }
  expect((await api.send('GET', urls.list)).body.items).toEqual([]);
  awaited = [];
  expect((await api.send('POST', urls.list, { body })).code).toBe(201);
  await api.close();
});
