import { describe, expect, it } from 'vitest';
import { createBackgroundWriter } from '../../../src/disk/background-writer.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { fakeClock } from '../../support/fake-clock.ts';

/** Creates a file whose writes take `takesMs` and records their times. */
function slowFile(takesMs: number) {
  const clock = fakeClock();
  const writtenAt: number[] = [];
  const file = createBackgroundWriter({
    clock,
    log: silentLogger,
    facts: {},
    notWritten: 'not written',
    save: async () => {
      writtenAt.push(clock.now());
      clock.advance(takesMs);
    },
  });
  /** Makes a change every 100 ms. */
  const changeFor = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      file.touch();
      clock.advance(100);
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { file, clock, writtenAt, changeFor };
}

describe('a file of a background writer', () => {
  it('is written some seconds after the first of many changes', async () => {
    const { writtenAt, changeFor } = slowFile(0);
    await changeFor(30_000);
    expect(writtenAt.length).toBeGreaterThanOrEqual(2);
  });

  it('is not written again for three hundred times the duration of a write', async () => {
    const { writtenAt, changeFor } = slowFile(500);
    await changeFor(180_000);
    const [first = 0, second = 0] = writtenAt;
    expect(writtenAt).toHaveLength(2);
    expect(second - first).toBeGreaterThanOrEqual(150_500);
  });

  it('is written on close despite that pause', async () => {
    const { file, writtenAt, changeFor } = slowFile(1_000);
    await changeFor(20_000);
    file.touch();
    await file.close();
    expect(writtenAt).toHaveLength(2);
  });
});
