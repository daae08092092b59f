import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { adapters } from '../../../adapters/index.ts';
import { serveFlags } from '../../../src/cli/serve.ts';
import { defaultLimits } from '../../../src/rpc/limits.ts';
import { environmentName, loadServeConfig } from '../../../src/serve/config.ts';
import { configFileSchema } from '../../../src/serve/config-schema.ts';
import { configKeys } from '../../support/config-keys.ts';

const text = await readFile(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');
const example = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '';

/** Row of a table: `| key | type | default | flag and variable | what it does |`. */
interface Row {
  readonly key: string;
  readonly fallback: string;
  readonly flags: readonly string[];
}

const rows: readonly Row[] = [...text.matchAll(/^\| `([^`]+)` \|.*$/gm)].map(([line, key = '']) => {
  const [, , , fallback = '', flags = ''] = line.split('|').map((cell) => cell.trim());
  return { key, fallback, flags: [...flags.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name) };
});

const keys = new Map([
  ...configKeys(configFileSchema),
  ...adapters.flatMap(({ kind, config }) =>
    [...configKeys(config)].map(([key, fallback]) => [`adapters[${kind}].${key}`, fallback] as const),
  ),
]);

/** Defaults of limits that the file omits. */
const limits: Readonly<Record<string, number | null>> = {
  'xds.limits.maxConnections': defaultLimits.maxConnections,
  'xds.limits.maxConnectionsPerPeer': defaultLimits.maxConnectionsPerPeer,
  'xds.limits.maxStreamsPerConnection': defaultLimits.maxConcurrentStreams,
  'xds.limits.maxConnectionAgeSeconds': inSeconds(defaultLimits.maxConnectionAgeMs),
  'xds.limits.maxConnectionAgeGraceSeconds': inSeconds(defaultLimits.maxConnectionAgeGraceMs),
  'xds.limits.keepaliveIntervalSeconds': inSeconds(defaultLimits.keepaliveIntervalMs),
  'xds.limits.keepaliveTimeoutSeconds': inSeconds(defaultLimits.keepaliveTimeoutMs),
  'xds.limits.drainTimeoutSeconds': inSeconds(defaultLimits.drainTimeoutMs),
  'xds.limits.maxStreams': defaultLimits.maxStreams,
  'xds.limits.maxStreamsPerPeer': defaultLimits.maxStreamsPerPeer,
  'xds.limits.maxCallsPerSecondPerPeer': defaultLimits.callsPerPeer.perSecond,
  'xds.limits.maxRequestsPerSecondPerPeer': defaultLimits.requestsPerPeer.perSecond,
  'xds.limits.maxLogLinesPerSecondPerPeer': defaultLimits.logLinesPerPeer.perSecond,
  'xds.limits.maxMessageBytes': defaultLimits.maxReceiveBytes,
  'xds.limits.maxHeldBytes': defaultLimits.maxHeldBytes,
  'xds.limits.maxHeldBytesPerPeer': defaultLimits.maxHeldBytesPerPeer,
  'xds.limits.maxHeldBytesPerConnection': defaultLimits.maxHeldBytesPerConnection,
  'xds.limits.requestTimeoutSeconds': inSeconds(defaultLimits.requestTimeoutMs),
};

function inSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}

/** Flags that configure nothing. */
const withoutKey = ['config', 'help', 'version'];

describe('docs/configuration.md', () => {
  it('has a row for every key of the schemas, and for no other', () => {
    expect(
      rows.map(({ key }) => key).sort(),
      'each key of src/serve/config-schema.ts and of the adapters needs one row in a table of docs/configuration.md: ' +
        '| `the.key` | type and unit | `default` or – | `--flag`, `VARIABLE` or nothing | what it does |',
    ).toEqual([...keys.keys()].sort());
  });

  it('says the defaults of the schemas', () => {
    for (const { key, fallback } of rows) {
      const said = fallback === '–' ? undefined : parse(fallback.replaceAll('`', ''));
      expect([key, said]).toEqual([key, keys.get(key) ?? limits[key] ?? undefined]);
    }
  });

  it('has every flag of serve at its key, with its variable', () => {
    const flags = serveFlags.map(({ name }) => name).filter((name) => !withoutKey.includes(name));
    const wanted = flags.flatMap((name) => [`--${name}`, environmentName(name)]);
    expect(rows.flatMap((row) => row.flags).sort()).toEqual(wanted.sort());
  });

  it('has an example that is right and has every key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'binnacle-docs-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'binnacle.yaml'), example);
    await loadServeConfig({ config: [join(folder, 'binnacle.yaml')] }, {});
    const used = keysIn(parse(example));
    const missing = [...keys.keys()].filter((key) => !used.has(key));
    expect(missing, 'add these keys to the example of docs/configuration.md').toEqual([]);
  });
});

/** Lists the keys of a configuration in the notation of the tables. */
function keysIn(config: { readonly adapters: readonly { readonly type: string }[] }): ReadonlySet<string> {
  const { adapters: entries, ...rest } = config;
  const ofAdapters = entries.flatMap((entry) =>
    pathsIn(entry).flatMap((path) => [`adapters[].${path}`, `adapters[${entry.type}].${path}`]),
  );
  return new Set([...pathsIn(rest), ...ofAdapters]);
}

const pathsIn = (value: object): readonly string[] =>
  Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? pathsIn(inner).map((path) => `${key}.${path}`)
      : [key],
  );
