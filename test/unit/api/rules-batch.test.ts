import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { namespace } from '../../../src/rules/kinds/namespace/index.ts';
import { rulesServer, urls, yamlType } from '../../support/rules-server.ts';
import { sampleKind, sampleObject } from '../../support/sample-kind.ts';

const server = () => rulesServer({ kinds: [sampleKind, namespace] });
let { send, store, clock, close } = server();
beforeEach(() => {
  ({ send, store, clock, close } = server());
});
afterEach(() => close());

const batch = (items: unknown[], query = '') =>
  send('POST', `/rules/v1/batch${query}`, { body: { apiVersion: 'v1', kind: 'List', items } });
const yamlBatch = (documents: unknown[], query = '') =>
  send('POST', `/rules/v1/batch${query}`, {
    headers: yamlType,
    body: documents.map((one) => (typeof one === 'string' ? one : stringify(one))).join('---\n'),
  });
const named = (name: string, hosts = ['a'], metadata = {}) => sampleObject({ name, spec: { hosts }, metadata });
const namesNow = async () => (await store.list('SampleRoute')).items.map(({ metadata }) => metadata.name);

describe('a batch', () => {
  it('creates, replaces and keeps objects in one transaction', async () => {
    await send('POST', urls.list, { body: named('same') });
    await send('POST', urls.list, { body: named('other', ['old']) });
    const told: unknown[] = [];
    store.subscribe((changes) => told.push(changes.length));
    const { code, body } = await batch([named('same'), named('other', ['new']), named('new')]);
    expect([code, body.kind]).toEqual([200, 'BatchResult']);
    expect(body.items).toEqual([
      { action: 'unchanged', kind: 'SampleRoute', namespace: 'default', name: 'same', resourceVersion: '1' },
      { action: 'configured', kind: 'SampleRoute', namespace: 'default', name: 'other', resourceVersion: '3' },
      { action: 'created', kind: 'SampleRoute', namespace: 'default', name: 'new', resourceVersion: '4' },
    ]);
    expect(told).toEqual([2, 2]); // the earlier objects, then the batch
  });

  it('may be a YAML stream of objects and lists', async () => {
    const { code } = await yamlBatch([named('a'), '# nothing\n', { kind: 'List', items: [named('b'), named('c')] }]);
    expect(code).toBe(200);
    expect(await namesNow()).toEqual(['a', 'b', 'c']);
  });

  it('puts objects without a namespace into default', async () => {
    await batch([{ ...named('a'), metadata: { name: 'a' } }]);
    expect((await send('GET', `${urls.list}/a`)).code).toBe(200);
  });

  it('deletes by name, whatever else the objects contain', async () => {
    await batch([named('a'), named('b')]);
    const { body } = await batch([{ ...named('a'), spec: { none: 1 } }], '?action=delete');
    expect(body.items).toMatchObject([{ action: 'deleted', name: 'a' }]);
    expect(await namesNow()).toEqual(['b']);
  });

  it('changes nothing in a dry run', async () => {
    expect((await batch([named('a')], '?dryRun=All')).body.items).toMatchObject([{ action: 'created' }]);
    expect(await namesNow()).toEqual([]);
  });

  it('warns about each dropped field, naming the object', async () => {
    const { headers, body } = await batch([named('a'), { ...named('b'), sepc: 1 }], '?fieldValidation=Warn');
    expect(body.items).toHaveLength(2);
    expect(headers.warning).toEqual(['299 - "items[1] (SampleRoute default/b): sepc: unknown field, was left out"']);
  });

  it('keeps the annotation of kubectl apply, so that alternating with kubectl changes nothing', async () => {
    const note = { 'kubectl.kubernetes.io/last-applied-configuration': '{"spec":{}}' };
    await send('POST', urls.list, { body: { ...named('a'), metadata: { name: 'a', annotations: note } } });
    const { body } = await batch([named('a')]);
    expect(body.items).toMatchObject([{ action: 'unchanged', name: 'a' }]);
    await batch([named('a', ['other'])]);
    const { metadata, spec } = (await send('GET', `${urls.list}/a`)).body;
    expect([metadata.annotations, spec.hosts]).toEqual([note, ['other']]);
  });

  describe('with a mistake', () => {
    beforeEach(async () => {
      await batch([named('there', ['old'])]);
    });

    for (const { name, sent, code, says, verb = 'apply' } of [
      {
        name: 'an invalid field',
        sent: () => batch([named('a'), named('b'), named('c', [])]),
        code: 422,
        says: ['items[2].spec.hosts: ', 'in items[2] (SampleRoute default/c)'],
      },
      {
        name: 'an invalid field in a YAML stream',
        sent: () => yamlBatch([named('a'), { kind: 'List', items: [named('b'), { ...named('c'), sepc: 1 }] }]),
        code: 422,
        says: ['items[2].sepc: unknown field', 'in items[2] (SampleRoute default/c, document 2)'],
      },
      {
        name: 'a duplicate key',
        sent: () =>
          yamlBatch([
            named('a'),
            'apiVersion: sample.binnacle.io/v1\nkind: SampleRoute\nmetadata: {name: b}\nspec:\n  hosts: [a]\n  hosts: [b]\n',
          ]),
        code: 422,
        says: ['items[1].spec.hosts: duplicate field'],
      },
      {
        name: 'an unknown kind',
        sent: () => batch([{ ...named('a'), kind: 'SampleRoot' }]),
        code: 422,
        says: ['items[0].kind: unknown kind', 'did you mean'],
      },
      {
        name: 'an item that is not an object',
        sent: () => batch([named('a'), 7]),
        code: 422,
        says: ['items[1]: must be an object'],
      },
      {
        name: 'a duplicate object',
        sent: () => batch([named('a'), named('a', ['b'])]),
        code: 422,
        says: ['items[1] (SampleRoute default/a) is the same object as items[0]'],
      },
      {
        name: 'a name that a file defines',
        sent: () => batch([named('a'), named('from-file')]),
        code: 409,
        says: ['is defined by mesh/routes.yaml#2'],
      },
      {
        name: 'creating an existing object',
        verb: 'create',
        sent: () => batch([named('a'), named('there')], '?action=create'),
        code: 409,
        says: ['items[1] (SampleRoute default/there): ', 'already exists'],
      },
      {
        name: 'an outdated version',
        sent: () => batch([named('a'), named('there', ['b'], { resourceVersion: '9' })]),
        code: 409,
        says: ['items[1] (SampleRoute default/there)', 'was changed meanwhile'],
      },
      {
        name: 'deleting a missing object',
        verb: 'delete',
        sent: () => batch([named('there'), named('none')], '?action=delete'),
        code: 404,
        says: ['items[1] (SampleRoute default/none)', 'not found'],
      },
      {
        name: 'an unknown action',
        verb: 'batch',
        sent: () => batch([named('a')], '?action=aply'),
        code: 400,
        says: ['did you mean "apply"?'],
      },
      {
        name: 'an invalid document',
        sent: () => yamlBatch([named('a'), 'just text\n']),
        code: 400,
        says: ['document 2 must be an object'],
      },
      { name: 'no document', sent: () => yamlBatch(['# nothing\n']), code: 400, says: ['the body is empty'] },
      {
        name: 'broken YAML',
        sent: () => yamlBatch([named('a'), 'a: [\n']),
        code: 400,
        says: ['line 11, column 1, in document 2'],
      },
    ]) {
      it(`(${name}) changes nothing and reports the mistake`, async () => {
        const { code: got, body } = await sent();
        expect(got).toBe(code);
        for (const text of says) expect(body.message).toContain(text);
        expect(await namesNow()).toEqual(['there']);
        expect((await store.audit({ limit: 1 })).items).toMatchObject([{ verb, code }]);
      });
    }
  });

  it('reports the first twenty of many problems', async () => {
    const { body } = await batch(Array.from({ length: 100 }, (_, index) => named(`n${index}`, [])));
    expect(body.details.causes).toHaveLength(20);
    expect(body.details.causes[19].field).toBe('items[19].spec.hosts');
  });
});

describe('export and import', () => {
  beforeEach(async () => {
    await send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'shop', labels: { a: 'b' } } } });
    await batch([named('a', ['yes']), { ...named('b'), apiVersion: 'sample.binnacle.io/v1beta1' }]);
    clock.advance(60_000);
  });

  const exported = (accept?: string) =>
    send('GET', '/rules/v1/export', accept === undefined ? {} : { headers: { accept } });

  it('lists each object with its metadata, without status and implied namespaces', async () => {
    const { body, headers } = await exported('application/json');
    expect(headers['content-type']).toContain('application/json');
    expect(body).toMatchObject({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '3' } });
    const known = await store.list('SampleRoute');
    expect(body.items).toEqual([
      ...known.items,
      expect.objectContaining({ kind: 'Namespace', metadata: expect.objectContaining({ name: 'shop' }) }),
    ]);
    expect(body.items[2]).not.toHaveProperty('status');
  });

  it('is YAML that other parsers read identically', async () => {
    const { text, headers } = await exported();
    expect(headers['content-type']).toContain('application/yaml');
    expect(text).toContain('- "yes"');
    expect(text.match(/^---$/gm)).toHaveLength(2);
  });

  it('restore an exported store completely', async () => {
    const before = await exported('application/json');
    const { text } = await exported();
    const other = server();
    other.clock.advance(999_000);
    expect((await other.send('POST', '/rules/v1/import', { headers: yamlType, body: text })).code).toBe(200);
    const after = await other.send('GET', '/rules/v1/export', { headers: { accept: 'application/json' } });
    const withoutVersions = (body: { items: { metadata: object }[] }) =>
      body.items.map((item) => ({ ...item, metadata: { ...item.metadata, resourceVersion: '', generation: 0 } }));
    expect(withoutVersions(after.body)).toEqual(withoutVersions(before.body));
    await other.close();
  });

  it('keeps objects that the import lacks, or deletes them on request', async () => {
    const { body } = await exported('application/json');
    await batch([named('later')]);
    await send('POST', '/rules/v1/import', { body });
    expect(await namesNow()).toEqual(['a', 'b', 'later']);
    const tried = await send('POST', '/rules/v1/import?replace=true&dryRun=All', { body });
    expect(tried.body.items).toMatchObject([{ action: 'deleted', name: 'later' }, {}, {}, {}]);
    expect(await namesNow()).toEqual(['a', 'b', 'later']);
    await send('POST', '/rules/v1/import?replace=true', { body });
    expect(await namesNow()).toEqual(['a', 'b']);
  });

  it('accepts an import larger than any batch', async () => {
    const items = Array.from({ length: 12 }, (_, index) =>
      sampleObject({ name: `n${index}`, spec: { hosts: ['x'.repeat(1e6)] } }),
    );
    const body = { kind: 'List', items };
    expect((await send('POST', '/rules/v1/batch', { body })).code).toBe(413);
    expect((await send('POST', '/rules/v1/import', { body })).code).toBe(200);
    expect((await send('GET', `${urls.list}/n11`)).code).toBe(200);
  });

  it('validates an import like any write', async () => {
    const { code, body } = await send('POST', '/rules/v1/import?replace=true', {
      body: { kind: 'List', items: [named('x', [])] },
    });
    expect([code, body.details.causes[0].field]).toEqual([422, 'items[0].spec.hosts']);
    expect(await namesNow()).toEqual(['a', 'b']);
    expect((await send('POST', '/rules/v1/import?replace=yes', { body: {} })).code).toBe(400);
    expect((await send('POST', '/rules/v1/import')).code).toBe(400);
  });
});

describe('the audit trail', () => {
  const headers = { 'x-binnacle-author': 'ann', 'user-agent': 'test/1' };
  const audit = async (query = '') => (await send('GET', `/rules/v1/audit${query}`)).body;

  it('lists successful and rejected changes, newest first', async () => {
    await send('POST', urls.list, { body: named('a'), headers });
    await send('POST', urls.list, { body: named('a'), headers });
    await send('PUT', `${urls.list}/b`, { body: named('b', []), headers });
    await send('GET', `${urls.list}/none`);
    await send('DELETE', `${urls.list}/none?dryRun=All`);
    const { kind, items } = await audit();
    const common = {
      author: 'ann',
      userAgent: 'test/1',
      remote: '127.0.0.1',
      kind: 'SampleRoute',
      namespace: 'default',
    };
    expect(kind).toBe('AuditList');
    expect(items).toMatchObject([
      {
        ...common,
        verb: 'update',
        name: 'b',
        code: 422,
        message: expect.stringContaining('spec.hosts'),
        resourceVersion: null,
      },
      { ...common, verb: 'create', name: 'a', code: 409, message: expect.stringContaining('already exists') },
      { ...common, verb: 'create', name: 'a', message: null, resourceVersion: '1' },
    ]);
  });

  it('records unreadable bodies and unsupported methods', async () => {
    await send('POST', urls.list, { body: '{', headers });
    await send('DELETE', urls.all, { headers });
    await send('POST', '/rules/v1/batch', { body: 'x'.repeat(10 * 1024 * 1024 + 1), headers });
    expect((await audit()).items).toMatchObject([
      { verb: 'apply', kind: '', name: '', code: 413 },
      { verb: 'delete', kind: 'SampleRoute', name: '', code: 405 },
      { verb: 'create', kind: 'SampleRoute', name: '', code: 400 },
    ]);
  });

  it('is read in pages and with filters', async () => {
    await batch([named('a'), named('b'), named('c')]);
    const first = await audit('?limit=2');
    const second = await audit(`?limit=2&before=${first.next}`);
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['c', 'b', 'a']);
    expect(second.next).toBeNull();
    expect((await audit('?name=b')).items).toHaveLength(1);
    expect((await audit('?kind=Sidecar')).items).toEqual([]);
    expect((await send('GET', '/rules/v1/audit?limit=all')).code).toBe(400);
    expect((await send('GET', '/rules/v1/audit?before=x')).code).toBe(400);
  });
});
