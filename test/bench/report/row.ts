/** A limit. With several parts, all of them have to hold. */
export interface Bar {
  /** Binnacle's figure, in the measure's own unit. */
  readonly max?: number;
  readonly min?: number;
  /** Binnacle's figure, divided by the linear cache's. */
  readonly maxRatio?: number;
}

/** One measure of one scenario. A figure is null when it could not be had, and absent when it was not asked for. */
export interface Row {
  readonly scenario: string;
  /** With its unit. */
  readonly measure: string;
  readonly binnacle: number | null;
  /** The floor: what Node's own HTTP/2 takes to send the same. */
  readonly bare?: number | null;
  readonly linear?: number | null;
  readonly snapshot?: number | null;
  readonly bar?: Bar;
}

export type Verdict = 'pass' | 'MISS' | 'unknown' | '';

/** Binnacle's figure as a part of another's, or null when one of them is missing or the other's is zero. */
export function ratioTo(other: 'bare' | 'linear', { binnacle, [other]: figure = null }: Row): number | null {
  return binnacle === null || figure === null || figure === 0 ? null : binnacle / figure;
}

/** A figure that could not be had is unknown, never a pass. */
export function verdictOf(row: Row): Verdict {
  const { max, min, maxRatio } = row.bar ?? {};
  const parts: (boolean | null)[] = [];
  if (max !== undefined) parts.push(holds(row.binnacle, (value) => value <= max));
  if (min !== undefined) parts.push(holds(row.binnacle, (value) => value >= min));
  if (maxRatio !== undefined) parts.push(holds(ratioTo('linear', row), (value) => value <= maxRatio));
  if (parts.length === 0) return '';
  if (parts.includes(false)) return 'MISS';
  return parts.includes(null) ? 'unknown' : 'pass';
}

export const missedRows = (rows: readonly Row[]): readonly Row[] => rows.filter((row) => verdictOf(row) === 'MISS');

const holds = (value: number | null, check: (value: number) => boolean): boolean | null =>
  value === null || !Number.isFinite(value) ? null : check(value);
