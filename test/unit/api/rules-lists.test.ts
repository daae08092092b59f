import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rulesServer, urls } from '../../support/rules-server.ts';
import { sampleObject } from '../../support/sample-kind.ts';

const { all, list } = urls;

let { send, store, clock, close } = rulesServer();
beforeEach(() => {
  ({ send, store, clock, close } = rulesServer());
});
afterEach(() => close());

const create = (name: string, labels: Record<string, string> = {}, namespace = 'default') =>
  send('POST', list.replace('default', namespace), { body: sampleObject({ name, namespace, metadata: { labels } }) });

const namesIn = (body: { items: { metadata: { name: string } }[] }) => body.items.map(({ metadata }) => metadata.name);

const query = (parameters: Record<string, string>) => `?${new URLSearchParams(parameters)}`;

describe('a list with selectors', () => {
  beforeEach(async () => {
    await create('a', { team: 'books', tier: '1' });
    await create('b', { team: 'music' });
    await create('c', {}, 'other');
  });

  for (const { parameters, want } of [
    { parameters: { labelSelector: 'team=books' }, want: ['a'] },
    { parameters: { labelSelector: 'team!=books' }, want: ['b', 'c'] },
    { parameters: { labelSelector: 'team in (books, music),!tier' }, want: ['b'] },
    { parameters: { fieldSelector: 'metadata.name=b' }, want: ['b'] },
    { parameters: { fieldSelector: 'metadata.namespace!=default' }, want: ['c'] },
    { parameters: { fieldSelector: 'metadata.name==c,metadata.namespace=default' }, want: [] },
    { parameters: { labelSelector: '', fieldSelector: '' }, want: ['a', 'b', 'c'] },
  ]) {
    it(`has the objects that ${JSON.stringify(parameters)} selects`, async () => {
      const { code, body } = await send('GET', `${all}${query(parameters)}`);
      expect([code, namesIn(body)]).toEqual([200, want]);
    });
  }

  for (const { parameters, says } of [
    { parameters: { labelSelector: 'team in books' }, says: 'expected a list of values in parentheses' },
    { parameters: { fieldSelector: 'spec.hosts=a' }, says: 'selected by metadata.name and metadata.namespace only' },
    { parameters: { fieldSelector: 'metadata.name' }, says: 'must be FIELD=VALUE' },
    { parameters: { limit: '-1' }, says: 'limit must be a whole number' },
    { parameters: { resourceVersion: 'new' }, says: 'resourceVersion must be a number' },
    { parameters: { resourceVersionMatch: 'Exact' }, says: 'needs a resourceVersion' },
    { parameters: { resourceVersion: '0', resourceVersionMatch: 'Exact' }, says: 'other than 0' },
    {
      parameters: { resourceVersion: '1', resourceVersionMatch: 'Newest' },
      says: 'must be one of Exact, NotOlderThan',
    },
    { parameters: { continue: 'x' }, says: 'continue must be the token of the previous page' },
    { parameters: { continue: 'x', resourceVersion: '1' }, says: 'cannot be given with continue' },
  ]) {
    it(`is rejected for ${JSON.stringify(parameters)}`, async () => {
      const { code, body } = await send('GET', `${list}${query(parameters)}`);
      expect(code).toBe(400);
      expect(body.message).toContain(says);
    });
  }
});

describe('a list in pages', () => {
  beforeEach(async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name, name < 'd' ? { early: 'yes' } : {});
  });

  const page = (parameters: Record<string, string>) => send('GET', `${list}${query(parameters)}`);

  it('shows the state of one moment, although objects are added and removed', async () => {
    const first = await page({ limit: '2' });
    expect(first.body.metadata).toMatchObject({ resourceVersion: '5', remainingItemCount: 3 });
    await send('DELETE', `${list}/c`);
    await create('bb');
    const second = await page({ limit: '2', continue: first.body.metadata.continue });
    expect(second.body.metadata).toMatchObject({ resourceVersion: '5', remainingItemCount: 1 });
    const third = await page({ limit: '2', continue: second.body.metadata.continue });
    expect([first, second, third].flatMap(({ body }) => namesIn(body))).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(third.body.metadata).toEqual({ resourceVersion: '5' });
  });

  it('omits the number of remaining objects with selectors', async () => {
    const { body } = await page({ limit: '2', labelSelector: 'early' });
    expect([namesIn(body), body.metadata.remainingItemCount]).toEqual([['a', 'b'], undefined]);
    const rest = await page({ continue: body.metadata.continue, labelSelector: 'early' });
    expect([namesIn(rest.body), rest.body.metadata.continue]).toEqual([['c'], undefined]);
  });

  it('ends without a token when no selected object remains', async () => {
    const { body } = await page({ limit: '3', labelSelector: 'early' });
    expect(body.metadata.continue).toBeUndefined();
  });

  it('answers 410 after its list was evicted, and continues with the current list', async () => {
    const first = await page({ limit: '2' });
    await create('bb');
    clock.advance(5 * 60_000);
    const gone = await page({ limit: '2', continue: first.body.metadata.continue });
    expect(gone).toMatchObject({ code: 410, body: { reason: 'Expired', status: 'Failure' } });
    const rest = await page({ continue: gone.body.metadata.continue });
    expect(namesIn(rest.body)).toEqual(['bb', 'c', 'd', 'e']);
    expect(rest.body.metadata.resourceVersion).toBe('6');
  });

  it('needs no cached list while nothing changes', async () => {
    const first = await page({ limit: '4' });
    clock.advance(60 * 60_000);
    expect(namesIn((await page({ continue: first.body.metadata.continue })).body)).toEqual(['e']);
  });

  it('rejects the token of another list', async () => {
    const { body } = await page({ limit: '2' });
    const other = await send('GET', `${all}${query({ continue: body.metadata.continue })}`);
    expect(other).toMatchObject({ code: 400, body: { message: expect.stringContaining('of another list') } });
  });
});

describe('a list of a version', () => {
  beforeEach(async () => {
    await create('a');
    await create('b');
  });

  for (const { parameters, code, says } of [
    { parameters: { resourceVersion: '0' }, code: 200 },
    { parameters: { resourceVersion: '1' }, code: 200 },
    { parameters: { resourceVersion: '1', resourceVersionMatch: 'NotOlderThan' }, code: 200 },
    { parameters: { resourceVersion: '2', resourceVersionMatch: 'Exact' }, code: 200 },
    { parameters: { resourceVersion: '1', resourceVersionMatch: 'Exact' }, code: 410, says: 'is not kept' },
    { parameters: { resourceVersion: '9' }, code: 504, says: 'Too large resource version: 9, current: 2' },
  ]) {
    it(`answers ${code} to ${JSON.stringify(parameters)}`, async () => {
      const answer = await send('GET', `${list}${query(parameters)}`);
      expect(answer.code).toBe(code);
      if (says === undefined) expect(namesIn(answer.body)).toEqual(['a', 'b']);
      else expect(answer.body.message).toContain(says);
    });
  }
});

describe('deletion of a collection', () => {
  beforeEach(async () => {
    await create('a', { team: 'books' });
    await create('b', { team: 'music' });
    await create('c', { team: 'books' }, 'other');
  });

  it('deletes the selected objects of one namespace and returns them', async () => {
    const { code, body } = await send('DELETE', `${list}${query({ labelSelector: 'team=books' })}`);
    expect([code, body.kind, namesIn(body)]).toEqual([200, 'SampleRouteList', ['a']]);
    expect(namesIn((await send('GET', all)).body)).toEqual(['b', 'c']);
  });

  it('deletes nothing in a dry run', async () => {
    const { body } = await send('DELETE', list, { body: { kind: 'DeleteOptions', dryRun: ['All'] } });
    expect(namesIn(body)).toEqual(['a', 'b']);
    expect(namesIn((await send('GET', all)).body)).toEqual(['a', 'b', 'c']);
  });

  it('keeps an object that stopped matching concurrently', async () => {
    await create('d', { team: 'books' });
    const transact = store.transact;
    vi.spyOn(store, 'transact').mockImplementationOnce(async (writes, options) => {
      await send('PUT', `${list}/a`, { body: sampleObject({ name: 'a' }) });
      return transact(writes, options);
    });
    const { body } = await send('DELETE', `${list}${query({ labelSelector: 'team=books' })}`);
    expect(namesIn(body)).toEqual(['d']);
    expect(namesIn((await send('GET', list)).body)).toEqual(['a', 'b']);
  });

  it('deletes nothing when nothing is selected', async () => {
    const { code, body } = await send('DELETE', `${list}${query({ labelSelector: 'team=none' })}`);
    expect([code, body.items]).toEqual([200, []]);
  });
});
