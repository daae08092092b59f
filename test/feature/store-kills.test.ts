import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readStored, writeUntilKilled } from '../support/store-killed.ts';
import { randomNumbers } from '../support/store-random.ts';

/** Number of databases that are killed in parallel, each by one lane. */
const lanes = 2;
const killsPerLane = 100;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'binnacle-kills-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it(`after ${lanes * killsPerLane} kills at random moments every acknowledged write is stored, and no partial transaction`, {
  timeout: 600_000,
}, async () => {
  const seed = Number(process.env.BINNACLE_SEED ?? Date.now() % 1_000_000);
  process.stdout.write(`seed ${seed} (BINNACLE_SEED=${seed} repeats what is written)\n`);
  const acknowledged = await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      survive(join(directory, `${lane}`, 'rules.db'), randomNumbers(seed + lane)),
    ),
  );
  expect(Math.min(...acknowledged)).toBeGreaterThan(killsPerLane);
});

/** Kills a writer repeatedly and checks what it left. Resolves with the number of acknowledged transactions. */
async function survive(path: string, random: () => number): Promise<number> {
  let revision = 0;
  let acknowledgedInAll = 0;
  const state = new Map<string, number>(); // versions by object, from the history
  for (let kill = 0; kill < killsPerLane; kill++) {
    const opening = random() < 0.1 && kill > 0; // some kills while the database is being opened
    const acknowledged = await writeUntilKilled({
      path,
      seed: Math.floor(random() * 2 ** 31),
      afterAcknowledged: opening ? null : 1 + Math.floor(random() * 60),
      afterMs: 50 + random() * 250,
    });
    acknowledgedInAll += acknowledged.length;
    const stored = readStored(path, revision);
    const lines = acknowledged.flatMap((line) => line.split(', '));

    expect(lines.filter((line) => !hasLine(stored.history, line))).toEqual([]);
    expect(stored.transactions.filter(({ size, found }) => size !== found)).toEqual([]);
    expect(stored.audited).toEqual(stored.history);
    expect(stored.history.map(revisionOf)).toEqual(
      Array.from({ length: stored.revision - revision }, (_, at) => revision + 1 + at),
    );
    for (const line of stored.history) {
      const [action, name = '', version] = line.split(' ');
      if (action === 'put') state.set(name, Number(version));
      else state.delete(name);
    }
    const objects = stored.objects.map(({ metadata }): [string, number] => [
      `${metadata.namespace}/${metadata.name}`,
      Number(metadata.resourceVersion),
    ]);
    expect(new Map(objects)).toEqual(state);
    revision = stored.revision;
  }
  return acknowledgedInAll;
}

/** Checks a history line. An acknowledged removal has no version. */
const hasLine = (history: readonly string[], line: string): boolean =>
  line.startsWith('put ') ? history.includes(line) : history.some((stored) => stored.startsWith(`${line} `));

const revisionOf = (line: string): number => Number(line.split(' ')[2]);
