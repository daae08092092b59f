import { describe, expect, it } from 'vitest';
import { missedRows, type ReportRow, verdictOf } from '../../bench/report/row.ts';
import { figureText, reportTable, sectionText } from '../../bench/report/table.ts';

const row = (part: Partial<ReportRow>): ReportRow => ({
  scenario: 'delta 100',
  measure: 'storm',
  binnacle: 10,
  ...part,
});

describe('a verdict', () => {
  for (const { name, part, want } of [
    { name: 'no bar', part: {}, want: '' },
    { name: 'at most, just reached', part: { bar: { max: 10 } }, want: 'pass' },
    { name: 'at most, over it', part: { bar: { max: 9.9 } }, want: 'MISS' },
    { name: 'at least, just reached', part: { bar: { min: 10 } }, want: 'pass' },
    { name: 'at least, under it', part: { bar: { min: 11 } }, want: 'MISS' },
    { name: 'half of the peer', part: { linear: 20, bar: { maxRatio: 0.5 } }, want: 'pass' },
    { name: 'more than half of the peer', part: { linear: 19, bar: { maxRatio: 0.5 } }, want: 'MISS' },
    { name: 'one of two limits missed', part: { linear: 100, bar: { max: 5, maxRatio: 0.5 } }, want: 'MISS' },
    { name: 'no figure', part: { binnacle: null, bar: { max: 5 } }, want: 'unknown' },
    { name: 'a figure that is none', part: { binnacle: Number.NaN, bar: { max: 5 } }, want: 'unknown' },
    { name: 'no figure of the peer', part: { linear: null, bar: { max: 50, maxRatio: 0.5 } }, want: 'unknown' },
    { name: 'no peer, and a limit missed', part: { bar: { max: 5, maxRatio: 0.5 } }, want: 'MISS' },
    { name: 'a peer of zero', part: { linear: 0, bar: { maxRatio: 0.5 } }, want: 'unknown' },
  ]) {
    it(`of ${name} is "${want}"`, () => {
      expect(verdictOf(row(part))).toBe(want);
    });
  }
});

it('counts missed bars, not unknown ones', () => {
  const missed = row({ bar: { max: 1 } });
  expect(missedRows([missed, row({ bar: { max: 10 } }), row({ binnacle: null, bar: { max: 1 } }), row({})])).toEqual([
    missed,
  ]);
});

it('omits columns without values', () => {
  expect(reportTable([row({}), row({ measure: 'event loop, ms', binnacle: 3.456 })])).toBe(
    [
      '| scenario  | measure        | binnacle |',
      '| --------- | -------------- | -------: |',
      '| delta 100 | storm          |     10.0 |',
      '| delta 100 | event loop, ms |     3.46 |',
    ].join('\n'),
  );
});

it('shows the floor and peers, their ratios, bars and verdicts', () => {
  const cells = reportTable([row({ bare: 4, linear: 40, snapshot: 400, bar: { max: 12, maxRatio: 0.2 } })]).split(
    '\n',
  )[2];
  expect(cells?.split('|').map((cell) => cell.trim())).toEqual([
    '',
    'delta 100',
    'storm',
    '10.0',
    '4.00',
    '40.0',
    '400',
    '2.500×',
    '0.250×',
    '≤ 12, ≤ 0.2×',
    'MISS',
    '',
  ]);
});

it('shows no ratio to a peer with the value 0', () => {
  expect(reportTable([row({ binnacle: 0, bare: 0, linear: 0 })])).not.toContain('×');
});

for (const [value, want] of [
  [0, '0'],
  [0.01234, '0.0123'],
  [9.999, '10.0'],
  [99.96, '100'],
  [123.4, '123'],
  [Number.NaN, '?'],
  [null, ''],
] as const) {
  it(`writes ${value} as "${want}"`, () => {
    expect(figureText(value)).toBe(want);
  });
}

it('writes a section with its notes', () => {
  const text = sectionText({ title: 'Rules', rows: [row({})], notes: ['One.', 'Two.'] });
  expect(text).toMatch(/^### Rules\n\n\| scenario [\s\S]+\|\n\n- One\.\n- Two\.$/);
});
