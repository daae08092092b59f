import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonPatchHeaders, mergeType, rulesServer, urls } from '../../support/rules-server.ts';
import { sampleObject } from '../../support/sample-kind.ts';

let api: ReturnType<typeof rulesServer>;
beforeEach(() => {
  api = rulesServer({ areAdapterObjectsShown: true });
});
afterEach(() => api.close());

const url = `${urls.list}/from-file`;
const names = (list: { items: readonly { metadata: { name: string } }[] }) => list.items.map((it) => it.metadata.name);

describe('an object of a file', () => {
  it('is shown like others, with its file', async () => {
    await api.send('POST', urls.list, { body: sampleObject({ name: 'written' }) });
    expect(await api.send('GET', url)).toMatchObject({
      code: 200,
      body: {
        kind: 'SampleRoute',
        metadata: { name: 'from-file', annotations: { 'binnacle.io/defined-in': 'mesh/routes.yaml#2' } },
        spec: { hosts: ['from-file'] },
      },
    });
    for (const url of [urls.list, urls.all])
      expect(names((await api.send('GET', url)).body)).toEqual(['from-file', 'written']);
    expect(names((await api.send('GET', `${urls.all}?labelSelector=team`)).body)).toEqual([]);
    const accept = { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } };
    const table = (await api.send('GET', urls.list, accept)).body;
    const column = table.columnDefinitions.findIndex(({ name }: { name: string }) => name === 'Defined in');
    expect(table.columnDefinitions[column].priority).toBe(1);
    expect(table.rows.map(({ cells }: { cells: unknown[] }) => cells[column])).toEqual(['mesh/routes.yaml#2', '']);
  });

  for (const { name, sent } of [
    { name: 'PUT', sent: () => api.send('PUT', url, { body: sampleObject({ name: 'from-file' }) }) },
    {
      name: 'merge patch',
      sent: () => api.send('PATCH', url, { headers: mergeType, body: { metadata: { labels: { a: 'b' } } } }),
    },
    { name: 'JSON patch', sent: () => api.send('PATCH', url, { headers: jsonPatchHeaders, body: [] }) },
    { name: 'DELETE', sent: () => api.send('DELETE', url) },
    { name: 'POST', sent: () => api.send('POST', urls.list, { body: sampleObject({ name: 'from-file' }) }) },
    { name: 'rollback', sent: () => api.send('POST', `${url}/rollback`, { body: {} }) },
    { name: 'batch', sent: () => batch('apply') },
    { name: 'batch that creates', sent: () => batch('create') },
    { name: 'batch that deletes', sent: () => batch('delete') },
    { name: 'dry run of a batch', sent: () => batch('apply&dryRun=All') },
    { name: 'import', sent: () => api.send('POST', '/rules/v1/import', { body: list }) },
  ]) {
    it(`cannot be written by ${name}: 409 names the file`, async () => {
      const before = await api.store.list('SampleRoute');
      const { code, body } = await sent();
      expect(code).toBe(409);
      expect(body).toMatchObject({ kind: 'Status', status: 'Failure', details: { name: 'from-file' } });
      expect(body.message).toContain('sampleroutes "from-file" is defined by mesh/routes.yaml#2: change it there');
      expect(await api.store.list('SampleRoute')).toEqual(before);
    });
  }

  it('survives the deletion of everything and is not exported', async () => {
    await api.send('POST', urls.list, { body: sampleObject({ name: 'written' }) });
    expect(
      names((await api.send('GET', '/rules/v1/export', { headers: { accept: 'application/json' } })).body),
    ).toEqual(['written']);
    expect(names((await api.send('DELETE', urls.list)).body)).toEqual(['written']);
    expect(names((await api.send('GET', urls.list)).body)).toEqual(['from-file']);
  });
});

const list = { kind: 'List', apiVersion: 'v1', items: [sampleObject({ name: 'from-file' })] };
const batch = (action: string) => api.send('POST', `/rules/v1/batch?action=${action}`, { body: list });
