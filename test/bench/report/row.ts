/** A limit. All of its parts must hold. */
export interface Bar {
  /** Limit of Binnacle's figure, in the measure's unit. */
  readonly max?: number;
  readonly min?: number;
  /** Limit of Binnacle's figure divided by the linear cache's. */
  readonly maxRatio?: number;
}

/**
 * One measure of one scenario. A figure is null when it could not be measured, and absent when it was not requested.
 */
export interface ReportRow {
  readonly scenario: string;
  /** With its unit. */
  readonly measure: string;
  readonly binnacle: number | null;
  /** Lower bound: the cost of Node's HTTP/2 for the same data. */
  readonly bare?: number | null;
  readonly linear?: number | null;
  readonly snapshot?: number | null;
  readonly bar?: Bar;
}

export type RowVerdict = 'pass' | 'MISS' | 'unknown' | '';

/** Returns Binnacle's figure divided by another's, or null when one is missing or the other's is zero. */
export function ratioTo(other: 'bare' | 'linear', { binnacle, [other]: figure = null }: ReportRow): number | null {
  return binnacle === null || figure === null || figure === 0 ? null : binnacle / figure;
}

/** Judges a row by its bar. A missing figure is unknown, never a pass. */
export function verdictOf(row: ReportRow): RowVerdict {
  const { max, min, maxRatio } = row.bar ?? {};
  const parts: (boolean | null)[] = [];
  if (max !== undefined) parts.push(holds(row.binnacle, (value) => value <= max));
  if (min !== undefined) parts.push(holds(row.binnacle, (value) => value >= min));
  if (maxRatio !== undefined) parts.push(holds(ratioTo('linear', row), (value) => value <= maxRatio));
  if (parts.length === 0) return '';
  if (parts.includes(false)) return 'MISS';
  return parts.includes(null) ? 'unknown' : 'pass';
}

export const missedRows = (rows: readonly ReportRow[]): readonly ReportRow[] =>
  rows.filter((row) => verdictOf(row) === 'MISS');

const holds = (value: number | null, check: (value: number) => boolean): boolean | null =>
  value === null || !Number.isFinite(value) ? null : check(value);
