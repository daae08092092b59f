import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ErrorCode, errorCodes } from '../../../src/lib/errors.ts';

const root = join(import.meta.dirname, '../../..');
const codes = Object.entries(errorCodes) as [ErrorCode, string][]; // its keys are known

/** Builds docs/errors.md. */
function document(): string {
  const rows = codes.map(([code, advice]) => `| \`${code}\` | ${advice} |`);
  return `# Errors

<!-- Written by test/unit/lib/errors.test.ts from src/lib/errors.ts: "npx vitest run test/unit/lib/errors.test.ts -u" -->

An error that ends a command is one line on standard error, \`binnacle: CODE: problem and remedy\`, and an exit code
([cli.md](cli.md#exit-codes)). With \`--log-level debug\` the stack and its causes follow. [rules.md](rules.md#errors) describes the errors of
the HTTP interface.

| code | meaning and remedy |
| ---- | ------------------ |
${rows.join('\n')}
`;
}

it('docs/errors.md matches src/lib/errors.ts', async () => {
  await expect(document()).toMatchFileSnapshot(join(root, 'docs/errors.md'));
});

it('every code is raised somewhere', () => {
  const sources = ['src', 'adapters'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('proto/gen') && name !== 'lib/errors.ts')
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
  for (const [code] of codes)
    expect(
      sources.some((text) => text.includes(`'${code}'`)),
      code,
    ).toBe(true);
});
