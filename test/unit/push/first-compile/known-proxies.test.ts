import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LayerKey } from '../../../../src/compile/contract.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { createKnownProxies } from '../../../../src/push/first-compile/known-proxies.ts';
import { restoreKnownProxies, saveKnownProxies } from '../../../../src/push/first-compile/known-proxies-file.ts';
import { ServedLayers } from '../../../../src/push/served-layers.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { proxy } from '../../../support/world.ts';

const dayMs = 86_400_000;

function setUp() {
  const clock = fakeClock(0);
  const layers = new ServedLayers();
  const count = { changes: 0 };
  const known = createKnownProxies({ now: clock.now });
  known.onChange(() => count.changes++);
  return {
    clock,
    known,
    count,
    /** Clients of a scope connect, one after another, and stay. */
    connect(scope: string, times = 1) {
      for (let time = 0; time < times; time++) {
        const layer = layers.acquire(scope as LayerKey, 1);
        known.connected({ layers: [layer], proxy: proxy({ id: `${scope}-${time}` }) });
      }
    },
    ids: () => known.list().map(({ proxy: { id } }) => id),
  };
}

describe('known proxies', () => {
  it('are one per scope, scopes with the most clients first', () => {
    const { known, connect } = setUp();
    connect('few', 2);
    connect('many', 8);
    connect('one');

    expect(known.list().map(({ scope, clients }) => [scope, clients])).toEqual([
      ['many', 8],
      ['few', 2],
      ['one', 1],
    ]);
  });

  it('change a few times while many equal clients connect', () => {
    const { connect, count } = setUp();
    connect('scope', 1_000);

    expect(count.changes).toBe(10);
  });

  it('are 64 at most: scopes with a single client are replaced first', () => {
    const { known, connect, clock } = setUp();
    connect('busy', 4);
    for (let number = 0; number < 100; number++) {
      clock.advance(1);
      connect(`made-up-${number}`);
    }

    expect(known.list()).toHaveLength(64);
    expect(known.list().map(({ scope }) => scope)).toEqual(expect.arrayContaining(['busy', 'made-up-99']));
  });

  it('of an earlier run are restored unless they were absent for a week', () => {
    const { known, clock } = setUp();
    clock.advance(8 * dayMs);
    const entry = { proxy: proxy({ id: 'x' }), clients: 1 };
    known.restore([
      { ...entry, scope: 'recent' as LayerKey, seenAtMs: 2 * dayMs },
      { ...entry, scope: 'old' as LayerKey, seenAtMs: dayMs - 1 },
    ]);

    expect(known.list().map(({ scope }) => scope)).toEqual(['recent']);
  });

  it('that reconnect after an hour are updated as seen', () => {
    const { known, connect, count, clock } = setUp();
    connect('scope', 2);
    const before = count.changes;
    clock.advance(3_600_000);
    connect('scope');

    expect([count.changes - before, known.list()[0]?.seenAtMs]).toEqual([1, 3_600_000]);
  });
});

describe('the file of known proxies', () => {
  it('restores them in the next run', async () => {
    const path = await newPath();
    const { clock, known, connect, ids } = setUp();
    connect('a', 2);
    connect('b');
    const file = saveKnownProxies({ path, known, clock, log: silentLogger });
    file.touch();
    await file.close();

    const next = setUp();
    await restoreKnownProxies({ path, known: next.known, log: silentLogger });

    expect(next.known.list()).toEqual(known.list());
    expect(ids()).toEqual(['a-1', 'b-0']);
  });

  it('is ignored with a log line if it is damaged', async () => {
    const path = await newPath();
    await writeFile(path, '{"header":{"format":1},"entries":[\n],"checksum":"wrong"}\n');
    const warnings: string[] = [];
    const { known } = setUp();
    const log = { ...silentLogger, warn: (_facts: object, message: string) => warnings.push(message) };

    await restoreKnownProxies({ path, known, log });

    expect([known.list(), warnings]).toEqual([[], ['known proxies of an earlier run ignored']]);
  });

  it('may be missing', async () => {
    const { known } = setUp();
    await restoreKnownProxies({ path: await newPath(), known, log: silentLogger });
    expect(known.list()).toEqual([]);
  });
});

async function newPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-known-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'known-proxies.json');
}
