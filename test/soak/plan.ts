import { parseArgs } from 'node:util';
import type { JudgePlan } from './judge/run.ts';

/** Amount and duration of the load. */
export interface SoakPlan {
  readonly seed: number;
  /** Number of measured rounds. A first one warms up. Each does the same work and ends with nothing left. */
  readonly rounds: number;
  readonly roundMs: number;
  readonly services: number;
  readonly instances: number;
  /** Concurrent connections. */
  readonly clients: number;
  readonly connectsPerSecond: number;
  readonly registryChangesPerSecond: number;
  readonly ruleRequestsPerSecond: number;
  /** Over REST. */
  readonly pollsPerSecond: number;
  /** Concurrently open. */
  readonly watches: number;
  /** Pause before memory is measured: the program releases unused names every ten seconds. */
  readonly restMs: number;
  /** Allowed growth of the heap: data that is kept by number, or not released yet, may differ that much. */
  readonly heapTolerance: number;
  /**
   * Whether the log of rule changes, which is kept by number, is filled before the first round. Later rounds then do
   * not grow it.
   */
  readonly fillsLogs: boolean;
  /**
   * Whether the last round waits until the program releases unused data, which takes a minute. Otherwise its clock is
   * advanced.
   */
  readonly waitsAtTheEnd: boolean;
}

/** The plan of `npm run soak`, for about `minutes`. */
function longPlan(minutes: number, seed: number): SoakPlan {
  const roundMs = 40_000;
  const rounds = Math.max(2, Math.floor((minutes * 60_000 - startAndEndMs) / (roundMs + betweenRoundsMs)) - 1);
  return {
    ...{ seed, rounds, roundMs, services: 300, instances: 3, clients: 300, connectsPerSecond: 40 },
    ...{ registryChangesPerSecond: 20, ruleRequestsPerSecond: 6, pollsPerSecond: 15, watches: 30 },
    ...{ restMs: 12_000, heapTolerance: 3_000_000, fillsLogs: true, waitsAtTheEnd: true },
  };
}

const betweenRoundsMs = 22_000;
/** Duration of the start, the full logs, and the minute at the end. */
const startAndEndMs = 110_000;

/** A plan of half a minute, for CI. */
export const shortPlan = (seed: number): SoakPlan => ({
  ...{ seed, rounds: 2, roundMs: 4_000, services: 60, instances: 3, clients: 60, connectsPerSecond: 60 },
  ...{ registryChangesPerSecond: 30, ruleRequestsPerSecond: 10, pollsPerSecond: 30, watches: 10 },
  ...{ restMs: 0, heapTolerance: 8_000_000, fillsLogs: false, waitsAtTheEnd: false },
});

/** The judge for a minute and until it is quiet afterwards, for CI. */
export const shortJudgePlan = (seed: number): JudgePlan => ({ seed, quietPoints: 25, forMs: 45_000 });

/** Parses the command line. Throws an error that explains a mistake in it. */
export function soakPlanOf(args: readonly string[], anySeed: number): SoakPlan {
  const { seed, minutes, short } = optionsOf(args, anySeed);
  return short ? shortPlan(seed) : longPlan(minutes, seed);
}

/** Returns the judge's plan; null without `--judge`. Throws an error that explains a mistake in the command line. */
export function judgePlanOf(args: readonly string[], anySeed: number): JudgePlan | null {
  const { seed, minutes, short, judge } = optionsOf(args, anySeed);
  if (!judge) return null;
  return short ? shortJudgePlan(seed) : { seed, quietPoints: Number.POSITIVE_INFINITY, forMs: minutes * 60_000 };
}

function optionsOf(args: readonly string[], anySeed: number) {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, short: flag, judge: flag },
  });
  const { short, judge } = values;
  const seed = values.seed === undefined ? anySeed : wholeNumber('seed', values.seed, 0);
  return { seed, minutes: wholeNumber('minutes', values.minutes, 1), short, judge };
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least) {
    throw new Error(`--${name}: "${text}" is no whole number from ${least} on`);
  }
  return value;
}
