import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Operation } from '../../../adapters/registration/instances.ts';
import { createJournal } from '../../../adapters/registration/journal.ts';
import { runWithSmallFiles } from '../../support/small-files.ts';

let parent = '';
let directory = '';
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'binnacle-journal-'));
  directory = join(parent, 'registration');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const forget = (host: string): Operation => ({ op: 'forget', namespace: 'shop', host });
const operationsIn = async (place: string) => (await createJournal(place).load()).operations;

test('the first write creates the directory', async () => {
  await createJournal(directory).append([forget('a')]);
  expect(await operationsIn(directory)).toEqual([forget('a')]);
});

test('a directory removed between two writes is created again', async () => {
  const journal = createJournal(directory);
  await journal.append([forget('a')]);
  await rm(directory, { recursive: true });
  await journal.append([forget('b')]);
  expect(await operationsIn(directory)).toEqual([forget('b')]);
});

test('a directory that was moved is not written to', async () => {
  const journal = createJournal(directory);
  await journal.append([forget('a')]);
  await rename(directory, join(parent, 'moved'));
  await journal.append([forget('b')]);
  expect(await operationsIn(join(parent, 'moved'))).toEqual([forget('a')]);
  expect(await operationsIn(directory)).toEqual([forget('b')]);
});

test('a write fails while the directory path is blocked, and succeeds afterwards', async () => {
  const journal = createJournal(directory);
  await journal.append([forget('a')]);
  await rename(directory, join(parent, 'moved'));
  await writeFile(directory, 'in the way');
  await expect(journal.append([forget('b')])).rejects.toMatchObject({ code: 'ENOTDIR' });
  await rm(directory);
  await rename(join(parent, 'moved'), directory);
  await journal.append([forget('c')]);
  expect(await operationsIn(directory)).toEqual([forget('a'), forget('c')]);
});

test('a group that the disk stores only partly is removed completely', async () => {
  const outcome = onSmallDisk(`
    await journal.append([forget('a')]);
    const results = await Promise.allSettled([journal.append([forget('b')]), journal.append([forget('x'.repeat(10_000))])]);
    await journal.append([forget('c')]);
    console.log(results.map(({ reason }) => reason?.code).join());
  `);
  expect(outcome).toBe('EFBIG,EFBIG\n');
  const text = await readFile(join(directory, 'instances.ndjson'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  expect(lines.map((line) => JSON.parse(line))).toEqual([[forget('a')], [forget('c')]]);
});

test('a journal whose rewrite does not fit stays unchanged', async () => {
  const outcome = onSmallDisk(`
    await journal.append([forget('a')]);
    const large = [forget('b'), forget('x'.repeat(10_000))];
    console.log(await journal.compact(() => large).then(() => 'written', ({ code }) => code));
  `);
  expect(outcome).toBe('EFBIG\n');
  expect(await operationsIn(directory)).toEqual([forget('a')]);
  expect(await readdir(directory)).toEqual(['instances.ndjson']);
});

test('a group larger than one system write is stored completely', async () => {
  const journal = createJournal(directory);
  const large = forget('x'.repeat(3_000_000));
  await Promise.all([journal.append([forget('a')]), journal.append([large]), journal.append([forget('b')])]);
  expect(await operationsIn(directory)).toEqual([forget('a'), large, forget('b')]);
});

const onSmallDisk = (steps: string): string =>
  runWithSmallFiles(
    `
    import { createJournal } from ${JSON.stringify(join(import.meta.dirname, '../../../adapters/registration/journal.ts'))};
    const journal = createJournal(process.argv[1]);
    const forget = (host) => ({ op: 'forget', namespace: 'shop', host });
    ${steps}
    `,
    directory,
  );
