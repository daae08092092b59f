import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readLineFile, writeLineFile } from '../../../src/disk/line-file.ts';
import { runWithSmallFiles } from '../../support/small-files.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'binnacle-lines-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

// The first limit cuts the entries, the second the checksum.
for (const size of [10_000, 4_020]) {
  test(`a file of ${size} bytes that the disk stores only partly does not replace the old file`, async () => {
    const path = join(directory, 'kept');
    const before = { header: { format: 1 }, entries: ['before'] };
    await writeLineFile(path, before);
    const outcome = runWithSmallFiles(
      `
      import { writeLineFile } from ${JSON.stringify(join(import.meta.dirname, '../../../src/disk/line-file.ts'))};
      const contents = { header: { format: 1 }, entries: ['x'.repeat(${size})] };
      console.log(await writeLineFile(process.argv[1], contents).then(() => 'written', ({ code }) => code));
      `,
      path,
    );
    expect(outcome).toBe('EFBIG\n');
    expect(await readLineFile(path)).toMatchObject(before);
    expect(await readdir(directory)).toEqual(['kept']);
  });
}
