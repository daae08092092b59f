import { type Bar, type ReportRow, ratioTo, verdictOf } from './row.ts';

/** Results of one part of the bench. */
export interface Section {
  readonly title: string;
  readonly rows: readonly ReportRow[];
  /** A table of another kind, in Markdown. */
  readonly text?: string;
  /** Facts for reading the figures, one sentence each. */
  readonly notes: readonly string[];
}

/** Formats a section as aligned Markdown. */
export function sectionText({ title, rows, text, notes }: Section): string {
  const tables = [...(rows.length > 0 ? [reportTable(rows)] : []), ...(text === undefined ? [] : [text])];
  const paragraphs = [`### ${title}`, ...tables, notes.map((note) => `- ${note}`).join('\n')];
  return paragraphs.filter((paragraph) => paragraph !== '').join('\n\n');
}

interface Column {
  readonly title: string;
  readonly of: (row: ReportRow) => string;
  readonly isText?: boolean;
}

const columns: readonly Column[] = [
  { title: 'scenario', of: (row) => row.scenario, isText: true },
  { title: 'measure', of: (row) => row.measure, isText: true },
  { title: 'binnacle', of: (row) => figureText(row.binnacle) },
  { title: 'bare', of: (row) => figureText(row.bare) },
  { title: 'linear', of: (row) => figureText(row.linear) },
  { title: 'snapshot', of: (row) => figureText(row.snapshot) },
  { title: 'of bare', of: (row) => ratioText(ratioTo('bare', row)) },
  { title: 'of linear', of: (row) => ratioText(ratioTo('linear', row)) },
  { title: 'bar', of: (row) => barText(row.bar) },
  { title: 'verdict', of: verdictOf },
];

/** Formats one row per scenario and measure, without empty columns. */
export function reportTable(rows: readonly ReportRow[]): string {
  const shown = columns.filter(({ of }) => rows.some((row) => of(row) !== ''));
  return markdownTable(
    shown.map(({ title, isText = false }) => ({ title, isText })),
    rows.map((row) => shown.map(({ of }) => of(row))),
  );
}

/** Formats a padded table: texts are aligned to the left, figures to the right. */
export function markdownTable(
  heads: readonly { readonly title: string; readonly isText: boolean }[],
  cells: readonly (readonly string[])[],
): string {
  const widths = heads.map(({ title }, i) => Math.max(3, title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${heads.map(({ isText }, i) => (isText ? (row[i] ?? '').padEnd(widths[i] ?? 0) : (row[i] ?? '').padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = heads.map(({ isText }, i) =>
    isText ? '-'.repeat(widths[i] ?? 0) : `${'-'.repeat((widths[i] ?? 1) - 1)}:`,
  );
  return [line(heads.map(({ title }) => title)), line(rule), ...cells.map(line)].join('\n');
}

/** Formats three significant digits, or a whole number above them. */
export function figureText(value: number | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (!Number.isFinite(value)) return '?';
  return Math.abs(value) >= 100 || value === 0 ? value.toFixed(0) : value.toPrecision(3);
}

const ratioText = (ratio: number | null): string => (ratio === null ? '' : `${ratio.toFixed(3)}×`);

function barText({ max, min, maxRatio }: Bar = {}): string {
  const parts = [
    ...(max === undefined ? [] : [`≤ ${max}`]),
    ...(min === undefined ? [] : [`≥ ${min}`]),
    ...(maxRatio === undefined ? [] : [`≤ ${maxRatio}×`]),
  ];
  return parts.join(', ');
}
