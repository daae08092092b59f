import type { ReportRow } from '../report/row.ts';
import type { ApplyFigures, Disturbance, ListsFigures } from './run.ts';

const objectsPerSecondBar = { min: 2_000 };
const listMsBar = { max: 500 };
const eventLoopBar = { max: 30 };

/** Rows of one run of batches. */
export function applyRows(figures: ApplyFigures, watches = 0): readonly ReportRow[] {
  const { objects, batches, answeredMs, servedMs } = figures;
  const scenario = `${batches} × ${objects / batches}${watches === 0 ? '' : `, ${watches} watches`}`;
  const row = rowsOf(scenario);
  const watched = figures.watches;
  return [
    row('objects/s, until the last answer', (objects * 1e3) / answeredMs),
    // with open watches, CPU time is the measure
    row(
      'objects/s, until all streams have them',
      (objects * 1e3) / servedMs,
      watches === 0 ? objectsPerSecondBar : undefined,
    ),
    row('batches/s', (batches * 1e3) / answeredMs),
    row('longest batch, ms', figures.longestBatchMs),
    row('CPU s', figures.cpuSeconds),
    row('peak memory, MB', figures.peakBytes / 1e6),
    ...disturbanceRows(scenario, figures),
    ...(watched === null
      ? []
      : [
          row('every watch has been told, ms', watched.toldMs),
          row('sent to watches, MB', watched.bytes / 1e6),
          row('watches ended', watched.ended),
        ]),
  ];
}

export function listRows(figures: ListsFigures): readonly ReportRow[] {
  const scenario = `list of ${figures.objects}`;
  const row = rowsOf(scenario);
  return [
    ...Object.entries(figures.lists).flatMap(([form, { ms, bytes }]) => [
      row(`${form}, ms`, ms, listMsBar),
      row(`${form}, MB`, bytes / 1e6),
    ]),
    ...disturbanceRows(scenario, figures),
  ];
}

function disturbanceRows(scenario: string, { eventLoopMs, healthzMs, waitedMs }: Disturbance): readonly ReportRow[] {
  const row = rowsOf(scenario);
  return [
    row('event loop, ms', eventLoopMs, eventLoopBar),
    row('longest /healthz, ms', healthzMs),
    row('waited for a processor, ms', waitedMs),
  ];
}

const rowsOf =
  (scenario: string) =>
  (measure: string, binnacle: number | null, bar?: ReportRow['bar']): ReportRow => ({
    scenario,
    measure,
    binnacle,
    ...(bar === undefined ? {} : { bar }),
  });
