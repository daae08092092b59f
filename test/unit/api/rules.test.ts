import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mergeType, rulesServer, urls } from '../../support/rules-server.ts';
import { sampleObject } from '../../support/sample-kind.ts';

const { all, list, one } = urls;

let { store, send, close } = rulesServer();
beforeEach(() => {
  ({ store, send, close } = rulesServer());
});
afterEach(() => close());

describe('writing a rule over HTTP', () => {
  it('creates, reads, lists, replaces and deletes', async () => {
    const created = await send('POST', list, { body: sampleObject() });
    expect(created).toMatchObject({ code: 201, body: { ...sampleObject(), metadata: { generation: 1 } } });
    expect(await send('GET', one)).toMatchObject({ code: 200, body: created.body });
    expect(await send('GET', list)).toMatchObject({
      code: 200,
      body: { kind: 'SampleRouteList', metadata: { resourceVersion: '1' }, items: [created.body] },
    });
    const replaced = await send('PUT', one, { body: sampleObject({ spec: { hosts: ['other'] } }) });
    expect(replaced).toMatchObject({ code: 200, body: { spec: { hosts: ['other'] }, metadata: { generation: 2 } } });
    expect(await send('DELETE', one)).toMatchObject({ code: 200, body: { kind: 'Status', status: 'Success' } });
    expect(await send('GET', one)).toMatchObject({ code: 404 });
  });

  it('lists over all namespaces', async () => {
    await send('POST', list, { body: sampleObject() });
    await send('POST', list.replace('default', 'other'), { body: sampleObject({ namespace: 'other' }) });
    const { body } = await send('GET', all);
    expect(body.items.map((item: { metadata: { namespace: string } }) => item.metadata.namespace)).toEqual([
      'default',
      'other',
    ]);
  });

  it('accepts YAML', async () => {
    const body = 'metadata:\n  name: reviews\nspec:\n  hosts: [reviews]\n';
    const created = await send('POST', list, { headers: { 'content-type': 'application/yaml' }, body });
    expect(created).toMatchObject({ code: 201, body: { kind: 'SampleRoute', spec: { hosts: ['reviews'] } } });
  });

  it('serves one object in every version of its kind', async () => {
    await send('POST', list, { body: sampleObject() });
    const read = await send('GET', one.replace('/v1/', '/v1beta1/'));
    expect(read.body.apiVersion).toBe('sample.binnacle.io/v1beta1');
  });

  it('returns the spec as written, without defaults of the schema', async () => {
    await send('POST', list, { body: sampleObject({ spec: { hosts: ['a'] } }) });
    expect((await send('GET', one)).body.spec).toEqual({ hosts: ['a'] });
  });

  it('merges a patch and removes fields that it sets to null', async () => {
    await send('POST', list, { body: sampleObject({ spec: { hosts: ['a'], mode: 'PERMISSIVE' } }) });
    const body = { metadata: { labels: { team: 'a' } }, spec: { mode: null } };
    const patched = await send('PATCH', one, { headers: mergeType, body });
    expect(patched).toMatchObject({ code: 200, body: { metadata: { labels: { team: 'a' } } } });
    expect(patched.body.spec).toEqual({ hosts: ['a'] });
  });

  it('merges a patch into a concurrent change', async () => {
    await send('POST', list, { body: sampleObject() });
    const read = store.get;
    vi.spyOn(store, 'get').mockImplementationOnce(async (wanted) => {
      const seen = await read(wanted);
      await send('PATCH', one, { headers: mergeType, body: { metadata: { labels: { other: 'x' } } } });
      return seen;
    });
    const body = { metadata: { labels: { mine: 'x' }, resourceVersion: null } };
    const patched = await send('PATCH', one, { headers: mergeType, body });
    expect(patched).toMatchObject({ code: 200, body: { metadata: { labels: { mine: 'x', other: 'x' } } } });
  });

  it('records the author', async () => {
    await send('POST', list, { body: sampleObject(), headers: { 'x-binnacle-author': 'ann' } });
    await send('DELETE', one, { headers: { 'user-agent': 'curl/8' } });
    expect(
      (await store.history({ kind: 'SampleRoute', namespace: 'default', name: 'reviews' })).map(({ author }) => author),
    ).toEqual(['curl/8', 'ann']);
  });
});
