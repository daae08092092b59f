import { startControlPlane } from '../../support/control-plane.ts';
import { type KeptConnection, keepConnection, send, sendJson } from '../../support/http.ts';
import type { ServiceEntriesPlan } from '../flags.ts';
import { cpuSeconds } from '../process-figures.ts';
import type { ReportRow } from '../report/row.ts';
import type { Section } from '../report/table.ts';
import { eventLoopDelayMs } from '../servers/binnacle.ts';
import {
  selectingEntries,
  type WrittenObject,
  writtenServiceEntry,
  writtenVirtualService,
  writtenWorkloadEntry,
} from './objects.ts';

const collection = (plural: string) => `/apis/networking.istio.io/v1/namespaces/default/${plural}`;

/** Maximum cost of the last writes, relative to the first ones. */
const flatBar = { max: 1.5 };

/** Writes ServiceEntries and WorkloadEntries one by one. The cost of each must not depend on their number. */
export async function serviceEntriesSection(
  { objects, step }: ServiceEntriesPlan,
  progress: (text: string) => void,
): Promise<Section> {
  const controlPlane = await startControlPlane({ args: ['--log-level', 'warn'] });
  const connection = keepConnection(controlPlane.httpPort);
  const { pid } = controlPlane.child;
  const rows: ReportRow[] = [];
  const measure = async (scenario: string, count: number, write: (index: number) => Promise<unknown>) => {
    progress(`service-entries, ${scenario}`);
    await eventLoopDelayMs(controlPlane);
    rows.push(...rowsOf(scenario, await inSteps({ pid, count, step, write })), {
      scenario,
      measure: 'event loop, ms',
      binnacle: await eventLoopDelayMs(controlPlane),
    });
  };
  try {
    await measure(`${2 * step} VirtualServices`, 2 * step, (index) => create(connection, writtenVirtualService(index)));
    await measure(`${objects} ServiceEntries`, objects, (index) => create(connection, writtenServiceEntry(index)));
    await measure(`${2 * step} patches among them`, 2 * step, (index) => patch(connection, writtenServiceEntry(index)));
    for (const entry of selectingEntries()) await create(connection, entry);
    await measure(`${objects} WorkloadEntries`, objects, (index) => create(connection, writtenWorkloadEntry(index)));
  } finally {
    connection.close();
    await controlPlane.stop();
  }
  return {
    title: 'ServiceEntries and WorkloadEntries one by one',
    rows,
    notes: [
      'Each write is sent when the one before was answered, over one connection; no streams.',
      'A hundred ServiceEntries with selectors are there before the WorkloadEntries; each WorkloadEntry is selected by one.',
    ],
  };
}

const create = (to: KeptConnection, { plural, kind, name, spec }: WrittenObject): Promise<unknown> =>
  sendJson(to, 'POST', collection(plural), {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name, namespace: 'default' },
    spec,
  });

async function patch(to: KeptConnection, { plural, name }: WrittenObject): Promise<void> {
  const path = `${collection(plural)}/${name}`;
  const headers = { 'content-type': 'application/merge-patch+json' };
  const body = JSON.stringify({ spec: { endpoints: [{ address: '10.255.0.1' }] } });
  const { status } = await send(to, { method: 'PATCH', path, headers, body });
  if (status !== 200) throw new Error(`PATCH ${path}: ${status}`);
}

/** Figures of the writes of one step. */
interface StepFigures {
  readonly perSecond: number;
  readonly cpuMsEach: number;
}

async function inSteps({
  pid,
  count,
  step,
  write,
}: {
  readonly pid: number;
  readonly count: number;
  readonly step: number;
  readonly write: (index: number) => Promise<unknown>;
}): Promise<readonly StepFigures[]> {
  const steps: StepFigures[] = [];
  for (let from = 0; from < count; from += step) {
    const cpuBefore = cpuSeconds(pid);
    const startedAt = performance.now();
    for (let index = from; index < from + step; index++) await write(index);
    const seconds = (performance.now() - startedAt) / 1_000;
    steps.push({ perSecond: step / seconds, cpuMsEach: ((cpuSeconds(pid) - cpuBefore) / step) * 1_000 });
  }
  return steps;
}

function rowsOf(scenario: string, steps: readonly StepFigures[]): readonly ReportRow[] {
  const [first, last] = [steps[0], steps.at(-1)];
  const row = (measure: string, binnacle: number | null): ReportRow => ({ scenario, measure, binnacle });
  const growth = first === undefined || last === undefined ? null : last.cpuMsEach / first.cpuMsEach;
  return [
    row('writes/s, first thousand', first?.perSecond ?? null),
    row('writes/s, last thousand', last?.perSecond ?? null),
    row('CPU ms each, first thousand', first?.cpuMsEach ?? null),
    row('CPU ms each, last thousand', last?.cpuMsEach ?? null),
    { ...row('CPU, last of first', growth), bar: flatBar },
  ];
}
