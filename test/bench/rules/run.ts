import type { ControlPlane } from '../../support/control-plane.ts';
import { sendJson } from '../../support/http.ts';
import type { RulesPlan } from '../flags.ts';
import { startLoadClient } from '../load-client.ts';
import { namespace, routeName } from '../mesh.ts';
import { cpuSecondsWhenQuiet, peakBytes, waitedMs } from '../process-figures.ts';
import { eventLoopDelayMs } from '../servers/binnacle.ts';
import { applyBatches, batchesOf } from './apply.ts';
import { type ListFigures, type ListForm, listForms, timeList } from './lists.ts';
import { lastRouteToken, ruleObjects } from './objects.ts';
import { startProbe } from './probe.ts';
import { startWatchers, type WatcherReport, type Watchers } from './watchers.ts';

/** Effect of a task on the server while it ran. */
export interface Disturbance {
  readonly eventLoopMs: number | null;
  readonly healthzMs: number;
  /** Total time that the main thread waited for a processor; null when unknown. */
  readonly waitedMs: number | null;
}

export interface ApplyFigures extends Disturbance {
  readonly objects: number;
  readonly batches: number;
  /** Time from the first request until the last answer. */
  readonly answeredMs: number;
  readonly longestBatchMs: number;
  /** Time from the first request until every stream has the routes of the last object for a host of the mesh. */
  readonly servedMs: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly watches: WatchFigures | null;
}

export interface WatchFigures {
  readonly bytes: number;
  readonly ended: number;
  /** Time from the first request until every watch has every object; null when a watch did not get all. */
  readonly toldMs: number | null;
}

const watchTimeoutMs = 60_000;
const listPath = '/apis/networking.istio.io/v1/virtualservices';

/** Receives the begin or end of a part, for profiles. */
export type OnRulesPart = (part: 'apply' | 'lists' | 'end') => void;

/** Applies all objects in batches to a mesh with connected streams. */
export async function runApply(
  controlPlane: ControlPlane,
  { streams, objects: count, mesh }: RulesPlan,
  { size, watches = 0, onPart = () => {} }: { readonly size: number; readonly watches?: number; onPart?: OnRulesPart },
): Promise<ApplyFigures> {
  const { httpPort, xdsPort, child } = controlPlane;
  const objects = ruleObjects({ count, services: mesh.services });
  const batches = batchesOf(objects, size);
  const load = await startLoadClient({ mode: 'delta', xdsPort, streams });
  let watchers: Watchers | null = null;
  try {
    if (watches > 0) {
      const path = `${listPath}?watch=true&resourceVersion=${await listVersion(httpPort)}`;
      watchers = await startWatchers({ port: httpPort, path, watches, expected: Math.ceil(count / 2) });
    }
    const cpuBefore = await cpuSecondsWhenQuiet(child.pid);
    onPart('apply');
    const startedAt = performance.now();
    let took: readonly number[] = [];
    let answeredMs = 0;
    let report: WatcherReport | null = null;
    let [servedMs, toldMs] = [0, 0];
    const disturbance = await watchDisturbance(controlPlane, async () => {
      servedMs = await load.change('rds', routeName, lastRouteToken(objects), async () => {
        took = await applyBatches(httpPort, batches);
        answeredMs = performance.now() - startedAt;
      });
      report = watchers === null ? null : await watchers.complete(watchTimeoutMs);
      toldMs = performance.now() - startedAt;
    });
    const cpu = (await cpuSecondsWhenQuiet(child.pid)) - cpuBefore;
    onPart('end');
    return {
      ...disturbance,
      objects: count,
      batches: batches.length,
      answeredMs,
      longestBatchMs: Math.max(...took),
      servedMs: Math.max(servedMs, answeredMs),
      cpuSeconds: cpu,
      peakBytes: peakBytes(child.pid),
      watches: watchFigures(report, toldMs),
    };
  } finally {
    await Promise.all([watchers?.stop(), load.stop()]);
  }
}

const watchFigures = (report: WatcherReport | null, toldMs: number): WatchFigures | null =>
  report === null
    ? null
    : { bytes: report.bytes, ended: report.ended, toldMs: report.event === 'complete' ? toldMs : null };

/** Measures the longest blocking of the event loop and the longest `/healthz` while `run` runs. */
async function watchDisturbance(controlPlane: ControlPlane, run: () => Promise<void>): Promise<Disturbance> {
  await eventLoopDelayMs(controlPlane); // resets the measurement
  const { httpPort, child } = controlPlane;
  const before = waitedMs(child.pid);
  const probe = startProbe(httpPort);
  try {
    await run();
    const after = waitedMs(child.pid);
    return {
      eventLoopMs: await eventLoopDelayMs(controlPlane),
      healthzMs: await probe.longestMs(),
      waitedMs: before === null || after === null ? null : after - before,
    };
  } finally {
    await probe.stop();
  }
}

export interface ListsFigures extends Disturbance {
  readonly objects: number;
  readonly lists: Readonly<Record<ListForm, ListFigures>>;
}

/** Lists one kind in every form, after adding objects up to the number that was applied. */
export async function runLists(
  controlPlane: ControlPlane,
  { objects: count, mesh, streams }: RulesPlan,
  onPart: OnRulesPart = () => {},
): Promise<ListsFigures> {
  const { httpPort, xdsPort, child } = controlPlane;
  await applyBatches(httpPort, batchesOf(ruleObjects({ count, services: mesh.services, prefix: 'more' }), 1_000));
  const load = await startLoadClient({ mode: 'delta', xdsPort, streams });
  try {
    await cpuSecondsWhenQuiet(child.pid);
    onPart('lists');
    const lists: Partial<Record<ListForm, ListFigures>> = {};
    const disturbance = await watchDisturbance(controlPlane, async () => {
      // the keys are those of the object
      for (const form of Object.keys(listForms) as ListForm[]) lists[form] = await timeList(httpPort, listPath, form);
    });
    onPart('end');
    // the loop filled in every form
    return { ...disturbance, objects: count, lists: lists as Record<ListForm, ListFigures> };
  } finally {
    await load.stop();
  }
}

async function listVersion(port: number): Promise<string> {
  const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices?limit=1`;
  const list = (await sendJson(port, 'GET', path)) as { metadata: { resourceVersion: string } }; // the shape of lists
  return list.metadata.resourceVersion;
}
