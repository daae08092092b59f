import { expect, it } from 'vitest';
import {
  type AuditEntry,
  type AuditPage,
  auditLimit,
  auditPageLimit,
  type RuleStore,
  type StoreCapabilities,
  type StoreChange,
} from '../../src/rules/store.ts';
import { draft, keyOfDraft } from './drafts.ts';
import { itWhere } from './it-where.ts';
import { apply, changeLine, create, remove, valueOf, writeAll } from './store-transactions.ts';

const by = { author: 'ann' };
const unconditional = { ...by, expectedResourceVersion: null };
const request = { verb: 'update', remote: '10.1.1.1', userAgent: 'kubectl/1.37' };

/** Tests a store's promises to readers: lists, listeners, the log of changes, the audit trail. */
export function readingConformance(
  current: () => RuleStore,
  { transactions, countedVersions }: StoreCapabilities,
): void {
  const creates = (count: number, options: { text?: string } = {}) =>
    writeAll(
      current(),
      Array.from({ length: count }, (_, index) => create({ name: `n${index}`, spec: { text: options.text ?? '' } })),
      by,
    );
  const since = (version: string) => current().changesSince(version, 'VirtualService');

  it('returns the same list until one of its objects changes, and never modifies a returned list', async () => {
    await writeAll(current(), [create({ name: 'b' }), create({ name: 'd' })], by);
    const { items: before } = await current().list('VirtualService');
    await current().create({ ...draft(), kind: 'Sidecar' }, by);
    expect((await current().list('VirtualService')).items).toBe(before);
    await writeAll(
      current(),
      [create({ name: 'c' }), create({ name: 'a' }), remove({ name: 'd' }), apply({ name: 'b', spec: { v: 2 } })],
      by,
    );
    const { items: after } = await current().list('VirtualService');
    expect(before.map(({ metadata, spec }) => [metadata.name, spec])).toEqual([
      ['b', {}],
      ['d', {}],
    ]);
    expect(after.map(({ metadata, spec }) => [metadata.name, spec])).toEqual([
      ['a', {}],
      ['b', { v: 2 }],
      ['c', {}],
    ]);
  });

  it('shows a change in lists at once, in a namespace and in all', async () => {
    for (const name of ['b', 'c', 'a']) {
      await current().create(draft({ name }), by);
      await current().create(draft({ name, namespace: 'another' }), by);
      const one = (await current().list('VirtualService', 'default')).items;
      const all = (await current().list('VirtualService')).items;
      expect(one.map(({ metadata }) => metadata.name)).toContain(name);
      expect(all.slice(all.length / 2)).toEqual(one);
    }
    await current().remove(keyOfDraft({ name: 'b' }), unconditional);
    const { items } = await current().list('VirtualService');
    expect(items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual([
      'another/a',
      'another/b',
      'another/c',
      'default/a',
      'default/c',
    ]);
  });

  it('sends every change with the previous object', async () => {
    const changes: StoreChange[] = [];
    current().subscribe((told) => changes.push(...told));
    const created = valueOf(await current().create(draft({ spec: { v: 1 } }), by));
    const updated = valueOf(await current().update(draft({ spec: { v: 2 } }), unconditional));
    await current().remove(keyOfDraft(), unconditional);
    const resourceVersion = countedVersions ? '3' : expect.stringMatching(/^[1-9]\d*$/);
    expect(changes).toEqual([
      { type: 'put', object: created, previous: null },
      { type: 'put', object: updated, previous: created },
      { type: 'removed', key: keyOfDraft(), object: updated, resourceVersion },
    ]);
  });

  it('notifies the other listeners and the writer when one listener throws', async () => {
    const told: string[] = [];
    current().subscribe(() => {
      throw new Error('listener');
    });
    current().subscribe((changes) => told.push(...changes.map(changeLine)));
    expect(await current().create(draft(), by)).toMatchObject({ ok: true });
    expect(told).toEqual([expect.stringMatching(/^put reviews \d+$/)]);
  });

  it('returns the changes since a version', async () => {
    await creates(3);
    const { resourceVersion } = await current().list('VirtualService');
    await writeAll(current(), [apply({ name: 'n1', spec: { v: 1 } }), remove({ name: 'n2' })], by);
    const later = since(resourceVersion) ?? [];
    expect(later.map(nameLine)).toEqual(['put n1', 'removed n2']);
    const versions = later.map(versionOf);
    expect(versions.map(Number)).toEqual(versions.map(Number).sort((a, b) => a - b));
    expect(since(versions[0] ?? '')?.map(nameLine)).toEqual(['removed n2']);
    expect(since(versions[1] ?? '')).toEqual([]);
    expect((await current().list('VirtualService')).resourceVersion).toBe(versions[1]);
    if (!countedVersions) return;
    expect(versions).toEqual(['4', '5']);
    expect(since('0')).toHaveLength(5);
  });

  for (const version of ['9007199254740990', '-1', '', 'abc', '1.5', '1e0', ' 1', '01', '99999999999999999999']) {
    it(`has no changes since "${version}", which was never a version`, async () => {
      await creates(5);
      expect(since(version)).toBeNull();
    });
  }

  itWhere(transactions)('drops the oldest changes when there are too many', async () => {
    await creates(10_000);
    expect(since('0')).toHaveLength(10_000);
    await current().create(draft({ name: 'last' }), by);
    expect(since('0')).toBeNull();
    expect(since('1')).toHaveLength(10_000);
  });

  itWhere(transactions)('drops the oldest changes when they are too large', async () => {
    await creates(40, { text: 'x'.repeat(1024 * 1024) });
    expect(since('0')).toBeNull();
    expect(since('5')).toBeNull();
    expect(since('20')).toHaveLength(20);
  });

  it('adds an audit entry for every change by a request, and for nothing else', async () => {
    const asked = { ...by, request };
    await current().create(draft({ spec: { v: 1 } }), asked);
    await current().update(draft({ spec: { v: 1 } }), { ...asked, expectedResourceVersion: null }); // changes nothing
    await current().update(draft({ spec: { v: 2 } }), { ...asked, expectedResourceVersion: null, dryRun: true });
    await current().create(draft({ name: 'quiet' }), by); // not a request of the API
    await current().remove(keyOfDraft(), { ...asked, author: 'bob', expectedResourceVersion: null });
    const entry = { ...request, ...keyOfDraft(), time: '2026-01-02T03:04:05.678Z', message: null };
    const version = (counted: string) => (countedVersions ? counted : expect.stringMatching(/^[1-9]\d*$/));
    expect(await current().audit({ limit: 10 })).toEqual({
      items: [
        { ...entry, author: 'bob', code: 200, resourceVersion: version('3') },
        { ...entry, author: 'ann', code: 201, resourceVersion: version('1') },
      ],
      next: null,
    });
  });

  it('keeps refusals in the audit trail', async () => {
    const refused: AuditEntry = {
      ...request,
      time: '2026-01-02T03:04:06.000Z',
      author: 'eve',
      kind: '',
      namespace: '',
      name: '',
      code: 422,
      message: 'spec.http[0]: "naïve" is no route',
      resourceVersion: null,
    };
    await current().note(refused);
    expect(await current().audit({ limit: 10 })).toEqual({ items: [refused], next: null });
  });

  it('pages through the audit trail, newest first, also while it grows', async () => {
    const asked = { ...by, request };
    await writeAll(
      current(),
      Array.from({ length: 7 }, (_, index) => create({ name: `n${index}` })),
      asked,
    );
    const seen: string[] = [];
    let before: string | undefined;
    for (let page = 0; page < 10; page++) {
      const { items, next } = await current().audit({ limit: 3, ...(before === undefined ? {} : { before }) });
      seen.push(items.map(({ name }) => name).join(' '));
      await current().create(draft({ name: `later-${page}` }), asked);
      if (next === null) break;
      before = next;
    }
    expect(seen).toEqual(['n6 n5 n4', 'n3 n2 n1', 'n0']);
  });

  itWhere(transactions)('filters the audit trail, and limits an answer to a page', async () => {
    const asked = { ...by, request };
    const names = Array.from({ length: auditPageLimit + 1 }, (_, index) =>
      create({ name: `n${index}`, namespace: 'many' }),
    );
    await current().transact(names, { ...asked, author: 'bob' });
    await current().create({ ...draft({ name: 'n1' }), kind: 'Sidecar' }, asked);
    const found = async (filter: object) => (await current().audit({ limit: 1e9, ...filter })).items.length;
    expect(await found({})).toBe(auditPageLimit);
    expect(await found({ name: 'n1' })).toBe(2);
    expect(await found({ name: 'n1', namespace: 'many' })).toBe(1);
    expect(await found({ kind: 'Sidecar' })).toBe(1);
    expect(await found({ author: 'ann' })).toBe(1);
    expect(await found({ author: 'ann', namespace: 'many' })).toBe(0);
    expect(await found({ before: 'never a position' })).toBe(0);
    expect(await found({ limit: 0 })).toBe(1);
  });

  itWhere(transactions)(
    'keeps the newest hundred thousand changes in the history, and as many entries in the audit trail',
    async () => {
      const asked = { ...by, request };
      await current().transact(
        [create({ name: 'oldest' }), remove({ name: 'oldest' }), create({ name: 'newer' })],
        asked,
      );
      for (let round = 0; round < 10; round++) {
        const writes = Array.from({ length: 10_000 }, (_, index) => apply({ name: `n${index}`, spec: { round } }));
        await current().transact(writes, asked);
      }
      expect(await current().history(keyOfDraft({ name: 'oldest' }))).toEqual([]);
      expect(await current().history(keyOfDraft({ name: 'newer' }))).toEqual([]);
      expect((await current().history(keyOfDraft({ name: 'n0' }))).map(({ type }) => type)).toEqual([
        ...Array.from({ length: 9 }, () => 'updated'),
        'created',
      ]);
      let [entries, before]: [number, string | null] = [0, '999999999'];
      while (before !== null) {
        const page: AuditPage = await current().audit({ limit: auditPageLimit, before });
        entries += page.items.length;
        before = page.next;
      }
      expect(entries).toBe(auditLimit);
    },
    60_000,
  );
}

/** Formats a change as `put reviews` or `removed reviews`. */
const nameLine = (change: StoreChange): string => changeLine(change).split(' ').slice(0, 2).join(' ');

const versionOf = (change: StoreChange): string => changeLine(change).split(' ')[2] ?? '';
