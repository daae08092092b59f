import { expect, it } from 'vitest';
import type { Result } from '../../src/lib/result.ts';
import type {
  Authorship,
  RuleStore,
  StoreCapabilities,
  StoreChange,
  StoreWrite,
  Written,
} from '../../src/rules/store.ts';
import { type DraftOptions, draft, keyOfDraft } from './drafts.ts';

const by = { author: 'ann' };
const unconditional = { ...by, expectedResourceVersion: null };

export const create = (options: DraftOptions = {}): StoreWrite => ({ type: 'create', draft: draft(options) });
export const apply = (options: DraftOptions = {}): StoreWrite => ({ type: 'apply', draft: draft(options) });
const update = (options: DraftOptions, expectedResourceVersion: string | null = null): StoreWrite => ({
  type: 'update',
  draft: draft(options),
  expectedResourceVersion,
});
export const remove = (options: DraftOptions, expectedResourceVersion: string | null = null): StoreWrite => ({
  type: 'remove',
  key: keyOfDraft(options),
  expectedResourceVersion,
});

export function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
  return result.value;
}

/** Writes all as one transaction, or one after another where the store has none. Throws at the first refusal. */
export async function writeAll(
  store: RuleStore,
  writes: readonly StoreWrite[],
  options: Authorship,
): Promise<readonly Written[]> {
  if (store.capabilities.transactions) return valueOf(await store.transact(writes, options));
  const written: Written[] = [];
  for (const one of writes) written.push(...valueOf(await store.transact([one], options)));
  return written;
}

/** Formats a change as `put reviews 3` or `removed reviews 4`. */
export const changeLine = (change: StoreChange): string =>
  change.type === 'put'
    ? `put ${change.object.metadata.name} ${change.object.metadata.resourceVersion}`
    : `removed ${change.key.name} ${change.resourceVersion}`;

/** Tests a store's promises about transactions and dry runs. `current` is the store of the running test. */
export function transactionConformance(
  current: () => RuleStore,
  { transactions, countedVersions }: StoreCapabilities,
): void {
  if (transactions) severalWrites(current);
  else {
    it('refuses several writes at once, and writes none of them', async () => {
      const result = await current().transact([create({ name: 'a' }), create({ name: 'b' })], by);
      expect(result).toMatchObject({ ok: false, error: { refusal: { type: 'unsupported' } } });
      expect((await current().list('VirtualService')).items).toEqual([]);
    });
  }
  singleWrites(current, countedVersions);
}

const request = { verb: 'batch', remote: '127.0.0.1', userAgent: 'test' };

function severalWrites(current: () => RuleStore): void {
  const everything = async () => ({
    list: await current().list('VirtualService'),
    histories: await Promise.all(['a', 'b', 'c'].map((name) => current().history(keyOfDraft({ name })))),
    audit: await current().audit({ limit: 100 }),
  });
  it('commits the writes of a transaction in order, each with a new version, and sends all in one notification', async () => {
    const told: string[][] = [];
    current().subscribe((changes) => told.push(changes.map(changeLine)));
    const written = valueOf(await current().transact([create({ name: 'b' }), create({ name: 'a' })], by));
    expect(
      written.map(({ action, object }) => [action, object.metadata.name, object.metadata.resourceVersion]),
    ).toEqual([
      ['created', 'b', '1'],
      ['created', 'a', '2'],
    ]);
    expect(told).toEqual([['put b 1', 'put a 2']]);
    expect((await current().list('VirtualService')).resourceVersion).toBe('2');
  });

  it('lets a write build on an earlier one of its transaction', async () => {
    const writes = [
      create({ spec: { v: 1 } }),
      update({ spec: { v: 2 } }, '1'),
      remove({}, '2'),
      create({ spec: { v: 3 } }),
    ];
    const written = valueOf(await current().transact(writes, by));
    expect(written.map(({ action, object }) => [action, object.spec])).toEqual([
      ['created', { v: 1 }],
      ['updated', { v: 2 }],
      ['removed', { v: 2 }],
      ['created', { v: 3 }],
    ]);
    expect(await current().get(keyOfDraft())).toMatchObject({
      spec: { v: 3 },
      metadata: { resourceVersion: '4', generation: 1 },
    });
    expect(written[3]?.object.metadata.uid).not.toBe(written[0]?.object.metadata.uid);
    expect((await current().history(keyOfDraft())).map(({ type }) => type)).toEqual([
      'created',
      'removed',
      'updated',
      'created',
    ]);
  });

  for (const { name, writes, error } of [
    {
      name: 'a name that is taken',
      writes: [apply({ name: 'b' }), create({ name: 'a' })],
      error: { index: 1, refusal: { type: 'exists', current: { metadata: { name: 'a' } } } },
    },
    {
      name: 'an object that is not there',
      writes: [update({ name: 'c' }), apply({ name: 'b' })],
      error: { index: 0, refusal: { type: 'missing' } },
    },
    {
      name: 'an object that an earlier write removed',
      writes: [remove({ name: 'a' }), update({ name: 'a', spec: { v: 2 } })],
      error: { index: 1, refusal: { type: 'missing' } },
    },
    {
      name: 'another version than is expected',
      writes: [create({ name: 'b' }), remove({ name: 'a' }, '7')],
      error: { index: 1, refusal: { type: 'conflict', current: { metadata: { resourceVersion: '1' } } } },
    },
  ]) {
    it(`commits nothing of a transaction that is refused for ${name}, and returns the index of the write`, async () => {
      await current().create(draft({ name: 'a' }), { ...by, request });
      const before = await everything();
      const told: string[] = [];
      const end = current().subscribe((changes) => told.push(...changes.map(changeLine)));
      const result = await current().transact(writes, { ...by, request });
      end();
      expect(result).toMatchObject({ ok: false, error });
      expect(await everything()).toEqual(before);
      expect(told).toEqual(['put a 1']);
    });
  }

  it('applies: creates missing objects, replaces different ones, leaves equal ones', async () => {
    await current().transact([create({ name: 'same' }), create({ name: 'other' })], by);
    const writes = [apply({ name: 'same' }), apply({ name: 'other', spec: { v: 1 } }), apply({ name: 'new' })];
    const written = valueOf(await current().transact(writes, by));
    expect(written.map(({ action, object }) => [action, object.metadata.resourceVersion])).toEqual([
      ['unchanged', '1'],
      ['updated', '3'],
      ['created', '4'],
    ]);
  });

  it('restores objects with their earlier uid, or with a new one if it is unknown', async () => {
    const identity = { creationTimestamp: '2020-02-02T00:00:00.000Z', uid: 'f3c1' };
    const restore = (name: string, given: { creationTimestamp: string | null; uid: string | null }): StoreWrite => ({
      type: 'restore',
      draft: draft({ name }),
      ...given,
    });
    await current().create(draft({ name: 'there' }), by);
    const nothing = { creationTimestamp: null, uid: null };
    const writes = [restore('gone', identity), restore('there', identity), restore('bare', nothing)];
    const written = valueOf(await current().transact(writes, by));
    expect(written.map(({ action }) => action)).toEqual(['created', 'updated', 'created']);
    expect(written[0]?.object.metadata).toMatchObject(identity);
    expect(written[1]?.object.metadata).toMatchObject({ ...identity, generation: 1 });
    expect(written[2]?.object.metadata).toMatchObject({
      creationTimestamp: '2026-01-02T03:04:05.678Z',
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const others = { creationTimestamp: null, uid: 'another' };
    const again = [restore('gone', identity), restore('there', nothing), restore('bare', others)];
    expect(valueOf(await current().transact(again, by)).map(({ action }) => action)).toEqual([
      'unchanged',
      'unchanged',
      'updated',
    ]);
  });

  it('accepts an empty transaction', async () => {
    expect(await current().transact([], by)).toEqual({ ok: true, value: [] });
  });

  it('answers a dry run with the results of its writes, and commits nothing', async () => {
    await current().create(draft({ name: 'a', spec: { v: 1 } }), by);
    await current().create(draft({ name: 'b' }), by);
    const before = await everything();
    const told: string[] = [];
    const end = current().subscribe((changes) => told.push(...changes.map(changeLine)));
    const dry = { ...by, request, dryRun: true };

    const written = valueOf(
      await current().transact(
        [apply({ name: 'a', spec: { v: 2 } }), create({ name: 'c' }), remove({ name: 'b' }), update({ name: 'c' })],
        dry,
      ),
    );
    expect(
      written.map(({ action, object: { metadata } }) => [action, metadata.name, metadata.resourceVersion]),
    ).toEqual([
      ['updated', 'a', '1'],
      ['created', 'c', ''],
      ['removed', 'b', '2'],
      ['unchanged', 'c', ''],
    ]);
    expect(written[0]?.object).toMatchObject({ spec: { v: 2 }, metadata: { generation: 2 } });
    expect(await current().create(draft({ name: 'c' }), dry)).toMatchObject({
      ok: true,
      value: { metadata: { creationTimestamp: '2026-01-02T03:04:05.678Z', uid: expect.stringMatching(/^.{36}$/) } },
    });
    expect(await current().remove(keyOfDraft({ name: 'a' }), { ...dry, expectedResourceVersion: '7' })).toMatchObject({
      ok: false,
      error: { type: 'conflict' },
    });
    end();
    expect(await everything()).toEqual(before);
    expect(told).toEqual(['put a 1', 'put b 2']);
  });

  it('commits transactions atomically among single writes, and sends all in the order of their versions', async () => {
    const told: StoreChange[] = [];
    current().subscribe((changes) => told.push(...changes));
    const rounds = Array.from({ length: 30 }, (_, round) => round);
    await Promise.all(
      rounds.flatMap((round) => [
        current().transact([apply({ name: 'x', spec: { round } }), apply({ name: 'y', spec: { round } })], by),
        current().create(draft({ name: `single-${round}` }), by),
        current().transact([apply({ name: 'x', spec: { never: round } }), create({ name: 'single-0' })], by),
      ]),
    );
    expect(told.map((change) => Number(changeLine(change).split(' ')[2]))).toEqual(
      Array.from({ length: 90 }, (_, at) => at + 1),
    );
    const pairs = told.filter((change) => /^put [xy] /.test(changeLine(change)));
    for (const [index, change] of pairs.entries()) {
      expect(change).toMatchObject({
        object: { spec: { round: Math.floor(index / 2) }, metadata: { name: index % 2 === 0 ? 'x' : 'y' } },
      });
    }
  });
}

function singleWrites(current: () => RuleStore, countedVersions: boolean): void {
  it('decides a dry run like any other write, and changes nothing', async () => {
    const before = valueOf(await current().create(draft({ name: 'a', spec: { v: 1 } }), by));
    const told: StoreChange[] = [];
    const end = current().subscribe((changes) => told.push(...changes));
    const dry = { ...by, request, dryRun: true };
    const { resourceVersion } = before.metadata;
    const tried = async (write: StoreWrite) => {
      const [one] = valueOf(await current().transact([write], dry));
      return [one?.action, one?.object.metadata.generation, one?.object.metadata.resourceVersion];
    };
    expect(await tried(apply({ name: 'a', spec: { v: 2 } }))).toEqual(['updated', 2, resourceVersion]);
    expect(await tried(apply({ name: 'a', spec: { v: 1 } }))).toEqual(['unchanged', 1, resourceVersion]);
    expect(await tried(create({ name: 'c' }))).toEqual(['created', 1, '']);
    expect(await tried(remove({ name: 'a' }))).toEqual(['removed', 1, resourceVersion]);
    expect(await current().remove(keyOfDraft({ name: 'a' }), { ...dry, expectedResourceVersion: '7' })).toMatchObject({
      ok: false,
      error: { type: 'conflict' },
    });
    end();
    expect((await current().list('VirtualService')).items).toEqual([before]);
    expect((await current().audit({ limit: 10 })).items).toEqual([]);
    expect(told).toHaveLength(1);
  });

  it('applies: creates a missing object, replaces a different one, leaves an equal one', async () => {
    const once = async (v: number) => valueOf(await current().transact([apply({ spec: { v } })], by))[0]?.action;
    expect([await once(1), await once(1), await once(2)]).toEqual(['created', 'unchanged', 'updated']);
  });

  it('accepts cluster-scoped objects, which have no namespace', async () => {
    const object = {
      ...draft({ name: 'default', namespace: '' }),
      kind: 'MeshConfig',
      apiVersion: 'mesh.binnacle.dev/v1',
    };
    await current().create(object, by);
    const key = { kind: 'MeshConfig', namespace: '', name: 'default' };
    expect(await current().get(key)).toMatchObject({ metadata: { namespace: '', name: 'default' } });
    expect((await current().list('MeshConfig', '')).items).toHaveLength(1);
    expect((await current().list('MeshConfig')).items).toHaveLength(1);
    expect((await current().list('MeshConfig', 'default')).items).toEqual([]);
    expect(valueOf(await current().remove(key, unconditional)).metadata.name).toBe('default');
  });

  it('loses no update of a hundred writers on one object', async () => {
    await current().create(draft({ spec: { count: 0 } }), by);
    const increment = async (): Promise<number> => {
      for (let conflicts = 0; ; conflicts++) {
        const seen = await current().get(keyOfDraft());
        const { count } = (seen?.spec ?? { count: 0 }) as { count: number }; // as it was written above
        const result = await current().update(draft({ spec: { count: count + 1 } }), {
          ...by,
          expectedResourceVersion: seen?.metadata.resourceVersion ?? null,
        });
        if (result.ok) return conflicts;
        expect(result.error.type).toBe('conflict');
      }
    };
    const conflicts = await Promise.all(Array.from({ length: 100 }, increment));
    expect(await current().get(keyOfDraft())).toMatchObject({
      spec: { count: 100 },
      metadata: { generation: 101, ...(countedVersions ? { resourceVersion: '101' } : {}) },
    });
    expect(Math.max(...conflicts)).toBeGreaterThan(0);
  });
}
