import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { meshConfig } from '../../../src/rules/kinds/mesh-config/index.ts';
import { namespace } from '../../../src/rules/kinds/namespace/index.ts';
import { jsonPatchHeaders, mergeType, rulesServer, urls } from '../../support/rules-server.ts';
import { sampleKind, sampleObject } from '../../support/sample-kind.ts';

const namespaces = '/api/v1/namespaces';
const meshConfigs = '/apis/mesh.binnacle.dev/v1/meshconfigs';
const strategicType = { 'content-type': 'application/strategic-merge-patch+json' };

const server = () => rulesServer({ kinds: [sampleKind, meshConfig, namespace] });
let { send, clock, store, close } = server();
beforeEach(() => {
  ({ send, clock, store, close } = server());
});
afterEach(() => close());

const made = (name: string, labels = {}) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
const namesIn = (body: { items: { metadata: { name: string } }[] }) => body.items.map(({ metadata }) => metadata.name);
const createIn = (name: string) =>
  send('POST', urls.list.replace('default', name), { body: sampleObject({ namespace: name }) });

describe('a cluster-scoped object', () => {
  it('is written, read, listed and deleted without a namespace', async () => {
    const body = { metadata: { name: 'default' }, spec: {} };
    const created = await send('POST', meshConfigs, { body });
    expect(created).toMatchObject({ code: 201, body: { apiVersion: 'mesh.binnacle.dev/v1', kind: 'MeshConfig' } });
    expect(created.body.metadata).not.toHaveProperty('namespace');
    const one = `${meshConfigs}/default`;
    expect((await send('GET', one)).body).toEqual(created.body);
    expect((await send('PUT', one, { body: created.body })).code).toBe(200);
    expect((await send('PATCH', one, { headers: mergeType, body: { metadata: { labels: { a: 'b' } } } })).code).toBe(
      200,
    );
    expect(namesIn((await send('GET', meshConfigs)).body)).toEqual(['default']);
    expect((await send('DELETE', one)).code).toBe(200);
    expect(await send('GET', one)).toMatchObject({
      code: 404,
      body: { message: 'meshconfigs "default" not found' },
    });
  });

  it('must have the one name that its kind allows', async () => {
    expect(await send('POST', meshConfigs, { body: { metadata: { name: 'other' }, spec: {} } })).toMatchObject({
      code: 422,
      body: {
        details: { causes: [{ field: 'metadata.name', message: 'must be "default": there is one MeshConfig only' }] },
      },
    });
  });

  it('has no namespace', async () => {
    const body = { metadata: { name: 'default', namespace: 'default' }, spec: {} };
    expect(await send('POST', meshConfigs, { body })).toMatchObject({
      code: 400,
      body: { message: 'the body says namespace "default", the URL none' },
    });
    expect((await send('GET', '/apis/mesh.binnacle.dev/v1/namespaces/default/meshconfigs')).code).toBe(404);
  });
});

describe('namespaces', () => {
  it('are the created ones, those with an object, and default', async () => {
    await send('POST', namespaces, { body: made('books', { team: 'a' }) });
    clock.advance(1_000);
    const { body: object } = await createIn('shop');
    clock.advance(1_000);
    await send('POST', urls.list.replace('default', 'shop'), { body: sampleObject({ name: 'b', namespace: 'shop' }) });
    const { body } = await send('GET', namespaces);
    expect(namesIn(body)).toEqual(['books', 'default', 'shop']);
    expect(body.items[0]).toMatchObject({ ...made('books', { team: 'a' }), status: { phase: 'Active' } });
    expect(body.items[2]).toMatchObject({
      metadata: { name: 'shop', creationTimestamp: object.metadata.creationTimestamp },
      status: { phase: 'Active' },
    });
    expect((await send('GET', `${namespaces}/shop`)).body).toEqual(body.items[2]);
    expect((await send('GET', `${namespaces}/none`)).code).toBe(404);
  });

  for (const { name, change } of [
    {
      name: 'a strategic patch, as kubectl sends it',
      change: () =>
        send('PATCH', `${namespaces}/shop`, { headers: strategicType, body: { metadata: { labels: { a: 'b' } } } }),
    },
    {
      name: 'a merge patch',
      change: () =>
        send('PATCH', `${namespaces}/shop`, { headers: mergeType, body: { metadata: { labels: { a: 'b' } } } }),
    },
    {
      name: 'a JSON patch',
      change: () =>
        send('PATCH', `${namespaces}/shop`, {
          headers: jsonPatchHeaders,
          body: [{ op: 'add', path: '/metadata/labels/a', value: 'b' }],
        }),
    },
    { name: 'PUT', change: () => send('PUT', `${namespaces}/shop`, { body: made('shop', { a: 'b' }) }) },
    { name: 'POST', change: () => send('POST', namespaces, { body: made('shop', { a: 'b' }) }) },
    {
      name: 'a batch',
      change: () => send('POST', '/rules/v1/batch', { body: { kind: 'List', items: [made('shop', { a: 'b' })] } }),
    },
  ]) {
    it(`keep labels that come with ${name}, even if nobody created them`, async () => {
      await createIn('shop');
      expect((await change()).code).toBeLessThan(300);
      expect((await send('GET', `${namespaces}/shop`)).body.metadata.labels).toEqual({ a: 'b' });
      expect(await store.get({ kind: 'Namespace', namespace: '', name: 'shop' })).not.toBeNull();
    });
  }

  it('are selected by label', async () => {
    await send('POST', namespaces, { body: made('books', { team: 'a' }) });
    expect(namesIn((await send('GET', `${namespaces}?labelSelector=team`)).body)).toEqual(['books']);
  });

  it('are deleted when empty', async () => {
    await send('POST', namespaces, { body: made('books') });
    expect((await send('DELETE', `${namespaces}/books`)).code).toBe(200);
    expect((await send('GET', `${namespaces}/books`)).code).toBe(404);
  });

  it('are not deleted with objects in them, nor as a collection, nor if default', async () => {
    await send('POST', namespaces, { body: made('shop') });
    await createIn('shop');
    expect(await send('DELETE', `${namespaces}/shop`)).toMatchObject({
      code: 409,
      body: { message: 'namespaces "shop" still has objects, such as SampleRoute "reviews": delete them first' },
    });
    expect(await send('DELETE', `${namespaces}/default`)).toMatchObject({
      code: 409,
      body: { message: expect.stringContaining('cannot be deleted') },
    });
    expect((await send('DELETE', namespaces)).code).toBe(405);
    expect(namesIn((await send('GET', namespaces)).body)).toEqual(['default', 'shop']);
  });

  it('are deleted together with all their objects in one batch', async () => {
    await send('POST', namespaces, { body: made('shop') });
    await createIn('shop');
    await send('POST', urls.list.replace('default', 'shop'), { body: sampleObject({ name: 'b', namespace: 'shop' }) });
    const some = [made('shop'), sampleObject({ namespace: 'shop' })];
    const remove = (items: unknown[]) =>
      send('POST', '/rules/v1/batch?action=delete', { body: { kind: 'List', items } });
    expect((await remove(some)).code).toBe(409);
    expect((await remove([...some, sampleObject({ name: 'b', namespace: 'shop' })])).code).toBe(200);
    expect(namesIn((await send('GET', namespaces)).body)).toEqual(['default']);
  });

  for (const name of ['a.b', 'A', 'x'.repeat(64)]) {
    it(`cannot be called ${name}`, async () => {
      expect(await send('POST', namespaces, { body: made(name) })).toMatchObject({
        code: 422,
        body: { details: { causes: [{ field: 'metadata.name' }] } },
      });
    });
  }

  it('reject directives of strategic patches', async () => {
    const body = { metadata: { labels: { $patch: 'replace' } } };
    expect(await send('PATCH', `${namespaces}/default`, { headers: strategicType, body })).toMatchObject({
      code: 400,
      body: { message: expect.stringContaining('$patch') },
    });
  });
});
