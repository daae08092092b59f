import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');

/** Miniature checkout: the imports of each file. */
const imports: Readonly<Record<string, readonly string[]>> = {
  'src/lib/clock.ts': [],
  'src/model/service.ts': ['../lib/clock.ts'],
  'src/model/eager.ts': ['../api/server.ts'],
  'src/compile/compiler.ts': ['../model/service.ts', '../rules/kinds/sidecar/index.ts', '../plan/host.ts'],
  'src/compile/resolve/reader.ts': ['node:fs/promises'],
  'src/compile/logged.ts': ['node:path/posix', 'node:crypto'],
  'src/plan/host.ts': ['../model/service.ts'],
  'src/rules/kinds/sidecar/index.ts': ['../../../model/service.ts'],
  'src/rules/kinds/sidecar/fetching.ts': ['node:http2'],
  'src/rules/book/rule-book.ts': ['../../store/sqlite/sqlite.ts', 'node:fs'],
  'src/rules/re2/parse.ts': ['node:fs'],
  'src/store/sqlite/sqlite.ts': ['node:sqlite', '../../lib/clock.ts'],
  'src/push/push.ts': ['../compile/compiler.ts', '../xds/table.ts'],
  'src/xds/table.ts': ['./cursor.ts'],
  'src/xds/cursor.ts': ['./table.ts'],
  'src/api/server.ts': ['../push/push.ts'],
  'src/telemetry/views.ts': ['../push/push.ts', '../api/server.ts'],
  'src/attic/old.ts': ['../lib/clock.ts'],
  'src/serve/serve.ts': ['../api/server.ts', '../push/push.ts', '../../adapters/file/index.ts'],
  'src/serve/help.ts': ['../cli/flags.ts'],
  'src/cli/flags.ts': [],
  'src/cli/serve.ts': ['../serve/serve.ts', '../../adapters/file/index.ts'],
  'src/registry/registry.ts': ['../../adapters/file/index.ts'],
  'adapters/file/index.ts': ['../../src/model/service.ts', '../kubernetes/translate.ts', '../nacos/client.ts'],
  'adapters/kubernetes/translate.ts': [],
  'adapters/nacos/client.ts': ['../../src/store/sqlite/sqlite.ts'],
};

const refused = [
  'adapters-apart: adapters/file/index.ts → adapters/nacos/client.ts',
  'adapters-use-their-contract: adapters/nacos/client.ts → src/store/sqlite/sqlite.ts',
  'no-circle: src/xds/cursor.ts → src/xds/table.ts',
  'no-way-around-the-lists: src/cli/serve.ts → adapters/file/index.ts',
  'no-way-around-the-lists: src/registry/registry.ts → adapters/file/index.ts',
  'pure-rooms: src/compile/resolve/reader.ts → fs/promises',
  'pure-rooms: src/rules/book/rule-book.ts → fs',
  'pure-rooms: src/rules/kinds/sidecar/fetching.ts → http2',
  'pure-rooms: src/rules/re2/parse.ts → fs',
  'room-api: src/api/server.ts → src/push/push.ts',
  'room-model: src/model/eager.ts → src/api/server.ts',
  'room-rules: src/rules/book/rule-book.ts → src/store/sqlite/sqlite.ts',
  'room-serve: src/serve/help.ts → src/cli/flags.ts',
  'room-telemetry: src/telemetry/views.ts → src/api/server.ts',
  'unknown-room: src/attic/old.ts → src/lib/clock.ts',
];

describe('room rules', () => {
  let checkout = '';
  beforeAll(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'binnacle-rooms-'));
    await writeFile(join(checkout, 'tsconfig.json'), '{}');
    for (const [file, targets] of Object.entries(imports)) {
      await mkdir(dirname(join(checkout, file)), { recursive: true });
      await writeFile(join(checkout, file), targets.map((target) => `import '${target}';\n`).join(''));
    }
  });
  afterAll(() => rm(checkout, { recursive: true, force: true }));

  it('reject exactly the imports that the table of docs/architecture.md does not list', async () => {
    expect(await violationsIn(checkout)).toEqual(refused);
  });
});

async function violationsIn(folder: string): Promise<string[]> {
  const args = ['--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', 'src', 'adapters'];
  const run = promisify(execFile)(join(root, 'node_modules/.bin/depcruise'), args, {
    cwd: folder,
    maxBuffer: 64 << 20,
  });
  // The exit code is the number of errors; the report is on standard output.
  const { stdout } = await run.catch((failure: { stdout: string }) => failure);
  const report = JSON.parse(stdout) as {
    summary: { violations: { rule: { name: string }; from: string; to: string }[] };
  };
  return report.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort();
}
