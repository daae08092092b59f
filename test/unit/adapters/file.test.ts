import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { file } from '../../../adapters/file/index.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { Registry } from '../../../src/registry/contract.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { meshConfig } from '../../../src/rules/kinds/mesh-config/index.ts';
import { adapterContext } from '../../support/adapter-context.ts';
import { fakeClock } from '../../support/fake-clock.ts';

let directory = '';
let stop: () => Promise<void> = async () => {};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'binnacle-mesh-'));
});
afterEach(async () => {
  await stop();
  await rm(directory, { recursive: true, force: true });
});

const patience = { timeout: 10_000, interval: 10 };

/** Runs an adapter on `<directory>/mesh`. Objects and problems are read from the registry. */
async function run(clock: Clock = systemClock): Promise<Registry> {
  const registry = createRegistry({ clock, log: silentLogger, snapshotDir: null });
  const context = adapterContext({ name: 'file', clock, dataDir: directory });
  const abort = new AbortController();
  const running = file
    .create({ path: join(directory, 'mesh'), rescanSeconds: 30 }, context)
    .run(registry.shard('file', 'file'), abort.signal);
  stop = async () => {
    abort.abort();
    await running;
  };
  return registry;
}

const write = async (name: string, text: string): Promise<void> => {
  await mkdir(join(directory, 'mesh', name, '..'), { recursive: true });
  await writeFile(join(directory, 'mesh', name), text);
};

const rules = (...names: readonly string[]) =>
  names
    .map(
      (name) =>
        `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: ${name} }\nspec: { hosts: [${name}] }\n`,
    )
    .join('---\n');

/** Tracks the current objects across calls, as `name (origin)`. */
function follow(registry: Registry): () => readonly string[] {
  const standing = new Map<string, string>();
  return () => {
    for (const change of registry.takeRawChanges()) {
      if (change.type === 'object') standing.set(change.object.metadata.name, change.object.origin);
      if (change.type === 'object-removed') standing.delete(change.name);
    }
    return [...standing].map(([name, origin]) => `${name} (${origin})`).sort();
  };
}

const problems = (registry: Registry) => registry.problems().map(({ origin, message }) => `${origin}: ${message}`);

test('reads several documents of several files and folders, and records the position of each object', async () => {
  await write('a.yaml', `# a comment\n---\n${rules('one', 'two')}`);
  await write('deep/er/b.yml', rules('three'));
  await write(
    'c.json',
    JSON.stringify({
      apiVersion: 'networking.istio.io/v1',
      kind: 'Sidecar',
      metadata: { name: 'four' },
      spec: { egress: [{ hosts: ['*/*'] }] },
    }),
  );
  await write('.hidden.yaml', rules('hidden'));
  await write('notes.txt', 'nothing');
  const registry = await run();
  const objects = follow(registry);
  await vi.waitFor(
    () => expect(objects()).toEqual(['four (c.json#1)', 'one (a.yaml#1)', 'three (deep/er/b.yml#1)', 'two (a.yaml#2)']),
    patience,
  );
  expect(problems(registry)).toEqual([]);
});

test('keeps the last good contents of a half-written file and reports its line; a complete file replaces them', async () => {
  await write('a.yaml', rules('one', 'two', 'three'));
  const registry = await run();
  const objects = follow(registry);
  await vi.waitFor(() => expect(objects()).toHaveLength(3), patience);
  await write(
    'a.yaml',
    `${rules('one')}---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: two`,
  );
  await vi.waitFor(() => expect(problems(registry)).toHaveLength(1), patience);
  expect(problems(registry)[0]).toMatch(/^a\.yaml#2: line [78]: .*; correct the file$/);
  expect(objects().map((line) => line.split(' ')[0])).toEqual(['one', 'three', 'two']);
  await write('a.yaml', rules('one', 'four'));
  await vi.waitFor(() => expect(objects()).toEqual(['four (a.yaml#2)', 'one (a.yaml#1)']), patience);
  expect(problems(registry)).toEqual([]);
});

test('waits a second before it accepts an emptied file', async () => {
  await write('a.yaml', rules('one'));
  const clock = fakeClock();
  const registry = await run(clock);
  const objects = follow(registry);
  await vi.waitFor(() => expect(objects()).toHaveLength(1), patience);
  await write('a.yaml', '');
  // The first scan finds the file empty and waits; the next one, a second later, accepts it.
  clock.advance(30_000);
  await vi.waitFor(
    () => expect(problems(registry)).toEqual(['a.yaml: is empty; its last contents stay for a second']),
    patience,
  );
  expect(objects()).toHaveLength(1);
  clock.advance(1_000);
  await vi.waitFor(() => expect(objects()).toEqual([]), patience);
  expect(problems(registry)).toEqual([]);
});

test('removes the objects of a deleted file; moves those of a renamed one', async () => {
  await write('a.yaml', rules('one'));
  await write('b.yaml', rules('two'));
  const registry = await run();
  const objects = follow(registry);
  await vi.waitFor(() => expect(objects()).toHaveLength(2), patience);
  await rm(join(directory, 'mesh/a.yaml'));
  await rename(join(directory, 'mesh/b.yaml'), join(directory, 'mesh/c.yaml'));
  await vi.waitFor(() => expect(objects()).toEqual(['two (c.yaml#1)']), patience);
});

test('rejects only the invalid document', async () => {
  const bomb = `a: &a [x, x]\n${[...'bcdefgh'].map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[at]}`).join()}]`).join('\n')}\n`;
  await write(
    'a.yaml',
    [rules('one'), 'kind: VirtualService\n', 'a: [1\n', bomb, `x: ${'y'.repeat(1_100_000)}\n`, rules('two')].join(
      '---\n',
    ),
  );
  const registry = await run();
  const objects = follow(registry);
  await vi.waitFor(() => expect(objects()).toEqual(['one (a.yaml#1)', 'two (a.yaml#6)']), patience);
  expect(problems(registry).map((line) => line.slice(0, 30))).toEqual([
    'a.yaml#2: apiVersion: Invalid ',
    'a.yaml#3: line 9: Flow sequenc',
    'a.yaml#4: Excessive alias coun',
    'a.yaml#5: the document is larg',
  ]);
});

test('uses the first of two objects with one name, and the other when the first is removed', async () => {
  await write('a.yaml', rules('one'));
  await write('b.yaml', rules('one'));
  const registry = await run();
  const objects = follow(registry);
  await vi.waitFor(() => expect(objects()).toEqual(['one (a.yaml#1)']), patience);
  expect(problems(registry)).toEqual([
    'b.yaml#1: VirtualService/default/one is defined in a.yaml#1 already, which applies; remove one of them',
  ]);
  await rm(join(directory, 'mesh/a.yaml'));
  await vi.waitFor(() => expect(objects()).toEqual(['one (b.yaml#1)']), patience);
  expect(problems(registry)).toEqual([]);
});

test('passes on rules of all kinds and the mesh configuration; ignores namespaces', async () => {
  const documents = [...ruleKinds, meshConfig].map(
    ({ kind, group, versions }) =>
      `apiVersion: ${group}/${versions.at(-1)}\nkind: ${kind}\nmetadata: { name: ${kind.toLowerCase()} }\nspec: {}\n`,
  );
  const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { team: a } }\n';
  await write('a.yaml', [namespace, ...documents].join('---\n'));
  const registry = await run();
  const objects = follow(registry);
  const kinds = [...ruleKinds, meshConfig].map(({ kind }, index) => `${kind.toLowerCase()} (a.yaml#${index + 2})`);
  await vi.waitFor(() => expect(objects()).toEqual(kinds.sort()), patience);
  expect(problems(registry)).toEqual([]);
  await rm(join(directory, 'mesh/a.yaml'));
  await vi.waitFor(() => expect(objects()).toEqual([]), patience);
});

test('reports a kind that is not read once', async () => {
  const secret = (name: string) => `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name} }\n---\n`;
  await write('a.yaml', secret('a') + secret('b') + rules('one'));
  const registry = await run();
  await vi.waitFor(() => expect(problems(registry)).toHaveLength(1), patience);
});

test('reports a missing directory and reads it when it appears', async () => {
  const registry = await run();
  const objects = follow(registry);
  await vi.waitFor(() => expect(registry.shards()[0]?.reason).toContain('create it'), patience);
  await write('a.yaml', rules('one'));
  await vi.waitFor(() => expect(objects()).toEqual(['one (a.yaml#1)']), patience);
  expect(registry.shards()[0]?.state).toBe('synced');
});

test('finds missed changes in the next scan', async () => {
  await mkdir(join(directory, 'mesh'));
  const clock = fakeClock();
  const registry = await run(clock);
  const objects = follow(registry);
  await vi.waitFor(() => expect(registry.shards()[0]?.state).toBe('synced'), patience);
  await write('a.yaml', rules('one'));
  // The clock does not advance, so no event is handled.
  clock.advance(30_000);
  await vi.waitFor(() => expect(objects()).toEqual(['one (a.yaml#1)']), patience);
});
