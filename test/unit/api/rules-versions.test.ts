import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RuleStore } from '../../../src/rules/store.ts';
import { rulesServer, urls } from '../../support/rules-server.ts';
import { sampleObject } from '../../support/sample-kind.ts';

const { list, one } = urls;

let { send, store, close } = rulesServer();
beforeEach(() => {
  ({ send, store, close } = rulesServer());
});
afterEach(() => close());

const hosts = (...names: string[]) => sampleObject({ spec: { hosts: names } });
const rollback = (body: unknown = {}, query = '') => send('POST', `${one}/rollback${query}`, { body });

describe('the history of an object', () => {
  it('lists every version with its author, newest first', async () => {
    await send('POST', list, { body: hosts('a'), headers: { 'x-binnacle-author': 'ann' } });
    await send('PUT', one, { body: hosts('b'), headers: { 'x-binnacle-author': 'ben' } });
    await send('DELETE', one, { headers: { 'x-binnacle-author': 'cem' } });
    const { code, body } = await send('GET', `${one}/history`);
    expect([code, body.kind]).toEqual([200, 'History']);
    expect(body.items).toMatchObject([
      { type: 'removed', resourceVersion: '3', author: 'cem', object: hosts('b') },
      { type: 'updated', resourceVersion: '2', author: 'ben', object: hosts('b') },
      { type: 'created', resourceVersion: '1', author: 'ann', time: expect.any(String), object: hosts('a') },
    ]);
  });

  it('is shown in the API version of the URL', async () => {
    await send('POST', list, { body: hosts('a') });
    const { body } = await send('GET', `${one.replace('/v1/', '/v1beta1/')}/history`);
    expect(body.items[0].object.apiVersion).toBe('sample.binnacle.io/v1beta1');
  });

  it('is 404 for an object that never existed', async () => {
    expect((await send('GET', `${one}/history`)).code).toBe(404);
    expect((await rollback()).code).toBe(404);
  });
});

describe('a rollback', () => {
  beforeEach(async () => {
    await send('POST', list, { body: sampleObject({ spec: { hosts: ['a'] }, metadata: { labels: { l: '1' } } }) });
    await send('PUT', one, { body: hosts('b') });
    await send('PUT', one, { body: hosts('c') });
  });

  it('writes the previous version again', async () => {
    expect(await rollback()).toMatchObject({
      code: 200,
      body: { spec: { hosts: ['b'] }, metadata: { resourceVersion: '4' } },
    });
    expect((await send('GET', one)).body.spec).toEqual({ hosts: ['b'] });
    expect((await store.audit({ limit: 1 })).items).toMatchObject([{ verb: 'rollback', name: 'reviews' }]);
  });

  it('writes a given version again, with its labels', async () => {
    const { body } = await rollback({ resourceVersion: '1' });
    expect(body).toMatchObject({ spec: { hosts: ['a'] }, metadata: { labels: { l: '1' } } });
  });

  it('restores a deleted object', async () => {
    await send('DELETE', one);
    expect(await rollback()).toMatchObject({ code: 201, body: { spec: { hosts: ['c'] } } });
    expect((await send('GET', one)).code).toBe(200);
  });

  it('restores the remaining versions of a long history', async () => {
    const shortened = (whole: RuleStore): RuleStore => ({
      ...whole,
      history: async (key) => (await whole.history(key)).slice(0, 1),
    });
    const other = rulesServer({ store: shortened });
    await other.send('POST', list, { body: hosts('a') });
    await other.send('DELETE', one);
    expect(await other.send('POST', `${one}/rollback`)).toMatchObject({ code: 201, body: { spec: { hosts: ['a'] } } });
    await other.close();
  });

  it('changes nothing in a dry run', async () => {
    expect(await rollback({}, '?dryRun=All')).toMatchObject({ code: 200, body: { spec: { hosts: ['b'] } } });
    expect((await send('GET', one)).body.spec).toEqual({ hosts: ['c'] });
  });

  for (const { name, body, code, says } of [
    {
      name: 'a version that is not in the history',
      body: { resourceVersion: '9' },
      code: 410,
      says: 'there are 3, 2, 1',
    },
    { name: 'an invalid version', body: { resourceVersion: 'old' }, code: 422, says: 'must be a resourceVersion' },
    { name: 'a number', body: { resourceVersion: 1 }, code: 422, says: 'resourceVersion: expected string' },
    { name: 'a mistyped field', body: { version: '1' }, code: 422, says: 'unknown field' },
  ]) {
    it(`is rejected to ${name}`, async () => {
      const answer = await rollback(body);
      expect(answer.code).toBe(code);
      expect(answer.body.message).toContain(says);
    });
  }

  it('is rejected for a version that violates the current schema', async () => {
    const key = { kind: 'SampleRoute', namespace: 'default', name: 'reviews' };
    const draft = { ...hosts(), metadata: { name: key.name, namespace: key.namespace, labels: {}, annotations: {} } };
    await store.update({ ...draft, spec: { hosts: [] } }, { author: 'old release', expectedResourceVersion: null });
    await send('PUT', one, { body: hosts('d') });
    expect(await rollback()).toMatchObject({ code: 422, body: { details: { causes: [{ field: 'spec.hosts' }] } } });
  });

  it('is rejected without a previous version', async () => {
    await send('POST', list, { body: sampleObject({ name: 'new' }) });
    expect((await send('POST', `${list}/new/rollback`)).code).toBe(410);
  });
});
