import { setTimeout as delay } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { Crowd } from './clients/crowd.ts';
import { differencesOfPolling, Pollers } from './clients/pollers.ts';
import { differencesFromFresh, differencesFromNew } from './compare.ts';
import { type Api, createApi } from './load/api.ts';
import { paced } from './load/pace.ts';
import { type Random, randomOf } from './load/random.ts';
import { changeRegistry, clearRegistry, registerMesh } from './load/registry.ts';
import { changeRules, clearRules, fillLogOfChanges } from './load/rules.ts';
import { SoakWatches } from './load/watches.ts';
import type { SoakPlan } from './plan.ts';
import {
  countLiving,
  putClockForward,
  type RestFigures,
  readFigures,
  readRestFigures,
  restMetricNames,
  restMetrics,
} from './program/figures.ts';
import { type Inspector, inspectorOptions, openInspector } from './program/inspector.ts';
import { unexpectedLines } from './program/log.ts';
import { leftovers, type Measured, megabytes } from './verdict.ts';

export interface SoakOutcome {
  readonly measured: Measured;
  /** Summary for people. */
  readonly done: string;
  /** Empty when the program is as before the load, and sent every client the expected resources. */
  readonly problems: readonly string[];
}

/** Starts the program, runs rounds of load, and reports what they leave behind. */
export async function runSoak(plan: SoakPlan, report: (line: string) => void): Promise<SoakOutcome> {
  const controlPlane = await startControlPlane({
    args: ['--log-level', 'warn'],
    env: { NODE_OPTIONS: inspectorOptions },
  });
  try {
    const inspector = await openInspector(controlPlane.child);
    const livingBefore = await countLiving(inspector);
    const soak = partsOf(plan, controlPlane, inspector, report);
    const stopReports = reportEvery(10_000, soak);
    const problems: string[] = [];
    const rounds: RestFigures[] = [];
    for (let round = 0; round <= plan.rounds; round++) {
      soak.state.round = round;
      const found = (await oneRound(soak, round)).map((text) => `round ${round}: ${text}`);
      for (const text of found) report(`PROBLEM: ${text}`);
      problems.push(...found);
      await inspector.collectGarbage();
      await delay(plan.restMs);
      rounds.push(await readRestFigures(controlPlane, inspector));
      if (found.length > 0) break; // the problem is known; further rounds would repeat it
    }
    stopReports();
    const [baseline, ...others] = rounds;
    if (baseline === undefined) throw new Error('there is a first round');
    const measured = { baseline, rounds: others, livingBefore, living: await countLiving(inspector) };
    inspector.close();
    return {
      measured,
      done: summary(soak),
      problems: [
        ...problems,
        ...leftovers(measured, plan.heapTolerance),
        ...soak.crowd.surprises,
        ...soak.pollers.surprises.slice(0, 20),
        ...soak.api.faults.slice(0, 20),
        ...unexpectedLines(controlPlane.child.stderr()).slice(0, 20),
      ],
    };
  } finally {
    await controlPlane.stop();
  }
}

interface Soak {
  readonly plan: SoakPlan;
  readonly controlPlane: ControlPlane;
  readonly inspector: Inspector;
  readonly report: (line: string) => void;
  readonly api: Api;
  readonly crowd: Crowd;
  readonly pollers: Pollers;
  readonly watches: SoakWatches;
  readonly random: Random;
  readonly state: { round: number; changes: number };
}

function partsOf(plan: SoakPlan, controlPlane: ControlPlane, inspector: Inspector, report: Soak['report']): Soak {
  const longestStayMs = plan.roundMs / 2;
  const crowdOptions = { port: controlPlane.xdsPort, size: plan, random: randomOf(plan.seed + 1), longestStayMs };
  return {
    ...{ plan, controlPlane, inspector, report, random: randomOf(plan.seed) },
    api: createApi(controlPlane.httpPort),
    crowd: new Crowd(crowdOptions),
    pollers: new Pollers({ port: controlPlane.httpPort, size: plan, random: randomOf(plan.seed + 3) }),
    watches: new SoakWatches(controlPlane.httpPort, randomOf(plan.seed + 2)),
    state: { round: 0, changes: 0 },
  };
}

/** Runs load with all its churn, compares the clients' resources, and removes everything. */
async function oneRound(soak: Soak, round: number): Promise<readonly string[]> {
  const { plan, controlPlane, api, crowd, watches, random } = soak;
  const isLast = round === plan.rounds;
  await registerMesh(api, plan);
  if (round === 0 && plan.fillsLogs) await fillLogOfChanges(api, plan.services, random);
  await churn(soak);
  const followers = crowd.followers();
  const settled = await differencesFromNew(controlPlane, followers.slice(-20));
  const polled = await differencesOfPolling(controlPlane.httpPort, followers.slice(-5));
  const fresh = isLast ? await differencesFromFresh(controlPlane) : [];
  watches.closeAll();
  await crowd.leave({ halfOpenToo: !(isLast && plan.waitsAtTheEnd) });
  await clearRules(api);
  await clearRegistry(api);
  const unsettled = await settle(soak, isLast);
  await crowd.leave({ halfOpenToo: true });
  return [
    ...(followers.length === 0 ? ['no client was left to compare'] : []),
    ...settled,
    ...polled,
    ...fresh.map((text) => `unlike a fresh control plane: ${text}`),
    ...unsettled,
  ];
}

async function churn(soak: Soak): Promise<void> {
  const { plan, api, crowd, pollers, watches, random, state } = soak;
  const time = AbortSignal.timeout(plan.roundMs);
  await Promise.all([
    paced(plan.connectsPerSecond, time, () => crowd.tick(plan.clients)),
    paced(plan.pollsPerSecond, time, () => pollers.tick()),
    paced(5, time, () => watches.tick(plan.watches)),
    paced(plan.registryChangesPerSecond, time, async () => {
      await changeRegistry(api, plan, random);
      state.changes++;
    }),
    paced(plan.ruleRequestsPerSecond, time, async () => {
      await changeRules(api, plan.services, random);
      state.changes++;
    }),
  ]);
}

/** Waits until the program has released everything: it keeps tables for a minute after their last proxy. */
async function settle({ plan, controlPlane, inspector }: Soak, isLast: boolean): Promise<readonly string[]> {
  const metric = (name: string) => controlPlane.metric(name);
  const haveGone = async () =>
    ((await metric('binnacle_clients{mode="sotw"}')) ?? 0) + ((await metric('binnacle_clients{mode="delta"}')) ?? 0) ===
    0;
  try {
    // keepalive finds a half-open connection within 50 seconds
    const waits = isLast && plan.waitsAtTheEnd;
    await eventually(haveGone, { what: 'all clients gone', timeoutMs: waits ? 75_000 : 15_000, everyMs: 200 });
    if (!waits) await putClockForward(inspector, 61_000);
    const isEmpty = async () => {
      const values = await restMetrics(controlPlane);
      return restMetricNames.every((name) => values[name] === 0);
    };
    await eventually(isEmpty, {
      what: 'no layers, tables and subscriptions',
      timeoutMs: waits ? 90_000 : 15_000,
      everyMs: 200,
    });
    return [];
  } catch (error) {
    const left = Object.entries(await restMetrics(controlPlane)).filter(([, value]) => value !== 0);
    const what = left.map(([name, value]) => `${name} is ${value}`).join(', ');
    return [`${error instanceof Error ? error.message : error}: ${what}`];
  }
}

/** Reports progress at intervals. */
function reportEvery(ms: number, soak: Soak): () => void {
  const startedAt = performance.now();
  const tell = async () => {
    const { plan, controlPlane, inspector, crowd, watches, state } = soak;
    const { heap, resident, handles, descriptors } = await readFigures(controlPlane, inspector);
    const open = Object.values(handles).reduce((a, b) => a + b, 0);
    soak.report(
      [
        `${((performance.now() - startedAt) / 1000).toFixed(0)} s, round ${state.round} of ${plan.rounds}`,
        `${crowd.size} clients (${crowd.counts.connected} so far), ${watches.size} watches (${watches.opened})`,
        `${state.changes} changes, ${crowd.counts.responses} responses, ${crowd.counts.rejections} rejected`,
        `resident ${megabytes(resident)}, heap ${megabytes(heap)}, ${open} handles, ${descriptors} descriptors`,
      ].join('; '),
    );
  };
  const timer = setInterval(() => void tell().catch((error: unknown) => soak.report(String(error))), ms);
  return () => clearInterval(timer);
}

function summary({ crowd, pollers, watches, api, state }: Soak): string {
  const { connected, resumed, halfOpen, responses, rejections } = crowd.counts;
  return [
    `${connected} clients (${resumed} came back with what they had), ${halfOpen} half-open connections`,
    `${responses} responses, ${rejections} rejected`,
    `${state.changes} changes asked for, ${api.counts.refused} of ${api.counts.requests} requests refused`,
    `${watches.opened} watches`,
    `${pollers.counts.polls} polls, ${pollers.counts.unchanged} of what had not changed, ${pollers.counts.abandoned} abandoned`,
  ].join('; ');
}
