import { expect, it } from 'vitest';
import { verdictOf } from '../../bench/report/row.ts';
import { applyRows, listRows } from '../../bench/rules/rows.ts';
import type { ApplyFigures } from '../../bench/rules/run.ts';

const figures: ApplyFigures = {
  objects: 10_000,
  batches: 100,
  answeredMs: 4_000,
  longestBatchMs: 70,
  servedMs: 5_000,
  cpuSeconds: 4,
  peakBytes: 300e6,
  watches: null,
  eventLoopMs: 30,
  healthzMs: 12,
  waitedMs: 250,
};

const byMeasure = (rows: ReturnType<typeof applyRows>) =>
  Object.fromEntries(rows.map((row) => [row.measure, { figure: row.binnacle, verdict: verdictOf(row) }]));

it('judges the objects per second that all streams have, not those that were only stored', () => {
  expect(byMeasure(applyRows(figures))).toMatchObject({
    'objects/s, until the last answer': { figure: 2_500, verdict: '' },
    'objects/s, until all streams have them': { figure: 2_000, verdict: 'pass' },
    'batches/s': { figure: 25 },
    'event loop, ms': { figure: 30, verdict: 'pass' },
    'waited for a processor, ms': { figure: 250, verdict: '' },
  });
  expect(byMeasure(applyRows({ ...figures, servedMs: 5_001 }))).toMatchObject({
    'objects/s, until all streams have them': { verdict: 'MISS' },
  });
});

it('shows the events of watches, and watches with missing events', () => {
  const rows = applyRows({ ...figures, watches: { bytes: 5e6, ended: 3, toldMs: null } }, 100);
  expect(rows[0]?.scenario).toBe('100 × 100, 100 watches');
  expect(byMeasure(rows)).toMatchObject({
    'objects/s, until all streams have them': { verdict: '' },
    'every watch has been told, ms': { figure: null },
    'sent to watches, MB': { figure: 5 },
    'watches ended': { figure: 3 },
  });
});

it('judges every form of a list', () => {
  const fast = { ms: 499, bytes: 1e6 };
  const lists = { plain: { ms: 501, bytes: 12e6 }, gzip: fast, table: fast, 'table, gzip': fast };
  const rows = listRows({ objects: 10_000, lists, eventLoopMs: 31, healthzMs: 40, waitedMs: null });

  expect(rows.filter((row) => verdictOf(row) === 'MISS').map(({ measure }) => measure)).toEqual([
    'plain, ms',
    'event loop, ms',
  ]);
});
