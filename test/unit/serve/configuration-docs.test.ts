import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { adapters } from '../../../adapters/index.ts';
import { configurationSections, referenceText } from '../../../scripts/configuration/reference.ts';
import { serveFlags } from '../../../src/cli/serve.ts';
import { loadServeConfig } from '../../../src/serve/config.ts';
import { configFileSchema } from '../../../src/serve/config-schema.ts';

const text = await readFile(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');
const example = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '';

const keys = configurationSections(configFileSchema, adapters).flatMap((section) => section.keys);

/** Flags that configure nothing. */
const withoutKey = ['config', 'help', 'version'];

describe('the reference of the configuration', () => {
  it('has every flag of serve at a key', () => {
    const flags = serveFlags.map(({ name }) => name).filter((name) => !withoutKey.includes(name));
    expect(keys.flatMap(({ flag }) => flag ?? []).sort()).toEqual(flags.sort());
  });

  it('has a table for each adapter', () => {
    const config = z.strictObject({
      servers: z.array(z.string()).min(1).describe('addresses of the platform'),
      pollSeconds: z.number().min(1).default(5).meta({ form: 'seconds', flag: 'poll' }).describe('interval of polls'),
      tls: z.strictObject({ caFile: z.string().optional().describe('the CAs') }).optional(),
    });
    const text = referenceText(configurationSections(configFileSchema, [{ kind: 'eureka', config }]));
    expect(text).toContain(`### \`adapters[eureka]\`

| key | type | default | flag and variable | what it does |
| --- | --- | --- | --- | --- |
| \`adapters[eureka].servers\` | list of text | required | | addresses of the platform |
| \`adapters[eureka].pollSeconds\` | seconds, 1 or more | \`5\` | \`--poll\`, \`BINNACLE_POLL\` | interval of polls |
| \`adapters[eureka].tls.caFile\` | text | – | | the CAs |
`);
  });

  it('rejects a key without a description', () => {
    const config = z.strictObject({ servers: z.array(z.string()) });
    expect(() => configurationSections(configFileSchema, [{ kind: 'eureka', config }])).toThrow(
      'adapters[eureka].servers has no description',
    );
  });
});

describe('docs/configuration.md', () => {
  it("has a valid example with every key but the adapters' own", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'binnacle-docs-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'binnacle.yaml'), example);
    await loadServeConfig({ config: [join(folder, 'binnacle.yaml')] }, {});
    for (const line of alternatives) expect(configFileSchema.safeParse(parse(line)).error).toBeUndefined();
    const used = new Set([...keysIn(parse(example)), ...alternatives.flatMap((line) => pathsIn(parse(line)))]);
    const missing = keys.map(({ path }) => path).filter((path) => !used.has(path) && !/^adapters\[.+\]/.test(path));
    expect(missing, 'add these keys to the example of docs/configuration.md').toEqual([]);
  });
});

/** Lines of the example that stand for others, as comments: `# store: { … }`. */
const alternatives = (example.match(/^# \w+: \{.*\}$/gm) ?? []).map((line) => line.slice(2));

/** Lists the keys of a configuration in the notation of the tables. */
function keysIn(config: { readonly adapters: readonly object[] }): ReadonlySet<string> {
  const { adapters: entries, ...rest } = config;
  return new Set([...pathsIn(rest), ...entries.flatMap(pathsIn).map((path) => `adapters[].${path}`)]);
}

/** Lists the paths of all values, of lists of objects too: `distribute[].from`. */
const pathsIn = (value: object): readonly string[] =>
  Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const lists = Array.isArray(inner) ? inner.filter(isObject) : [];
    const nested = isObject(inner) ? pathsIn(inner) : [];
    return [
      key,
      ...nested.map((path) => `${key}.${path}`),
      ...lists.flatMap(pathsIn).map((path) => `${key}[].${path}`),
    ];
  });

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
