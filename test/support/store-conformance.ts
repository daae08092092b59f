import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import { allCapabilities, type RuleStore, type StoreCapabilities, type StoreChange } from '../../src/rules/store.ts';
import { type DraftOptions, draft, keyOfDraft } from './drafts.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { itWhere } from './it-where.ts';
import { historyProperty } from './store-property.ts';
import { readingConformance } from './store-reading.ts';
import { transactionConformance, valueOf } from './store-transactions.ts';

const author = 'ann';
const unconditional = { author, expectedResourceVersion: null };

export interface StoreConformanceOptions {
  /** Creates an empty store. */
  readonly open: (clock: Clock) => Promise<RuleStore>;
  /** Number of random histories. */
  readonly runs: number;
  /** Promises of the store; all unless given. The suite expects that it refuses the others. */
  readonly capabilities?: StoreCapabilities;
}

/** Tests every promise of a rules store. */
export function storeConformance(
  name: string,
  { open, runs, capabilities = allCapabilities }: StoreConformanceOptions,
): void {
  const { countedVersions, history: keepsHistory, ownIdentities, transactions } = capabilities;
  const version = (counted: string) => (countedVersions ? counted : expect.stringMatching(/^[1-9]\d*$/));

  describe(`${name} as a rules store`, () => {
    let clock: FakeClock;
    let store: RuleStore;
    beforeEach(async () => {
      clock = fakeClock(Date.parse('2026-01-02T03:04:05.678Z'));
      store = await open(clock);
    });
    afterEach(() => store.close());

    const create = async (options: DraftOptions = {}) => {
      const result = await store.create(draft(options), { author });
      if (!result.ok) throw new Error(`not created: ${result.error.type}`);
      return result.value;
    };

    it('says what it can do', () => {
      expect(store.capabilities).toEqual(capabilities);
    });

    it("returns created objects with the store's metadata", async () => {
      const created = await create({ spec: { hosts: ['reviews'] }, labels: { team: 'a' } });
      expect(created.metadata).toEqual({
        name: 'reviews',
        namespace: 'default',
        labels: { team: 'a' },
        annotations: {},
        creationTimestamp: ownIdentities ? '2026-01-02T03:04:05.678Z' : expect.stringMatching(/^20.+\.\d{3}Z$/),
        generation: 1,
        resourceVersion: version('1'),
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      expect(created.spec).toEqual({ hosts: ['reviews'] });
      expect(await store.get(keyOfDraft())).toEqual(created);
    });

    it('has nothing under a name that was never created', async () => {
      expect(await store.get(keyOfDraft())).toBeNull();
      expect(await store.update(draft(), unconditional)).toEqual({ ok: false, error: { type: 'missing' } });
      expect(await store.remove(keyOfDraft(), unconditional)).toEqual({ ok: false, error: { type: 'missing' } });
    });

    it('refuses to create an object twice', async () => {
      const current = await create();
      expect(await store.create(draft(), { author })).toEqual({ ok: false, error: { type: 'exists', current } });
    });

    it('increments the generation with changes of the spec, and the version with every change', async () => {
      const created = await create();
      clock.advance(1000);
      const labelled = await store.update(draft({ labels: { a: 'b' } }), unconditional);
      const changed = await store.update(draft({ labels: { a: 'b' }, spec: { hosts: ['a'] } }), unconditional);
      expect(labelled).toMatchObject({ value: { metadata: { generation: 1, resourceVersion: version('2') } } });
      expect(changed).toMatchObject({ value: { metadata: { generation: 2, resourceVersion: version('3') } } });
      const versions = [created, valueOf(labelled), valueOf(changed)].map((one) =>
        Number(one.metadata.resourceVersion),
      );
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
      const { uid, creationTimestamp } = created.metadata;
      expect(changed).toMatchObject({ value: { metadata: { uid, creationTimestamp } } });
    });

    it('changes nothing when an update equals the current object', async () => {
      const created = await create({ spec: { hosts: ['a'] } });
      const same = await store.update(draft({ spec: { hosts: ['a'] } }), {
        author: 'bob',
        expectedResourceVersion: created.metadata.resourceVersion,
      });
      expect(same).toEqual({ ok: true, value: created });
      if (keepsHistory) expect(await store.history(keyOfDraft())).toHaveLength(1);
    });

    it('refuses a write that expects another version', async () => {
      const current = await create();
      const stale = { author, expectedResourceVersion: '7' };
      const conflict = { ok: false, error: { type: 'conflict', current } };
      expect(await store.update(draft({ spec: { a: 1 } }), stale)).toEqual(conflict);
      expect(await store.remove(keyOfDraft(), stale)).toEqual(conflict);
      expect(await store.get(keyOfDraft())).toEqual(current);
    });

    it('accepts one of several concurrent writes that expect the same version', async () => {
      const { resourceVersion } = (await create()).metadata;
      const saw = { author, expectedResourceVersion: resourceVersion };
      const writes = [1, 2, 3].map((weight) => store.update(draft({ spec: { weight } }), saw));
      const results = await Promise.all(writes);
      expect(results.map((result) => result.ok)).toEqual([true, false, false]);
      expect(await store.get(keyOfDraft())).toMatchObject({ spec: { weight: 1 } });
    });

    it('lists a kind by namespace and name, in one namespace or all', async () => {
      await create({ name: 'b', namespace: 'two' });
      await create({ name: 'b', namespace: 'one' });
      await create({ name: 'a', namespace: 'one' });
      const names = async (namespace?: string) =>
        (await store.list('VirtualService', namespace)).items.map(({ metadata }) => metadata.namespace + metadata.name);
      expect(await names()).toEqual(['onea', 'oneb', 'twob']);
      expect(await names('one')).toEqual(['onea', 'oneb']);
      expect(await store.list('Sidecar')).toEqual({ items: [], resourceVersion: version('3') });
    });

    it('sends a subscriber all objects, and then every change in order', async () => {
      await create({ name: 'before' });
      const seen: string[] = [];
      const note = (change: StoreChange) =>
        change.type === 'put' ? `put ${change.object.metadata.name}` : `removed ${change.key.name}`;
      const unsubscribe = store.subscribe((changes) => seen.push(...changes.map(note)));
      expect(seen).toEqual(['put before']);
      await Promise.all([
        create({ name: 'x' }),
        create({ name: 'y' }),
        store.remove(keyOfDraft({ name: 'x' }), unconditional),
      ]);
      const inOrder = ['put before', 'put x', 'put y', 'removed x'];
      if (transactions) expect(seen).toEqual(inOrder);
      else expect([...seen].sort()).toEqual([...inOrder].sort()); // writes of several objects have no order
      expect(seen.filter((line) => line.endsWith(' x'))).toEqual(['put x', 'removed x']);
      unsubscribe();
      await create({ name: 'z' });
      expect(seen).toHaveLength(4);
    });

    it('notifies subscribers before it answers the writer', async () => {
      let told = 0;
      store.subscribe((changes) => {
        told += changes.length;
      });
      await create();
      expect(told).toBe(1);
    });

    itWhere(keepsHistory)('keeps author, time and content of changes, newest first, also after removal', async () => {
      await create({ spec: { v: 1 } });
      clock.advance(60_000);
      await store.update(draft({ spec: { v: 2 } }), { author: 'bob', expectedResourceVersion: null });
      await store.remove(keyOfDraft(), { author: 'cat', expectedResourceVersion: null });
      const history = await store.history(keyOfDraft());
      expect(history.map(({ type, author: who, resourceVersion }) => [type, who, resourceVersion])).toEqual([
        ['removed', 'cat', '3'],
        ['updated', 'bob', '2'],
        ['created', 'ann', '1'],
      ]);
      expect(history[1]).toMatchObject({ time: '2026-01-02T03:05:05.678Z', object: { spec: { v: 2 } } });
    });

    itWhere(!keepsHistory)('returns no history', async () => {
      await create({ spec: { v: 1 } });
      expect(await store.history(keyOfDraft())).toEqual([]);
    });

    itWhere(keepsHistory)('keeps the newest fifty versions of an object', async () => {
      await create({ spec: { v: 0 } });
      for (let v = 1; v < 60; v++) await store.update(draft({ spec: { v } }), unconditional);
      const history = await store.history(keyOfDraft());
      expect(history).toHaveLength(50);
      expect(history.at(-1)).toMatchObject({ object: { spec: { v: 10 } } });
    });

    it('gives an object that is created again a new uid', async () => {
      const first = await create();
      await store.remove(keyOfDraft(), unconditional);
      const second = await create();
      expect(second.metadata.uid).not.toBe(first.metadata.uid);
      expect(second.metadata).toMatchObject({ generation: 1, resourceVersion: version('3') });
    });

    it('copies what it receives', async () => {
      const spec = { hosts: ['a'] };
      const writing = store.create(draft({ spec }), { author });
      spec.hosts.push('b');
      await writing;
      expect(await store.get(keyOfDraft())).toMatchObject({ spec: { hosts: ['a'] } });
    });

    transactionConformance(() => store, capabilities);
    readingConformance(() => store, capabilities);

    itWhere(transactions)(
      'behaves like a simple model of a store for random histories',
      () => historyProperty(open, runs),
      60_000,
    );

    it('refuses writes once closed', async () => {
      await store.close();
      await expect(store.create(draft(), { author })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    });
  });
}
