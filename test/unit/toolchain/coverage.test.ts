import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = join(import.meta.dirname, '../../../scripts/coverage.mjs');

describe('coverage of npm test', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'binnacle-coverage-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Prints the table of a report in a process of its own, as scripts are plain JavaScript without types. */
  async function table(): Promise<string> {
    const call = `coverageTable(${JSON.stringify(join(folder, 'summary.json'))}, '/checkout')`;
    const program = `import { coverageTable } from ${JSON.stringify(script)}; process.stdout.write(${call});`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    return stdout;
  }

  it('has one line per room and one for all', async () => {
    const file = (lines: number, of: number) => ({
      lines: { covered: lines, total: of },
      branches: { covered: 0, total: 0 },
    });
    await writeFile(
      join(folder, 'summary.json'),
      JSON.stringify({
        total: { lines: { covered: 20, total: 40 }, branches: { covered: 1, total: 3 } },
        '/checkout/src/push/status/status.ts': file(9, 10),
        '/checkout/src/push/feed.ts': file(10, 10),
        '/checkout/adapters/file/mesh.ts': file(1, 20),
      }),
    );

    expect((await table()).replaceAll(/ {2,}/g, '  ').split('\n')).toEqual([
      'coverage by test/unit and test/conversation  lines  branches',
      'adapters/file  5.0 %  –',
      'src/push  95.0 %  –',
      'all  50.0 %  33.3 %',
      '',
    ]);
  });

  it('is left out without a report', async () => {
    expect(await table()).toBe('');
  });
});
